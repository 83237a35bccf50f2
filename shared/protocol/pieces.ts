/**
 * A queue of bytes addressed by absolute offset: what a sender keeps for replay, and what the
 * switch holds between two carriers.
 *
 * Invariant: start ≤ end; the pieces cover [start, end) without a hole; `charged` is what they cost
 * in memory, not only in bytes: a piece of one byte is charged for the object that holds it too.
 */
import assert from 'node:assert'
import { dataHeaderBytes } from './frame.ts'
import type { Slabs } from './slabs.ts'

/** What a piece costs beside its bytes (measured: 282 bytes for a frame of one byte). */
export const pieceOverheadBytes = 256
/** Pieces below this are copied together, so that they neither pin a read buffer nor pay singly. */
export const slabBytes = 4_096

/** Bytes with the room in front of them that `encode` may use (see frame.ts). */
export interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
  readonly headroom: number
}

interface Kept {
  offset: number
  bytes: Uint8Array
  headroom: number
  /** The rest of the slab behind `bytes`, still free; empty for a piece that is not a slab. */
  spare: Uint8Array
  charge: number
  /** The whole slab, when it is to be given back. */
  slab: Uint8Array | undefined
}

const nothing = new Uint8Array(0)
/** What stands in the place of a piece that is kept no longer. */
const dropped: Kept = {
  offset: 0,
  bytes: nothing,
  headroom: 0,
  spare: nothing,
  charge: 0,
  slab: undefined,
}

export class Pieces {
  readonly #slabs: Slabs | undefined
  #kept: Kept[] = []
  /** Index of the first piece that is still kept; the dead ones before it are cut off in bulk. */
  #first = 0
  #start: number
  #end: number
  #charged = 0

  /** With `slabs`, large pieces are copied into whole ones of them, which are used again. */
  constructor(start = 0, slabs?: Slabs) {
    this.#slabs = slabs
    this.#start = start
    this.#end = start
  }

  /** Offset of the first byte kept. */
  get start(): number {
    return this.#start
  }

  /** Offset behind the last byte kept. */
  get end(): number {
    return this.#end
  }

  /** Bytes of memory charged for all pieces. */
  get charged(): number {
    return this.#charged
  }

  /** Bytes that can be appended without another charge. */
  get spare(): number {
    return this.#first === this.#kept.length ? 0 : (this.#kept.at(-1)?.spare.length ?? 0)
  }

  /**
   * Appends at `end`. Bytes with headroom are given away, and large ones are kept as they are;
   * bytes without are lent, and copied: whoever lent them may write others there (slabs.ts).
   */
  append(bytes: Uint8Array, headroom = 0): void {
    if (this.#slabs === undefined && bytes.length >= slabBytes) {
      const own = headroom > 0 ? { bytes, headroom } : withHeadroom(bytes)
      return this.#keep({ ...own, spare: nothing, slab: undefined }, bytes.length)
    }
    let left = bytes
    while (left.length > 0) left = this.#appendToSlab(left)
  }

  /**
   * Forgets all bytes before `offset`: they are acknowledged, and their slabs may be used again.
   */
  dropBefore(offset: number): void {
    assert.ok(offset <= this.#end)
    while (this.#first < this.#kept.length) {
      const piece = this.#kept[this.#first] as Kept
      if (piece.offset + piece.bytes.length > offset) break
      this.#charged -= piece.charge
      if (piece.slab !== undefined) this.#slabs?.give(piece.slab)
      // Its place is cut off later; its bytes, which nobody is charged for any more, go now (X7).
      this.#kept[this.#first] = dropped
      this.#first += 1
    }
    this.#start = Math.max(this.#start, offset)
    this.#compact()
  }

  /**
   * Forgets everything and goes on at `offset`. Slabs are left to the collector: what is not
   * acknowledged may still be queued elsewhere, and must not turn into another stream's bytes.
   */
  restart(offset: number): void {
    this.#kept = []
    this.#first = 0
    this.#charged = 0
    this.#start = offset
    this.#end = offset
  }

  /**
   * Up to `bytesMax` bytes from `offset` on: a view of one piece, lent until the next change, or
   * a copy of small ones, with headroom.
   */
  at(offset: number, bytesMax: number): Piece {
    assert.ok(this.#start <= offset && offset <= this.#end)
    const length = Math.min(bytesMax, this.#end - offset)
    const index = this.#indexOf(offset)
    const first = this.#kept[index]
    if (first === undefined) return { offset, bytes: nothing, headroom: 0 }
    const from = offset - first.offset
    const here = first.bytes.length - from
    if (here < length && here < slabBytes) return this.#gather(offset, length, index)
    const bytes = first.bytes.subarray(from, from + Math.min(here, length))
    return { offset, bytes, headroom: 0 }
  }

  /** Takes the first piece out, whole and without a copy; undefined when there is none. */
  shift(): Piece | undefined {
    const piece = this.#kept[this.#first]
    if (piece === undefined) return undefined
    const skipped = this.#start - piece.offset
    this.dropBefore(piece.offset + piece.bytes.length)
    return {
      offset: piece.offset + skipped,
      bytes: skipped === 0 ? piece.bytes : piece.bytes.subarray(skipped),
      // Without headroom of its own, what lies in front of a piece is not this queue's to write on.
      headroom: piece.headroom === 0 ? 0 : piece.headroom + skipped,
    }
  }

  #gather(offset: number, length: number, index: number): Piece {
    const buffer = new Uint8Array(dataHeaderBytes + length)
    let filled = 0
    for (let at = index; filled < length; at += 1) {
      const piece = this.#kept[at] as Kept
      const from = offset + filled - piece.offset
      const part = piece.bytes.subarray(from, from + length - filled)
      buffer.set(part, dataHeaderBytes + filled)
      filled += part.length
    }
    return { offset, bytes: buffer.subarray(dataHeaderBytes), headroom: dataHeaderBytes }
  }

  #appendToSlab(bytes: Uint8Array): Uint8Array {
    const last = this.#kept.at(-1)
    if (this.#first === this.#kept.length || last === undefined || last.spare.length === 0) {
      this.#keepSlab(bytes.length >= slabBytes ? this.#slabs?.take() : undefined)
      return bytes
    }
    const part = bytes.subarray(0, last.spare.length)
    last.spare.set(part)
    last.spare = last.spare.subarray(part.length)
    const { buffer, byteOffset, length } = last.bytes
    last.bytes = new Uint8Array(buffer, byteOffset, length + part.length)
    this.#end += part.length
    return bytes.subarray(part.length)
  }

  #keepSlab(lent: Uint8Array | undefined): void {
    const slab = lent ?? new Uint8Array(dataHeaderBytes + slabBytes)
    const bytes = slab.subarray(dataHeaderBytes, dataHeaderBytes)
    const spare = slab.subarray(dataHeaderBytes)
    this.#keep({ bytes, headroom: dataHeaderBytes, spare, slab: lent }, slab.length)
  }

  #keep(piece: Pick<Kept, 'bytes' | 'headroom' | 'spare' | 'slab'>, cost: number): void {
    const charge = cost + pieceOverheadBytes
    this.#kept.push({ ...piece, offset: this.#end, charge })
    this.#end += piece.bytes.length
    this.#charged += charge
  }

  #indexOf(offset: number): number {
    let low = this.#first
    let high = this.#kept.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#kept[middle] as Kept).offset <= offset) low = middle
      else high = middle - 1
    }
    return low
  }

  #compact(): void {
    if (this.#first === this.#kept.length) {
      this.#kept = []
      this.#first = 0
    } else if (this.#first > 64 && this.#first * 2 > this.#kept.length) {
      this.#kept.splice(0, this.#first)
      this.#first = 0
    }
  }
}

/** A copy with room for a DATA header in front. */
function withHeadroom(bytes: Uint8Array): Pick<Piece, 'bytes' | 'headroom'> {
  const buffer = new Uint8Array(dataHeaderBytes + bytes.length)
  buffer.set(bytes, dataHeaderBytes)
  return { bytes: buffer.subarray(dataHeaderBytes), headroom: dataHeaderBytes }
}
