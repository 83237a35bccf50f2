/**
 * The ledger of debts: whoever drops a frame of a live route owes it to have both ends restate
 * themselves (law 8, check 8).
 *
 * Invariant: a debt is paid when the source of the bytes hears from where to go on, or has heard it
 * already and says them again; it is judged only over time in which both carriers were good.
 */
import type { Leg } from '../../relay/switch/route.ts'
import { demand } from './demand.ts'
import type { WatchedSwitch } from './watched-switch.ts'
import type { World } from './world.ts'

/**
 * Less than the pause after which the watch-dog of a stream would help, which must not be needed.
 */
const patienceMs = 3_000

interface Debt {
  readonly debtor: WatchedSwitch
  readonly leg: Leg
  /** The position behind what was dropped. */
  readonly end: number
  readonly at: number
}

export class Ledger {
  readonly #world: World
  readonly #debts = new Map<string, Debt>()

  constructor(world: World) {
    this.#world = world
  }

  /** Bytes that came by this leg were dropped. */
  owe(debtor: WatchedSwitch, leg: Leg, end: number): void {
    const key = nameOf(debtor.sessionOf(leg.port), leg.id)
    const at = this.#debts.get(key)?.at ?? this.#world.clock.now
    this.#debts.set(key, { debtor, leg, end, at })
  }

  /** The source of this id has heard from where to go on. */
  paid(session: string, id: number): void {
    this.#debts.delete(nameOf(session, id))
  }

  /** Fails on a debt that is old although it could have been paid. */
  look(): void {
    const { clock, options } = this.#world
    for (const [key, { debtor, leg, end, at }] of this.#debts) {
      const { route } = leg
      const stream = this.#world.streamOf(route.key)
      // Who has reset its socket is owed nothing, and its far end says nothing any longer.
      const wasReset = stream?.opener.didReset === true || stream?.target?.didReset === true
      if (!debtor.routes.has(route) || leg.incoming.cursor >= end || wasReset) {
        this.#debts.delete(key)
        continue
      }
      const steadyMs = Math.min(
        ...route.legs.map(({ port }) => this.#world.legSteadyMs(debtor, port)),
      )
      const isOld = Math.min(clock.now - at, steadyMs) >= patienceMs
      demand(
        !isOld || options.loss > 0,
        () => `8: bytes were dropped at ${at}, and no RESYNC was said for them`,
        stream,
      )
    }
  }
}

function nameOf(session: string, id: number): string {
  return `${session}/${id}`
}
