/**
 * Buffers of one full DATA frame each, in which senders keep what they may have to say again.
 *
 * Invariant: nobody but its sender holds a view of a slab: what is said from one is lent for the
 * call alone, and copied by whoever keeps it. A peer may acknowledge what it never received, and
 * a stream may end with bytes under way: no byte of another stream may then show up in their
 * place. Keeping read buffers instead would have the collector trace the heap for each few
 * megabytes.
 */
import { dataBytesMax, dataHeaderBytes } from './frame.ts'

/** Free slabs that are kept: one megabyte. */
const freeMax = 64

export class Slabs {
  readonly #free: Uint8Array[] = []

  /** A slab with room for a header in front of `dataBytesMax` bytes. */
  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(dataHeaderBytes + dataBytesMax)
  }

  /** Nobody will read this slab again. */
  give(slab: Uint8Array): void {
    if (this.#free.length < freeMax) this.#free.push(slab)
  }
}
