/**
 * The services that every agent of a world exposes.
 *
 * Invariant: a name decides what a dial does: `slow` takes its time, `deaf` refuses.
 */
import type { Chance } from './chance.ts'

export const services = ['echo', 'slow', 'deaf'] as const

export type Service = (typeof services)[number]

export function drawService(chance: Chance): Service {
  return chance.happens(0.06) ? 'deaf' : chance.happens(0.15) ? 'slow' : 'echo'
}

/** The longest that a dial takes. */
export const dialMsMax = 3_000

/** How long a dial takes until it succeeds or fails. */
export function dialMs(service: Service, chance: Chance): number {
  return service === 'slow' ? chance.between(300, dialMsMax) : chance.between(0, 20)
}
