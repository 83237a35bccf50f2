/**
 * The picture: the relay, the agents, and the wires between them, as they are now.
 *
 * Invariant: what is drawn is the last state and the one before it, for rates; nothing is guessed.
 */
import { find, setText } from '../../todo/page/element.ts'
import type { AgentState, PathState } from '../state.ts'
import { bytesText, secondsText } from './number.ts'

/** Bytes a second of one agent. */
interface Rates {
  readonly received: number
  readonly sent: number
}

export class Picture {
  #last: { readonly state: PathState; readonly at: number } | undefined

  /** Draws a state that was heard at this time, in milliseconds of the page's clock. */
  draw(state: PathState, at: number): void {
    const relay = find('.relay', HTMLElement)
    relay.dataset.station = state.relay
    const life = state.relayLives > 1 ? `life ${state.relayLives}` : 'in the cloud'
    setText(find('.relay-text', HTMLElement), state.relay === 'up' ? life : 'dead')
    find('.plain', HTMLElement).dataset.wire = state.relay
    for (const wire of document.querySelectorAll<HTMLElement>('.carrier')) {
      const agent = state.agents.find((one) => one.agent === wire.dataset.agent)
      this.#drawWire(wire, agent, this.#ratesOf(agent, at))
    }
    this.#drawPlant(state.agents.find(({ agent }) => agent === 'agent/plant-1'))
    setText(find('.broker-text', HTMLElement), state.broker)
    this.#last = { state, at }
  }

  #drawWire(wire: HTMLElement, agent: AgentState | undefined, rates: Rates): void {
    const state = agent === undefined ? 'down' : agent.state === 'up' ? 'up' : 'held'
    wire.dataset.wire = state
    wire.dataset.busy = rates.received + rates.sent > busyBytesPerSecond ? 'yes' : 'no'
    const { roundTripMs } = agent ?? {}
    const measured = roundTripMs === undefined ? 'measuring' : `${roundTripMs.toFixed(1)} ms`
    const words = { up: measured, held: `carrier ${agent?.state ?? ''}`, down: 'no carrier' }
    for (const place of wire.querySelectorAll('.round-trip')) setText(place, words[state])
    const flows = `↑ ${bytesText(rates.received)}/s  ↓ ${bytesText(rates.sent)}/s`
    const shown = state === 'up' ? flows : ''
    for (const place of wire.querySelectorAll('.rates')) setText(place, shown)
    for (const place of wire.querySelectorAll('.wire-below')) setText(place, totals(agent))
  }

  #drawPlant(agent: AgentState | undefined): void {
    find('.plant', HTMLElement).dataset.station = agent?.state === 'up' ? 'up' : 'held'
    const heard = agent?.heardAgoMs
    const text = heard === undefined ? 'dials out again' : `heard ${secondsText(heard)} ago`
    setText(find('.plant-text', HTMLElement), text)
  }

  #ratesOf(agent: AgentState | undefined, at: number): Rates {
    const before = this.#last?.state.agents.find((one) => one.agent === agent?.agent)
    const seconds = (at - (this.#last?.at ?? at)) / 1_000
    if (agent === undefined || before === undefined || seconds <= 0) return { received: 0, sent: 0 }
    // After a relay's death the counts begin anew.
    const rate = (now: number, then: number): number => Math.max(0, now - then) / seconds
    return {
      received: rate(agent.receivedBytes, before.receivedBytes),
      sent: rate(agent.sentBytes, before.sentBytes),
    }
  }
}

/** From here on a wire is drawn as one with much to do. */
const busyBytesPerSecond = 20_000

function totals(agent: AgentState | undefined): string {
  if (agent === undefined) return ''
  const { streams, receivedBytes, sentBytes } = agent
  const held = `${streams} ${streams === 1 ? 'stream' : 'streams'}`
  return `one WebSocket, TLS 1.3\n${held} · ${bytesText(receivedBytes + sentBytes)}`
}
