/**
 * Buffers of one full DATA frame each, in which senders keep what they may have to say again.
 *
 * Invariant: a slab that comes back was acknowledged: its receiver holds every byte of it and cuts
 * off whatever it hears of them again, so that a copy which is still under way may change. Keeping
 * read buffers instead would have the collector trace the heap for each few megabytes.
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
