/**
 * The live path page: draws each state that it hears, and asks for what is to be broken.
 *
 * Invariant: it shows what it was told and when it was told nothing; it decides nothing.
 */
import { find, make, setText } from '../../todo/page/element.ts'
import type { Breakable, PathState } from '../state.ts'
import { Events } from './events.ts'
import { countText, secondsText } from './number.ts'
import { Picture } from './picture.ts'
import { verdictOf } from './verdict.ts'

const picture = new Picture()
const events = new Events()
const buttons = new Map<string, HTMLButtonElement>()

const source = new EventSource('/path/events')
source.addEventListener('message', ({ data }) => show(JSON.parse(data) as PathState))
source.addEventListener('error', () => tell('down', 'the demo does not answer'))

function show(state: PathState): void {
  picture.draw(state, performance.now())
  events.show(state.events)
  const { kind, text } = verdictOf(state)
  tell(kind, text)
  const { sent, heard, longestPauseMs, streamsLost } = state.messages
  number('.heard', `${countText(heard)} of ${countText(sent)}`)
  number('.lost', countText(streamsLost))
  // Both are the relay's to tell: a dead one tells nothing.
  const known = (count: number): string => (state.relay === 'up' ? countText(count) : '–')
  number('.streams', known(state.streams))
  number('.cuts', known(state.agents.reduce((sum, { cuts }) => sum + cuts, 0)))
  number('.pause', secondsText(longestPauseMs))
  for (const breakable of state.breakables) {
    buttonOf(breakable).disabled = state.busyWith !== undefined
  }
}

function tell(verdict: string, text: string): void {
  find('.verdict', HTMLElement).dataset.verdict = verdict
  setText(find('.verdict-text', HTMLElement), text)
}

function number(selector: string, text: string): void {
  setText(find(selector, HTMLElement), text)
}

function buttonOf({ id, name, help }: Breakable): HTMLButtonElement {
  const known = buttons.get(id)
  if (known !== undefined) return known
  const label = make('span', { text: name })
  const button = make('button', { attributes: { type: 'button', 'data-break': id } }, label)
  button.append(make('small', { text: help }))
  button.addEventListener('click', () => {
    // What comes of it is told to every page, and to the terminal.
    fetch(`/path/break/${id}`, { method: 'POST' }).catch(() => tell('down', 'not heard'))
  })
  find('.buttons', HTMLElement).append(button)
  buttons.set(id, button)
  return button
}
