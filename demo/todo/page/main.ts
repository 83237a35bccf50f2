/**
 * The todo page: a shared list, shown, and what is done to it, said.
 *
 * Invariant: the page holds no list of its own. What is shown is the view of the shared list, and
 * whatever somebody does is a change that is made there.
 */
import './no-eval.ts'
import { SharedList, type View } from '../shared-list.ts'
import { Announcer } from './announcer.ts'
import { connect } from './connect.ts'
import { connectionText } from './connection.ts'
import { DevicesView } from './devices-view.ts'
import { find, setText } from './element.ts'
import { ListView } from './list-view.ts'
import { nameOf } from './name.ts'
import { newsBetween } from './news.ts'
import { Notice } from './notice.ts'
import { settingsPath, settingsSchema } from './settings.ts'
import { wishesFor } from './wishes.ts'

const answer = await fetch(settingsPath)
const { transport, pressPath } = settingsSchema.parse(await answer.json())
/** Tells people from devices among those who are here. */
const clientKind = 'page-'
const clientId = `${clientKind}${crypto.randomUUID()}`
const list = new SharedList(await connect(transport, clientId))
const announcer = new Announcer(find('.announcements', HTMLElement))
const notice = new Notice(find('.notice', HTMLElement))
const todos = new ListView(wishesFor(list, (sentence) => notice.show(sentence)))
const devices = new DevicesView(pressPath === undefined ? undefined : press)

let seen: View | undefined
/** Since when changes wait without an answer; what is answered soon is nothing to worry about. */
let waitingSince = Number.POSITIVE_INFINITY
const worryMs = 1_000

list.onChange(show)
list.onRefused((_, reason) => notice.show(`Not done: ${refusals[reason]}.`))
setInterval(() => showState(list.view), worryMs / 2)
show(list.view)

const refusals = {
  busy: 'somebody else is editing it',
  full: 'the list is full',
  unknown: 'it is gone',
  taken: 'it is there already',
} as const

function show(view: View): void {
  todos.show(
    view.items.map(({ busyBy, ...item }) => ({
      ...item,
      busyBy: busyBy === undefined ? undefined : nameOf(busyBy),
    })),
  )
  devices.show(
    view.devices.map((device) => ({ ...device, isOnline: view.online.includes(device.clientId) })),
  )
  showState(view)
  if (seen?.ready && view.ready) for (const news of newsBetween(seen, view)) announcer.say(news)
  seen = view
}

function showState({ state, pending, online }: View): void {
  if (pending === 0) waitingSince = Number.POSITIVE_INFINITY
  else waitingSince = Math.min(waitingSince, performance.now())
  const isLate = performance.now() - waitingSince > worryMs
  const present = online.filter((one) => one.startsWith(clientKind)).length
  const waiting = isLate ? pending : 0
  find('.state', HTMLElement).dataset.state = waiting > 0 && state === 'connected' ? 'lost' : state
  const text = connectionText({ state, transport, present, waiting })
  setText(find('.state-text', HTMLElement), text)
}

function press(device: string): void {
  const options = { method: 'POST', body: JSON.stringify({ clientId: device }) }
  const failed = (): void => notice.show(`${device} could not be pressed.`)
  fetch(pressPath ?? '', { ...options, headers: { 'content-type': 'application/json' } }).then(
    ({ ok }) => (ok ? undefined : failed()),
    failed,
  )
}
