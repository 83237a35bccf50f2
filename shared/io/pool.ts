/**
 * Buffers for the frames of one carrier, used again once the socket has taken what was in them.
 *
 * Invariant: a buffer that was lent comes back only when all bytes sent up to and with it have
 * left the socket. Lending a fresh one for each frame would have the collector free a gigabyte a
 * gigabyte.
 */
import { frameBytesMax } from '../protocol/frame.ts'

/** Frames shorter than this are not worth a place: they get a buffer of their own. */
const lentBytesMin = 2_048

interface Lent {
  readonly buffer: Uint8Array
  /** The count of sent bytes behind which this buffer is free. */
  until: number
}

export class FramePool {
  readonly #free: Uint8Array[] = []
  readonly #lent: Lent[] = []
  #first = 0
  #sent = 0

  /** A buffer of so many bytes, for the frame that is encoded next. */
  readonly allocate = (size: number): Uint8Array => {
    if (size < lentBytesMin) return new Uint8Array(size)
    const buffer = this.#free.pop() ?? new Uint8Array(frameBytesMax)
    this.#lent.push({ buffer, until: Number.POSITIVE_INFINITY })
    return size === frameBytesMax ? buffer : buffer.subarray(0, size)
  }

  /** The frame that was encoded last is given to the socket. */
  sent(bytes: number): void {
    this.#sent += bytes
    const last = this.#lent.at(-1)
    if (last !== undefined && last.until === Number.POSITIVE_INFINITY) last.until = this.#sent
  }

  /** So many bytes are still in the socket: what was sent before them has left it. */
  reclaim(bufferedBytes: number): void {
    const gone = this.#sent - bufferedBytes
    for (;;) {
      const first = this.#lent[this.#first]
      if (first === undefined || first.until > gone) break
      this.#free.push(first.buffer)
      this.#first += 1
    }
    if (this.#first > 64) {
      this.#lent.splice(0, this.#first)
      this.#first = 0
    }
  }
}
