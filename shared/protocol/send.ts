/**
 * The sending half of one end: bytes kept at their absolute offset until the far socket took them.
 *
 * Invariant: acked ≤ sent ≤ reached ≤ end, where end = written, + 1 once finished: the FIN counts
 * as one position behind the last byte. No byte is sent at or beyond the limit of the attachment;
 * a FIN needs no credit. What is unacknowledged is what is kept, and the limit bounds it (law 2).
 */
import assert from 'node:assert'
import type { Budget } from './budget.ts'
import { Fault, type WireCode } from './fault.ts'
import { dataBytesMax } from './frame.ts'
import { u48Max } from './layout.ts'
import { type Piece, Pieces } from './pieces.ts'

/** The next thing to put on the wire: bytes, or the end with its code. */
export type Outgoing =
  | ({ readonly kind: 'data' } & Piece)
  | { readonly kind: 'fin'; readonly position: number; readonly code: WireCode }

export class SendHalf {
  readonly #pieces = new Pieces()
  readonly #budget: Budget
  readonly #windowBytes: number
  #acked = 0
  #sent = 0
  #reached = 0
  #limit = 0
  #finish: WireCode | undefined
  /** The FIN was put on the wire since the last rewind: a rewind may have to say it again. */
  #finSaid = false

  /** `windowBytes` is the most that this half keeps for replay while the budget lasts. */
  constructor(windowBytes: number, budget: Budget) {
    this.#windowBytes = windowBytes
    this.#budget = budget
  }

  get acked(): number {
    return this.#acked
  }

  get sent(): number {
    return this.#sent
  }

  get reached(): number {
    return this.#reached
  }

  get written(): number {
    return this.#pieces.end
  }

  get limit(): number {
    return this.#limit
  }

  get end(): number {
    return this.#pieces.end + (this.#finish === undefined ? 0 : 1)
  }

  get finished(): boolean {
    return this.#finish !== undefined
  }

  /** Everything up to and with the FIN was taken by the far socket. */
  get done(): boolean {
    return this.#finish !== undefined && this.#acked === this.end
  }

  /** Sent and not acknowledged, or written and held back by the limit. */
  get waiting(): boolean {
    return this.#acked < this.end
  }

  /** How many bytes the socket may give now: what the limit and this half's share leave. */
  room(): number {
    if (this.#finish !== undefined) return 0
    const { charged, spare } = this.#pieces
    const share = this.#budget.share(this.#windowBytes) - charged + spare
    return Math.max(0, Math.min(this.#limit - this.written, share))
  }

  /**
   * Keeps bytes that the socket gave; the caller gives them away. False when there are no positions
   * for them any more: the last one is that of the FIN (protocol rule 21).
   */
  write(bytes: Uint8Array): boolean {
    assert.ok(this.#finish === undefined)
    if (this.written + bytes.length >= u48Max) return false
    const before = this.#pieces.charged
    this.#pieces.append(bytes)
    this.#budget.charge(this.#pieces.charged - before)
    this.#check()
    return true
  }

  /** The socket ended: with `end` it closed its direction, with another code it was reset. */
  finish(code: WireCode): void {
    if (this.#finish !== undefined && code === 'end') return
    this.#finish = code
    // A reset after a FIN is said at the same position, even when that FIN was acknowledged.
    this.#finSaid = false
    this.#check()
  }

  hasNext(): boolean {
    if (this.#sent < Math.min(this.written, this.#limit)) return true
    return this.#sent >= this.written && this.#finish !== undefined && !this.#finSaid
  }

  /** One frame's worth, and the cursor moves; undefined when there is nothing that may be sent. */
  next(): Outgoing | undefined {
    const sendable = Math.min(this.written, this.#limit) - this.#sent
    if (sendable > 0) {
      const piece = this.#pieces.at(this.#sent, Math.min(dataBytesMax, sendable))
      this.#advance(this.#sent + piece.bytes.length)
      return { kind: 'data', offset: piece.offset, bytes: piece.bytes }
    }
    if (this.#sent < this.written || this.#finish === undefined || this.#finSaid) return undefined
    this.#finSaid = true
    this.#advance(this.end)
    return { kind: 'fin', position: this.written, code: this.#finish }
  }

  /** Throws `never_sent` for a position that this half has not reached (R3). Changes nothing. */
  checkPosition(position: number): void {
    if (position <= this.#reached) return
    throw new Fault('never_sent', `position ${position} was named, ${this.#reached} was reached`)
  }

  /** The far socket took everything before `consumed`: it need not be kept. Old news is ignored. */
  acknowledge(consumed: number): void {
    this.checkPosition(consumed)
    if (consumed <= this.#acked) return
    this.#acked = consumed
    this.#sent = Math.max(this.#sent, consumed)
    const before = this.#pieces.charged
    this.#pieces.dropBefore(Math.min(consumed, this.written))
    this.#budget.charge(this.#pieces.charged - before)
    this.#check()
  }

  /** More credit on the same attachment: the greatest word holds. */
  allow(limit: number): void {
    this.#limit = Math.max(this.#limit, limit)
  }

  /** The limit of a new attachment takes the place of the old one's, and may be lower. */
  replaceLimit(limit: number): void {
    this.#limit = limit
  }

  /** The far end holds everything before `received`: go on from there. */
  rewind(received: number): void {
    this.checkPosition(received)
    this.#sent = Math.max(this.#acked, received)
    this.#finSaid = this.#finish === 'end' && this.#sent === this.end
    this.#check()
  }

  /** Gives back all memory; nothing is sent from here on. */
  release(): void {
    this.#budget.charge(-this.#pieces.charged)
    this.#pieces.restart(this.written)
    this.#limit = 0
  }

  #advance(position: number): void {
    this.#sent = position
    this.#reached = Math.max(this.#reached, position)
    this.#check()
  }

  #check(): void {
    assert.ok(this.#acked <= this.#sent && this.#sent <= this.#reached && this.#reached <= this.end)
  }
}
