/**
 * The todos that this page keeps busy, said again and again while they are.
 *
 * Invariant: a lease is renewed well before it ends, and not at all once it was given back.
 */
import { limits } from '../contract.ts'

/** Often enough that one renewal may be late. */
const renewMs = limits.leaseMs / 3

export class Holds {
  readonly #say: (id: string, busy: boolean) => void
  readonly #renewals = new Map<string, ReturnType<typeof setInterval>>()

  constructor(say: (id: string, busy: boolean) => void) {
    this.#say = say
  }

  /** Begins or ends to keep a todo busy. */
  set(id: string, busy: boolean): void {
    this.forget(id)
    this.#say(id, busy)
    if (busy)
      this.#renewals.set(
        id,
        setInterval(() => this.#say(id, true), renewMs),
      )
  }

  /** The todo is deleted, and its lease with it. */
  forget(id: string): void {
    clearInterval(this.#renewals.get(id))
    this.#renewals.delete(id)
  }
}
