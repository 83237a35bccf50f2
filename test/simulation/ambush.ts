/**
 * Faults that lie in wait for a phase: most phases are over within a round trip, and chance alone
 * would seldom meet them.
 *
 * Invariant: a phase of an end is ambushed once at most, and only while the world still has faults.
 */
import type { EndpointEnd } from '../../shared/protocol/endpoint.ts'
import type { Phase } from '../../shared/protocol/life.ts'
import { cut, strikeEvenly } from './faults.ts'
import type { Stream } from './stream.ts'
import type { World } from './world.ts'

/** How likely the beginning of each phase is met: the shorter and rarer it is, the likelier. */
const likelihood: Readonly<Record<Phase, number>> = {
  opening: 0.05,
  dialling: 0.15,
  open: 0.2,
  aborting: 0.3,
  aborted: 0.8,
  lingering: 0.3,
  closed: 0,
}

export class Ambush {
  readonly #world: World
  readonly #seen = new WeakMap<EndpointEnd, Phase>()

  constructor(world: World) {
    this.#world = world
  }

  /** After every event: strikes where a phase has begun. */
  look(): void {
    const { clock, options, streams } = this.#world
    if (clock.now >= options.faultsUntilMs) return
    for (const stream of streams) {
      this.#consider(stream.livingOpener, stream)
      this.#consider(stream.livingAcceptor, stream)
    }
  }

  #consider(end: EndpointEnd | undefined, stream: Stream): void {
    if (end === undefined || this.#seen.get(end) === end.phase) return
    this.#seen.set(end, end.phase)
    const { chance, clock, options } = this.#world
    const isLikely = options.ambushCuts > 0 && end.phase === 'open'
    if (!chance.happens(isLikely ? 0.6 : likelihood[end.phase])) return
    if (chance.happens(options.ambushCuts)) {
      clock.after(chance.between(0, 2 * options.delayMsMax), () => cut(this.#world, stream))
      return
    }
    const delayMs = chance.happens(0.7) ? 0 : chance.between(0, options.delayMsMax)
    clock.after(delayMs, () => strikeEvenly(this.#world, stream))
  }
}
