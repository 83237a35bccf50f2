/**
 * The server's decisions: what becomes of the list, the leases and the devices by whatever is
 * heard, and what is then to be said to whom.
 *
 * Invariant: pure; the state is plain data, to be kept on disk, and everything that is to be said
 * follows from it. Each change of a client is taken once and in its order, each click is counted
 * once, and what changed has been numbered.
 */
import {
  type Change,
  type ClientMessage,
  type DeviceCommand,
  type DeviceStatus,
  type List,
  limits,
  type ServerMessage,
  serverId,
} from './contract.ts'
import { apply, emptyList, itemOf, refusal } from './list.ts'
import {
  type Device,
  lightOf,
  type MaintenanceEffect,
  type MaintenanceEvent,
  step as maintain,
} from './maintenance.ts'

/** Everything that the server must not forget. */
export interface TodoState {
  readonly list: List
  /** How far each client was heard; who was heard last stands last. */
  readonly numbers: ReadonlyMap<string, number>
  readonly devices: readonly Device[]
  /** The last messages of each device, by their ids. */
  readonly clicks: ReadonlyMap<string, readonly string[]>
}

export const emptyState: TodoState = {
  list: emptyList,
  numbers: new Map(),
  devices: [],
  clicks: new Map(),
}

/** What is heard. */
export type TodoEvent =
  | { readonly kind: 'message'; readonly message: ClientMessage }
  | { readonly kind: 'status'; readonly status: DeviceStatus }
  /** The lease of an entry is over: nobody renewed it, or its owner is gone. */
  | { readonly kind: 'release'; readonly id: string }

/** What is to be said: to one client, to everybody, or to a device; `ignored` only to the log. */
export type Saying =
  | { readonly kind: 'all'; readonly message: ServerMessage }
  | { readonly kind: 'one'; readonly clientId: string; readonly message: ServerMessage }
  /** The whole list, as it is when it is said. */
  | { readonly kind: 'init'; readonly clientId: string }
  | { readonly kind: 'light'; readonly command: DeviceCommand }
  | { readonly kind: 'devices' }
  | { readonly kind: 'ignored'; readonly clientId: string; readonly reason: string }

/** A state, and what is to be said once it is kept. */
export interface Decision {
  readonly state: TodoState
  readonly sayings: readonly Saying[]
}

/** What becomes of the state; new entries get their ids from `newId`. */
export function decide(state: TodoState, event: TodoEvent, newId: () => string): Decision {
  switch (event.kind) {
    case 'message':
      return heard(state, event.message)
    case 'status': {
      const { clientId, messageId } = event.status
      return clicked(state, clientId, messageId, newId())
    }
    case 'release': {
      const isHeld = Object.hasOwn(state.list.leases, event.id)
      const change: Change = { command: 'busy', id: event.id, busy: false }
      return isHeld ? changed(state, serverId, change) : { state, sayings: [] }
    }
    default:
      return event satisfies never
  }
}

function heard(state: TodoState, { clientId, number, ...said }: ClientMessage): Decision {
  const last = state.numbers.get(clientId)
  if (said.command === 'init') {
    const known = Math.max(last ?? 0, number ?? 0)
    return { state: withNumber(state, clientId, known), sayings: [{ kind: 'init', clientId }] }
  }
  if (number === undefined) return changed(state, clientId, said)
  if (last !== undefined && number <= last) {
    return { state, sayings: [{ kind: 'ignored', clientId, reason: `heard twice: ${number}` }] }
  }
  if (number !== (last ?? 0) + 1) return missing(state, clientId, number)
  return changed(withNumber(state, clientId, number), clientId, said, number)
}

/** Something before this change was lost: the client is made to ask, and to say all of it again. */
function missing(state: TodoState, clientId: string, number: number): Decision {
  const { revision } = state.list
  const message: ServerMessage = { clientId: serverId, command: 'ready', revision }
  const reason = `out of order: ${number}`
  return {
    state,
    sayings: [
      { kind: 'ignored', clientId, reason },
      { kind: 'one', clientId, message },
    ],
  }
}

/** Makes a change, and all that follows from it for the devices. */
function changed(state: TodoState, author: string, change: Change, number?: number): Decision {
  const reason = refusal(state.list, author, change)
  const numbered = number === undefined ? {} : { number }
  if (reason !== undefined) {
    const message = { clientId: serverId, command: 'refused', to: author, reason } as const
    const refused: Saying = { kind: 'one', clientId: author, message: { ...message, ...numbered } }
    const ignored: Saying = { kind: 'ignored', clientId: author, reason: `refused: ${reason}` }
    return { state, sayings: [ignored, refused] }
  }
  const list = apply(state.list, author, change)
  const { revision } = list
  const message = { clientId: serverId, command: 'applied', revision, author, change } as const
  const applied: Saying = { kind: 'all', message: { ...message, ...numbered } }
  return followed({ ...state, list }, [applied], eventsOf(state.list, list))
}

/** What a change means to the devices whose entries it concerns. */
function eventsOf(before: List, after: List): readonly MaintenanceEvent[] {
  if (before.items === after.items) return []
  return before.items.flatMap(({ id, completed }): readonly MaintenanceEvent[] => {
    const item = itemOf(after, id)
    if (item === undefined) return [{ kind: 'removed', itemId: id }]
    if (item.completed === completed) return []
    return [{ kind: 'completed', itemId: id, completed: item.completed }]
  })
}

function clicked(
  state: TodoState,
  clientId: string,
  messageId: string | undefined,
  newItemId: string,
): Decision {
  const known = state.clicks.get(clientId) ?? []
  if (messageId !== undefined && known.includes(messageId)) {
    return { state, sayings: [{ kind: 'ignored', clientId, reason: 'click heard twice' }] }
  }
  const { state: devices, effects } = maintain(state.devices, {
    kind: 'click',
    clientId,
    newItemId,
  })
  const isKept = messageId !== undefined && devices.some((one) => one.clientId === clientId)
  const ids = isKept ? [...known, messageId].slice(-limits.deviceMessagesMax) : known
  const clicks = isKept ? new Map([...state.clicks, [clientId, ids]]) : state.clicks
  return effected({ ...state, devices, clicks }, [{ kind: 'devices' }], effects)
}

function followed(
  state: TodoState,
  sayings: readonly Saying[],
  events: readonly MaintenanceEvent[],
): Decision {
  return events.reduce<Decision>(
    (decision, event) => {
      const { state: devices, effects } = maintain(decision.state.devices, event)
      if (devices === decision.state.devices) return decision
      const said: readonly Saying[] = [...decision.sayings, { kind: 'devices' }]
      return effected({ ...decision.state, devices }, said, effects)
    },
    { state, sayings },
  )
}

/** The rules of maintenance have decided; this is what it means for the list. */
function effected(
  state: TodoState,
  sayings: readonly Saying[],
  effects: readonly MaintenanceEffect[],
): Decision {
  return effects.reduce<Decision>(
    (decision, effect) => {
      const { state: after, sayings: more } = effectOn(decision.state, effect)
      return { state: after, sayings: [...decision.sayings, ...more] }
    },
    { state, sayings },
  )
}

function effectOn(state: TodoState, effect: MaintenanceEffect): Decision {
  switch (effect.kind) {
    case 'insert': {
      const item = { id: effect.itemId, title: effect.title, completed: false }
      return changed(state, serverId, { command: 'insert', item })
    }
    case 'uncheck': {
      const item = itemOf(state.list, effect.itemId)
      if (item === undefined) return { state, sayings: [] }
      return changed(state, serverId, { command: 'update', item: { ...item, completed: false } })
    }
    case 'light': {
      const { clientId, light } = effect
      return { state, sayings: [{ kind: 'light', command: { clientId, maintenancelight: light } }] }
    }
    case 'refused': {
      const reason = 'there are too many devices'
      return { state, sayings: [{ kind: 'ignored', clientId: effect.clientId, reason }] }
    }
    default:
      return effect satisfies never
  }
}

/** What every device's light must show, to be said when it may have been missed. */
export function lights({ devices }: TodoState): readonly DeviceCommand[] {
  return devices.map((device) => ({
    clientId: device.clientId,
    maintenancelight: lightOf(device),
  }))
}

function withNumber(state: TodoState, clientId: string, number: number): TodoState {
  const numbers = new Map(state.numbers)
  numbers.delete(clientId)
  numbers.set(clientId, number)
  const [oldest] = numbers.keys()
  if (numbers.size > limits.clientsMax && oldest !== undefined) numbers.delete(oldest)
  return { ...state, numbers }
}
