/**
 * A client's list: the server's, and on top of it what the client has done and the server has not
 * yet answered. Browsers load this file as it is.
 *
 * Invariant: what is shown is the server's list with the pending changes applied in their order.
 * A pending change is said again after each loss, under its number, until the server has `applied`
 * or `refused` it; so it happens exactly once, or is taken back.
 */
import type { Bus, BusState } from './bus/bus.ts'
import type { Change, DeviceState, Item, Refusal } from './contract.ts'

/** An entry as it is shown. */
export interface ShownItem extends Item {
  /** Somebody else is busy with it. */
  readonly busy: boolean
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

/** The list of one client, on the bus that it is given; it ends with the bus. */
export interface SharedListInterface {
  readonly view: View
  /** Makes a change: it shows at once, and is said to the server. */
  make(change: Change): void
  /** Hears whenever the view is another one. */
  onChange(hear: (view: View) => void): void
  /** Hears of each change that the server did not make, after it was taken back. */
  onRefused(hear: (change: Change, reason: Refusal) => void): void
}

export type OpenSharedList = (bus: Bus) => SharedListInterface
