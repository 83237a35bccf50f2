/**
 * The receiving half of one end: how far the bytes have come, and how far the socket took them.
 *
 * Invariant: consumed ≤ received ≤ limit, + 1 once the FIN has come. Bytes are handed on in order,
 * each exactly once; what is heard again is cut off, what leaves a hole is dropped and comes again.
 */
import assert from 'node:assert'
import { Fault, type WireCode } from './fault.ts'
import { u48Max } from './layout.ts'

export class ReceiveHalf {
  readonly #windowBytes: number
  #received = 0
  #consumed = 0
  #limit: number
  #fin: { readonly position: number; readonly code: WireCode } | undefined

  constructor(windowBytes: number) {
    this.#windowBytes = windowBytes
    this.#limit = windowBytes
  }

  /** The position up to which everything has come; the FIN counts as one. */
  get received(): number {
    return this.#received
  }

  /** The bytes that have come: the position without the FIN. */
  get receivedBytes(): number {
    return this.#received - (this.#fin === undefined ? 0 : 1)
  }

  /** The position up to which the socket has taken everything. */
  get consumed(): number {
    return this.#consumed
  }

  /** How far the far end may send. */
  get limit(): number {
    return this.#limit
  }

  /** How the far socket ended, once its FIN has come. */
  get finCode(): WireCode | undefined {
    return this.#fin?.code
  }

  /** All bytes are taken; only the FIN is left to be handed to the socket. */
  get drained(): boolean {
    return this.#fin !== undefined && this.#consumed >= this.#fin.position
  }

  /** Everything up to and with the FIN was taken by the socket. */
  get done(): boolean {
    return this.#fin !== undefined && this.#consumed === this.#fin.position + 1
  }

  /**
   * The new bytes of a DATA frame, or undefined when it brings none.
   * Throws `limit_exceeded` beyond the limit and `frame_unexpected` behind the FIN.
   */
  data(offset: number, bytes: Uint8Array): Uint8Array | undefined {
    const end = offset + bytes.length
    if (end > this.#limit) {
      throw new Fault('limit_exceeded', `bytes up to ${end}, the limit is ${this.#limit}`)
    }
    if (this.#fin !== undefined && end > this.#fin.position) {
      throw new Fault('frame_unexpected', `bytes up to ${end} behind the FIN`)
    }
    if (offset > this.#received || end <= this.#received) return undefined
    const fresh = offset === this.#received ? bytes : bytes.subarray(this.#received - offset)
    this.#received = end
    this.#check()
    return fresh
  }

  /** True when this FIN is news: the first, or a reset where an orderly end was said before. */
  fin(position: number, code: WireCode): boolean {
    if (this.#fin !== undefined) {
      if (position !== this.#fin.position) {
        throw new Fault(
          'frame_unexpected',
          `a FIN at ${position}, another at ${this.#fin.position}`,
        )
      }
      if (code === 'end' || this.#fin.code !== 'end') return false
      this.#fin = { position, code }
      return true
    }
    if (position < this.#received) {
      throw new Fault('frame_unexpected', `a FIN at ${position} behind ${this.#received}`)
    }
    if (position > this.#received) return false
    this.#fin = { position, code }
    this.#received = position + 1
    this.#check()
    return true
  }

  /** The socket took `count` more bytes. */
  taken(count: number): void {
    this.#consumed += count
    this.#limit = Math.max(this.#limit, Math.min(this.#consumed + this.#windowBytes, u48Max))
    this.#check()
  }

  /** The socket took everything that has come, the FIN with it. */
  takenAll(): void {
    this.#consumed = this.#received
    this.taken(0)
  }

  #check(): void {
    const finBytes = this.#fin === undefined ? 0 : 1
    assert.ok(this.#consumed <= this.#received && this.#received <= this.#limit + finBytes)
  }
}
