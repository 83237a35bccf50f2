/**
 * Faults that lie in wait for a phase: most phases are over within a round trip, and chance alone
 * would seldom meet them.
 *
 * Invariant: an ambush strikes once, and only while the world still has faults.
 */
import type { EndpointEnd } from '../../shared/protocol/endpoint.ts'
import type { Phase } from '../../shared/protocol/life.ts'
import { strikeEvenly } from './faults.ts'
import type { World } from './world.ts'

const phases: readonly Phase[] = [
  'opening',
  'dialling',
  'open',
  'aborting',
  'aborted',
  'lingering',
  'lingering',
]

export class Ambush {
  readonly #world: World
  readonly #waitsFor: Phase[]
  readonly #seen = new WeakMap<EndpointEnd, Phase>()

  constructor(world: World, count: number) {
    this.#world = world
    this.#waitsFor = Array.from({ length: count }, () => world.chance.pick(phases))
  }

  /** After every event: strikes, a moment later at the most, where a phase has begun. */
  look(): void {
    if (this.#waitsFor.length === 0) return
    const { chance, clock, options } = this.#world
    if (clock.now >= options.faultsUntilMs) return
    for (const stream of this.#world.streams) {
      for (const [end] of stream.livingEnds()) {
        if (this.#seen.get(end) === end.phase) continue
        this.#seen.set(end, end.phase)
        const index = this.#waitsFor.indexOf(end.phase)
        if (index === -1) continue
        this.#waitsFor.splice(index, 1)
        const momentMs = chance.happens(0.5) ? 0 : chance.between(0, options.delayMsMax)
        clock.after(momentMs, () => strikeEvenly(this.#world, stream))
      }
    }
  }
}
