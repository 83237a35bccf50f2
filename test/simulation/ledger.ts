/**
 * The ledger of debts: whoever drops a frame of a live route owes it to have both ends restate
 * themselves (law 8, check 8).
 *
 * Invariant: a debt is paid when the source of the bytes hears from where to go on; it is judged only
 * over time in which both carriers of the route were good.
 */
import type { Leg } from '../../relay/switch/route.ts'
import { demand } from './demand.ts'
import type { WatchedSwitch } from './watched-switch.ts'
import type { World } from './world.ts'

/** Less than the pause after which the watch-dog of a stream would help, which must not be needed. */
const patienceMs = 3_000

interface Debt {
  readonly debtor: WatchedSwitch
  readonly leg: Leg
  readonly at: number
}

export class Ledger {
  readonly #world: World
  readonly #debts = new Map<string, Debt>()

  constructor(world: World) {
    this.#world = world
  }

  /** Bytes that came by this leg were dropped. */
  owe(debtor: WatchedSwitch, leg: Leg): void {
    const key = nameOf(debtor.sessionOf(leg.port), leg.id)
    if (!this.#debts.has(key)) this.#debts.set(key, { debtor, leg, at: this.#world.clock.now })
  }

  /** The source of this id has heard from where to go on. */
  paid(session: string, id: number): void {
    this.#debts.delete(nameOf(session, id))
  }

  /** Fails on a debt that is old although it could have been paid. */
  look(): void {
    const { clock, options } = this.#world
    for (const [key, { debtor, leg, at }] of this.#debts) {
      const { route } = leg
      if (!debtor.routes.has(route)) {
        this.#debts.delete(key)
        continue
      }
      const steadyMs = Math.min(...route.legs.map(({ port }) => this.#world.legSteadyMs(debtor, port)))
      const isOld = Math.min(clock.now - at, steadyMs) >= patienceMs
      demand(!isOld || options.loss > 0, '8: bytes were dropped, and no RESYNC was said for them')
    }
  }
}

function nameOf(session: string, id: number): string {
  return `${session}/${id}`
}
