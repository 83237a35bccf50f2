/**
 * One budget of memory for all that a process keeps: replay at the ends, queues in the switch.
 *
 * Invariant: `used` is the sum of what every holder has charged. Over `bytesMax` nobody is stopped
 * outright: each holder falls back to its guaranteed minimum, so that every stream still moves.
 */
import assert from 'node:assert'

export class Budget {
  readonly bytesMax: number
  readonly guaranteedBytes: number
  #used = 0

  /**
   * `guaranteedBytes` is what one direction of one stream may hold even when the budget is spent.
   */
  constructor(bytesMax: number, guaranteedBytes: number) {
    this.bytesMax = bytesMax
    this.guaranteedBytes = guaranteedBytes
  }

  get used(): number {
    return this.#used
  }

  /** How much a holder may keep in all, when it would like `wishedBytes`. */
  share(wishedBytes: number): number {
    return this.#used < this.bytesMax ? wishedBytes : Math.min(wishedBytes, this.guaranteedBytes)
  }

  /** Charges the change of what a holder keeps; negative gives back. */
  charge(bytes: number): void {
    this.#used += bytes
    assert.ok(this.#used >= 0)
  }
}
