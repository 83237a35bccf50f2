/**
 * What kind of world a seed draws: sizes, times, and which faults may happen in it.
 *
 * Invariant: small windows and few streams, so that a world is cheap and its corners are met often.
 */
import type { Chance } from './chance.ts'

export interface Options {
  readonly relays: number
  readonly agents: number
  readonly streams: number
  readonly bytesMax: number
  readonly windowBytes: number
  readonly relayWindowBytes: number
  readonly relayBudgetBytes: number
  readonly resumeWindowMs: number
  readonly openTimeoutMs: number
  readonly livenessMs: number
  readonly delayMsMin: number
  readonly delayMsMax: number
  readonly slowReadMs: number
  /** The probability that a frame is said twice in place. */
  readonly sayTwice: number
  /** When faults stop: at a random, also an early, time, for cuts heal stalls. */
  readonly faultsUntilMs: number
  readonly faultEveryMs: number
  /** Streams may be lost to their window: outages are as long as it. */
  readonly harsh: boolean
  /** No faults but cuts that both sides see: nothing may ever stall. */
  readonly calm: boolean
}

export function drawOptions(chance: Chance): Options {
  const harsh = chance.happens(0.1)
  const calm = !harsh && chance.happens(0.15)
  const delayMsMax = chance.pick([2, 10, 40])
  return {
    relays: chance.happens(0.45) ? 2 : 1,
    agents: chance.between(2, 3),
    streams: chance.between(2, 6),
    bytesMax: chance.pick([300, 4_000, 16_000]),
    windowBytes: chance.pick([1_000, 3_000, 8_000]),
    relayWindowBytes: chance.pick([700, 3_000, 8_000]),
    relayBudgetBytes: chance.happens(0.2) ? 2_000 : 1_000_000,
    resumeWindowMs: harsh ? 6_000 : 90_000,
    openTimeoutMs: 15_000,
    livenessMs: 3_000,
    delayMsMin: 1,
    delayMsMax,
    slowReadMs: 3_000,
    sayTwice: chance.pick([0, 0, 0.03, 0.3]),
    faultsUntilMs: chance.pick([0, 300, 2_000, 6_000, 12_000]),
    faultEveryMs: chance.pick([40, 150, 500]),
    harsh,
    calm,
  }
}
