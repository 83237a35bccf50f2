/**
 * A client's list: the server's, and on top of it what the client has done and the server has not
 * yet answered. Browsers load this file as it is.
 *
 * Invariant: what is shown is the server's list with the pending changes applied in their order.
 * A pending change is said again after each loss, under its number, until the server has `applied`
 * or `refused` it; so it happens exactly once, or is taken back.
 */
import type { Bus, BusState } from './bus/bus.ts'
import type {
  Change,
  DeviceState,
  Item,
  List,
  Message,
  Refusal,
  ServerMessage,
} from './contract.ts'
import { apply, emptyList } from './list.ts'

/** An entry as it is shown. */
export interface ShownItem extends Item {
  /** Somebody else is busy with it. */
  readonly busy: boolean
  /** Who that is. */
  readonly busyBy?: string | undefined
}

/** What is shown. */
export interface View {
  readonly items: readonly ShownItem[]
  readonly devices: readonly DeviceState[]
  /** The clients that are here, devices among them. */
  readonly online: readonly string[]
  /** False until the first list came. */
  readonly ready: boolean
  /** Changes without an answer. */
  readonly pending: number
  readonly state: BusState
}

/** Beyond so many changes without an answer no further one is made. */
export const pendingMax = 1_000

interface Pending {
  readonly number: number
  readonly change: Change
}

type Applied = Extract<ServerMessage, { command: 'applied' }>
type InitData = Extract<ServerMessage, { command: 'initdata' }>

/** The list of one client, on the bus that it is given; it ends with the bus. */
export class SharedList {
  readonly #bus: Bus
  readonly #hearers = new Set<(view: View) => void>()
  readonly #refusalHearers = new Set<(change: Change, reason: Refusal) => void>()
  #list: List = emptyList
  #pending: readonly Pending[] = []
  /** What was applied while the list itself is awaited. */
  #early: Applied[] = []
  #number = 0
  #ready = false
  /** True from an `init` to its answer. */
  #asking = false
  #devices: readonly DeviceState[] = []
  #online: readonly string[] = []

  constructor(bus: Bus) {
    this.#bus = bus
    bus.onCommand((message) => this.#hear(message))
    bus.onState((state) => {
      if (state === 'connected') this.#ask()
      this.#changed()
    })
    if (bus.state === 'connected') this.#ask()
  }

  get view(): View {
    const { clientId, state } = this.#bus
    const shown = this.#pending.reduce(
      (list, { change }) => apply(list, clientId, change),
      this.#list,
    )
    const items = shown.items.map((item) => {
      const holder = shown.leases[item.id]
      const busyBy = holder === clientId ? undefined : holder
      return { ...item, busy: busyBy !== undefined, busyBy }
    })
    return {
      items,
      devices: this.#devices,
      online: this.#online,
      ready: this.#ready,
      pending: this.#pending.length,
      state,
    }
  }

  /**
   * Makes a change: it shows at once, and is said to the server. False, and nothing happens, when
   * too many are without an answer.
   */
  make(change: Change): boolean {
    if (this.#pending.length >= pendingMax) return false
    this.#number += 1
    const pending = { number: this.#number, change }
    this.#pending = [...this.#pending, pending]
    if (this.#ready && !this.#asking) this.#say(pending)
    this.#changed()
    return true
  }

  /** Hears whenever the view is another one. */
  onChange(hear: (view: View) => void): void {
    this.#hearers.add(hear)
  }

  /** Hears of each change that the server did not make, after it was taken back. */
  onRefused(hear: (change: Change, reason: Refusal) => void): void {
    this.#refusalHearers.add(hear)
  }

  #hear(message: Message): void {
    switch (message.command) {
      case 'initdata':
        if (message.to === this.#bus.clientId) this.#begin(message)
        break
      case 'applied':
        this.#applied(message)
        break
      case 'refused':
        if (message.to === this.#bus.clientId) this.#refused(message.number, message.reason)
        break
      case 'presence':
        this.#devices = message.devices
        this.#online = message.online
        break
      case 'ready':
        if (this.#asking || this.#isBehind(message.revision)) this.#ask()
        break
      default:
        // What other clients ask for counts when the server has applied it.
        return
    }
    this.#changed()
  }

  /** The server's list, and what was applied to it while it was on its way. */
  #begin({ revision, items, leases, number, devices, online }: InitData): void {
    this.#list = { revision, items, leases }
    this.#devices = devices
    this.#online = online
    this.#ready = true
    this.#asking = false
    this.#answered(number)
    for (const applied of this.#early.splice(0)) this.#applied(applied)
    if (!this.#asking) for (const pending of this.#pending) this.#say(pending)
  }

  #applied(message: Applied): void {
    if (this.#asking || !this.#ready) {
      if (this.#early.length < pendingMax) this.#early.push(message)
      return
    }
    const { revision, author, number, change } = message
    if (revision <= this.#list.revision) return
    if (revision > this.#list.revision + 1) {
      this.#ask()
      this.#early.push(message)
      return
    }
    this.#list = apply(this.#list, author, change)
    if (author === this.#bus.clientId && number !== undefined) this.#answered(number)
  }

  #refused(number: number | undefined, reason: Refusal): void {
    const refused = this.#pending.find((one) => one.number === number)
    if (refused === undefined) return
    this.#answered(refused.number)
    for (const hear of this.#refusalHearers) hear(refused.change, reason)
  }

  /** Changes are answered in their order: with this one, all before it. */
  #answered(number: number): void {
    this.#pending = this.#pending.filter((pending) => pending.number > number)
  }

  /** Something was lost on the way, in one direction or the other. */
  #isBehind(revision: number): boolean {
    return revision !== this.#list.revision || this.#pending.length > 0
  }

  #ask(): void {
    this.#asking = true
    this.#early = []
    const number = (this.#pending[0]?.number ?? this.#number + 1) - 1
    // Whatever fails here is asked for again when the server says that it is here.
    this.#bus.send({ command: 'init', number }).catch(() => {})
  }

  #say({ number, change }: Pending): void {
    this.#bus.send({ ...change, number }).catch(() => {})
  }

  #changed(): void {
    const { view } = this
    for (const hear of this.#hearers) hear(view)
  }
}
