/**
 * A queue of bytes addressed by absolute offset: what a sender keeps for replay, and what the
 * switch holds between two carriers.
 *
 * Invariant: start ≤ end; the pieces cover [start, end) without a hole; `charged` is what they cost
 * in memory, not only in bytes: a piece of one byte is charged for the object that holds it too.
 */
import assert from 'node:assert'

/** What a piece costs beside its bytes (measured: 282 bytes for a frame of one byte). */
export const pieceOverheadBytes = 256
/** Pieces below this are copied together, so that they neither pin a read buffer nor pay singly. */
export const slabBytes = 4_096

/** Bytes at their offset. */
export interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
}

interface Kept {
  offset: number
  bytes: Uint8Array
  /** The rest of the slab behind `bytes`, still free; empty for a piece that is not a slab. */
  spare: Uint8Array
  charge: number
}

const nothing = new Uint8Array(0)
/** What stands in the place of a piece that is kept no longer. */
const dropped: Kept = {
  offset: 0,
  bytes: nothing,
  spare: nothing,
  charge: 0,
}

export class Pieces {
  #kept: Kept[] = []
  /** Index of the first piece that is still kept; the dead ones before it are cut off in bulk. */
  #first = 0
  #start: number
  #end: number
  #charged = 0

  constructor(start = 0) {
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
   * Appends at `end`. Large pieces are kept as they are: whoever gives them never writes there
   * again. Small ones are copied together.
   */
  append(bytes: Uint8Array): void {
    if (bytes.length >= slabBytes) return this.#keep(bytes, nothing, bytes.length)
    let left = bytes
    while (left.length > 0) left = this.#appendToSlab(left)
  }

  /** Forgets all bytes before `offset`. */
  dropBefore(offset: number): void {
    assert.ok(offset <= this.#end)
    while (this.#first < this.#kept.length) {
      const piece = this.#kept[this.#first] as Kept
      if (piece.offset + piece.bytes.length > offset) break
      this.#charged -= piece.charge
      // Its place is cut off later; its bytes, which nobody is charged for any more, go now (X7).
      this.#kept[this.#first] = dropped
      this.#first += 1
    }
    this.#start = Math.max(this.#start, offset)
    this.#compact()
  }

  /** Forgets everything and goes on at `offset`. */
  restart(offset: number): void {
    this.#kept = []
    this.#first = 0
    this.#charged = 0
    this.#start = offset
    this.#end = offset
  }

  /**
   * Up to `bytesMax` bytes from `offset` on: a view of one piece, or a copy of small
   * ones.
   */
  at(offset: number, bytesMax: number): Piece {
    assert.ok(this.#start <= offset && offset <= this.#end)
    const length = Math.min(bytesMax, this.#end - offset)
    const index = this.#indexOf(offset)
    const first = this.#kept[index]
    if (first === undefined) return { offset, bytes: nothing }
    const from = offset - first.offset
    const here = first.bytes.length - from
    if (here < length && here < slabBytes) return this.#gather(offset, length, index)
    const bytes = first.bytes.subarray(from, from + Math.min(here, length))
    return { offset, bytes }
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
    }
  }

  #gather(offset: number, length: number, index: number): Piece {
    const bytes = new Uint8Array(length)
    let filled = 0
    for (let at = index; filled < length; at += 1) {
      const piece = this.#kept[at] as Kept
      const from = offset + filled - piece.offset
      const part = piece.bytes.subarray(from, from + length - filled)
      bytes.set(part, filled)
      filled += part.length
    }
    return { offset, bytes }
  }

  #appendToSlab(bytes: Uint8Array): Uint8Array {
    const last = this.#kept.at(-1)
    if (this.#first === this.#kept.length || last === undefined || last.spare.length === 0) {
      const slab = new Uint8Array(slabBytes)
      this.#keep(slab.subarray(0, 0), slab, slabBytes)
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

  #keep(bytes: Uint8Array, spare: Uint8Array, cost: number): void {
    const charge = cost + pieceOverheadBytes
    this.#kept.push({ offset: this.#end, bytes, spare, charge })
    this.#end += bytes.length
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
