/**
 * One timer for a deadline that moves.
 *
 * Invariant: a bell that comes much too late lets the loop read once before it is rung: a process
 * that was stopped, or a loop that stalled, hears what is waiting before it judges anybody dead
 * (protocol rule 37). Time is the monotonic clock's.
 */

import { performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers'

/** How late a bell may be before input is read first, in milliseconds. */
export const lateMs = 1_000
/** A deadline that is due but cannot be met yet is looked at again after this, in milliseconds. */
const againMs = 10
/** The longest wait of one timer; setTimeout takes no more than 2^31 - 1. */
const waitMsMax = 2 ** 31 - 1

/** Monotonic milliseconds, the time of the whole core. */
export function monotonicNow(): number {
  return performance.now()
}

export class Alarm {
  readonly #deadline: () => number
  readonly #ring: (now: number) => void
  #timer: NodeJS.Timeout | undefined
  #dueAt = Number.POSITIVE_INFINITY
  #over = false

  /** `deadline` is asked whenever `set` is called; `ring` is called at that time, or later. */
  constructor(deadline: () => number, ring: (now: number) => void) {
    this.#deadline = deadline
    this.#ring = ring
  }

  /** Something has changed: the deadline may have come nearer. */
  set(): void {
    if (this.#over) return
    const dueAt = this.#deadline()
    // A deadline that has moved away is found out when the bell comes: most do, all the time.
    if (dueAt >= this.#dueAt) return
    this.#arm(dueAt, againMs)
  }

  end(): void {
    this.#over = true
    clearTimeout(this.#timer)
  }

  #arm(dueAt: number, atLeastMs: number): void {
    clearTimeout(this.#timer)
    const now = monotonicNow()
    const waitMs = Math.min(waitMsMax, Math.max(dueAt - now, dueAt <= now ? atLeastMs : 0))
    this.#dueAt = now + waitMs
    this.#timer = setTimeout(this.#bell, waitMs)
  }

  readonly #bell = (): void => {
    if (monotonicNow() - this.#dueAt <= lateMs) return this.#rung()
    setImmediate(this.#rung)
  }

  readonly #rung = (): void => {
    if (this.#over) return
    this.#dueAt = Number.POSITIVE_INFINITY
    const now = monotonicNow()
    if (this.#deadline() <= now) this.#ring(now)
    this.set()
  }
}
