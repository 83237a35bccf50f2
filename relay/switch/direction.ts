/**
 * One direction of a route: bytes on their way from one leg to the other.
 *
 * Invariant: what is queued is contiguous and below the limit that was passed to the source;
 * `passed` never falls. The switch trims and drops, and whatever it drops of a live route it owes
 * a RESYNC for (law 8). Credit is issued here: the source may be ahead of what was forwarded by
 * one relay window.
 */
import type { Budget } from '../../shared/protocol/budget.ts'
import type { WireCode } from '../../shared/protocol/fault.ts'
import type { FrameOf } from '../../shared/protocol/frame.ts'
import { type Piece, Pieces } from '../../shared/protocol/pieces.ts'

/** What the far end has said of this direction, with the limit that the switch passes on. */
export interface Numbers {
  readonly received: number
  readonly consumed: number
  readonly limit: number
}

export class Direction {
  readonly #pieces = new Pieces()
  readonly #windowBytes: number
  readonly #budget: Budget
  #received = 0
  #consumed = 0
  #limit = 0
  #passed = 0
  #passedSaid = 0
  /** The position of a FIN that was taken: it counts as one behind the last byte. */
  #finPosition: number | undefined
  #fin: { readonly position: number; readonly code: WireCode } | undefined
  /** Holes are expected: the source has still to hear how far back it must go. */
  #rewinding = true
  #debt = false

  constructor(windowBytes: number, budget: Budget) {
    this.#windowBytes = windowBytes
    this.#budget = budget
  }

  /** Bytes of memory that the queue is charged for. */
  get charged(): number {
    return this.#pieces.charged
  }

  /** The position up to which everything was taken from the source. */
  get cursor(): number {
    return this.#finPosition === undefined ? this.#pieces.end : this.#finPosition + 1
  }

  get passed(): number {
    return this.#passed
  }

  /** Something was dropped that no RESYNC has been said for, and the queue is empty again. */
  get debtDue(): boolean {
    return this.#debt && !this.hasNext()
  }

  get owes(): boolean {
    return this.#debt
  }

  /** Bytes from the source. Those beyond what was passed, or over the budget, are dropped. */
  data(frame: FrameOf<'data'>): void {
    const { cursor } = this
    const end = frame.offset + frame.bytes.length
    if (frame.offset > cursor) return this.#drop(!this.#rewinding)
    this.#rewinding = false
    if (end <= cursor) return
    const allowed = Math.min(end, this.#passed)
    if (allowed < end) this.#drop(true)
    if (allowed <= cursor || this.#finPosition !== undefined) return
    if (this.#pieces.charged >= this.#budget.share(Number.POSITIVE_INFINITY))
      return this.#drop(true)
    const from = cursor - frame.offset
    const isWhole = from === 0 && allowed === end
    const bytes = isWhole ? frame.bytes : frame.bytes.subarray(from, allowed - frame.offset)
    const before = this.#pieces.charged
    this.#pieces.append(bytes)
    this.#budget.charge(this.#pieces.charged - before)
  }

  /** The end of the source. One that was taken before is said again when it became a reset. */
  fin(frame: FrameOf<'fin'>): void {
    const { position, code } = frame
    const { cursor } = this
    if (position > cursor) return this.#drop(!this.#rewinding)
    const isNews = position === cursor && this.#finPosition === undefined
    const isUpgrade = position + 1 === cursor && code !== 'end'
    if (!isNews && !isUpgrade) return
    this.#rewinding = false
    if (isNews) this.#finPosition = position
    this.#fin = { position, code }
  }

  /** The far end took bytes: true when the source is to hear of it. */
  credit(consumed: number, limit: number): boolean {
    const isNews = consumed > this.#consumed
    this.#consumed = Math.max(this.#consumed, consumed)
    this.#limit = Math.max(this.#limit, limit)
    // What crossed with an older RESUME was rewound here, and will never be said again.
    if (consumed > this.cursor) this.#empty(consumed)
    else this.#trim(consumed)
    this.#pass()
    return isNews || this.creditDue()
  }

  /** The far end has restated itself: go on from what it holds. False when that is old news. */
  adopt(numbers: Numbers): boolean {
    if (numbers.consumed < this.#consumed || numbers.received < numbers.consumed) return false
    const { cursor } = this
    this.#received = numbers.received
    this.#consumed = numbers.consumed
    this.#limit = Math.max(this.#limit, numbers.limit)
    this.#empty(numbers.received)
    this.#rewinding = numbers.received !== cursor
    this.#debt = false
    this.#pass()
    return true
  }

  /** True when the source has used up much of what it was told, and more can be passed. */
  creditDue(): boolean {
    const unsaid = this.#passed - this.#passedSaid
    return unsaid * 4 >= this.#windowBytes || (unsaid > 0 && this.cursor >= this.#passedSaid)
  }

  /** What the source is to be told; from now on that is said. */
  numbers(): Numbers {
    this.#passedSaid = this.#passed
    return { received: this.#received, consumed: this.#consumed, limit: this.#passed }
  }

  hasNext(): boolean {
    return this.#pieces.end > this.#pieces.start || this.#fin !== undefined
  }

  /** The next piece, or the FIN behind the last one. */
  next(): Piece | { readonly position: number; readonly code: WireCode } | undefined {
    const before = this.#pieces.charged
    const piece = this.#pieces.shift()
    if (piece !== undefined) {
      this.#budget.charge(this.#pieces.charged - before)
      this.#pass()
      return piece
    }
    const fin = this.#fin
    this.#fin = undefined
    return fin
  }

  /**
   * The leg that the bytes go to is down: it will say what it holds when it is back. Until then
   * nothing counts as forwarded that it is not known to hold, or each cut would raise the limit.
   */
  clear(): void {
    this.#empty(Math.max(this.#received, this.#consumed))
    this.#rewinding = true
    this.#debt = false
  }

  /** RESYNC was said to both legs. */
  paid(): void {
    this.#debt = false
  }

  /** Gives back all memory; of a route that is over nothing is owed. */
  release(): void {
    this.#empty(this.#pieces.end)
    this.#debt = false
  }

  #empty(restartAt: number): void {
    this.#budget.charge(-this.#pieces.charged)
    this.#pieces.restart(restartAt)
    this.#finPosition = undefined
    this.#fin = undefined
  }

  /** What is acknowledged is not said any more. */
  #trim(consumed: number): void {
    const before = this.#pieces.charged
    this.#pieces.dropBefore(Math.min(consumed, this.#pieces.end))
    this.#budget.charge(this.#pieces.charged - before)
  }

  #drop(owes: boolean): void {
    if (owes) this.#debt = true
  }

  #pass(): void {
    const ahead = this.#pieces.start + this.#windowBytes
    this.#passed = Math.max(this.#passed, Math.min(this.#limit, ahead))
  }
}
