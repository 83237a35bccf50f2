/**
 * Where the records of a TLS connection begin and end, read from its bytes as they pass.
 *
 * Invariant: it is shown every byte of one direction from the first one on, in order.
 */

/** Type, version and length. */
const headBytes = 5

export class RecordCursor {
  /** What has come of the head of the next record. */
  readonly #head: number[] = []
  /** Bytes of the record under way that are still to come. */
  #left = 0

  /** Goes over these bytes; gives the first place among them that is inside a record's body. */
  pass(bytes: Uint8Array): number | undefined {
    let inside: number | undefined
    for (let at = 0; at < bytes.length; ) {
      if (this.#left > 0) {
        const here = Math.min(this.#left, bytes.length - at)
        if (this.#left > 1) inside ??= at + Math.max(1, Math.min(here, this.#left - 1) >> 1)
        this.#left -= here
        at += here
        continue
      }
      this.#head.push(bytes[at] ?? 0)
      at += 1
      if (this.#head.length < headBytes) continue
      this.#left = (this.#head[3] ?? 0) * 256 + (this.#head[4] ?? 0)
      this.#head.length = 0
    }
    return inside
  }
}
