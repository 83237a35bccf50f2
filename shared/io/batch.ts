/**
 * The messages of one turn as WebSocket frames (RFC 6455 §5.2), back to back in one buffer.
 *
 * Invariant: full messages end where TLS records end, for a message in two records is copied once
 * more by its receiver; so none stands behind a shorter one in the same write. A buffer is used
 * again only after the socket has taken what was in it: a fresh one for each message would have the
 * collector free a gigabyte a gigabyte, and a header of its own a message would have TLS copy both.
 */
import { randomBytes } from 'node:crypto'
import { frameBytesMax } from '../protocol/frame.ts'

/** Opcode 2, a binary message in one fragment. */
const finalBinary = 0x82
const maskedBit = 0x80
const maskBytes = 4
/** From this payload on, its length takes two more bytes. */
const longPayloadBytes = 126
/** The longest header without and with the four bytes of a mask. */
export const headerBytes = { unmasked: 4, masked: 8 } as const
const messagesMax = 16
const bufferBytes: number = messagesMax * (frameBytesMax + headerBytes.masked)
/** Free buffers that the process keeps: two megabytes. */
const freeMax = 8

const free: Uint8Array[] = []

/** How a client masks: with zeros (see `zeroMask`), or by chance, as RFC 6455 (§5.3) has it. */
export type Mask = 'zeros' | 'random'

/** Writes to the socket, and calls back when it has taken the bytes, or with an error. */
export type Write = (bytes: Uint8Array, taken: (error?: Error | null) => void) => void

export class Batch {
  readonly #mask: Mask | undefined
  readonly #write: Write
  #buffer: Uint8Array | undefined
  #bytes = 0
  #endsShort = false
  /** The messages of a client that masks by chance: the place of the mask, and the bytes. */
  #toMask: Uint8Array[] = []

  /** A server masks nothing. */
  constructor(mask: Mask | undefined, write: Write) {
    this.#mask = mask
    this.#write = write
  }

  /** Bytes that were placed and are not written yet. */
  get bytes(): number {
    return this.#bytes
  }

  /** A place for a message of so many bytes, at most `frameBytesMax`, to be filled at once. */
  place(size: number): Uint8Array {
    const isShort = size < frameBytesMax
    const header = (size < longPayloadBytes ? 2 : 4) + (this.#mask === undefined ? 0 : maskBytes)
    const fits = this.#bytes + header + size <= bufferBytes
    if (!fits || (this.#endsShort && !isShort)) this.flush()
    this.#endsShort = isShort
    this.#buffer ??= free.pop() ?? new Uint8Array(bufferBytes)
    const buffer = this.#buffer
    const begin = this.#bytes + header
    buffer[this.#bytes] = finalBinary
    const lengthCode = Math.min(size, longPayloadBytes)
    buffer[this.#bytes + 1] = lengthCode | (this.#mask === undefined ? 0 : maskedBit)
    if (lengthCode === longPayloadBytes) {
      buffer[this.#bytes + 2] = size >>> 8
      buffer[this.#bytes + 3] = size & 0xff
    }
    if (this.#mask !== undefined) {
      for (let at = begin - maskBytes; at < begin; at += 1) buffer[at] = 0
    }
    this.#bytes = begin + size
    if (this.#mask === 'random') this.#toMask.push(buffer.subarray(begin - maskBytes, this.#bytes))
    return buffer.subarray(begin, this.#bytes)
  }

  /** Writes what was placed. */
  flush(): void {
    const buffer = this.#buffer
    if (buffer === undefined) return
    for (const message of this.#toMask) applyMask(message)
    this.#toMask = []
    const bytes = buffer.subarray(0, this.#bytes)
    this.#buffer = undefined
    this.#bytes = 0
    this.#endsShort = false
    this.#write(bytes, (error) => {
      // After an error nobody says whether the system still reads from it.
      if (!error && free.length < freeMax) free.push(buffer)
    })
  }
}

function applyMask(message: Uint8Array): void {
  const mask = randomBytes(maskBytes)
  message.set(mask)
  for (let index = maskBytes; index < message.length; index += 1) {
    message[index] = (message[index] ?? 0) ^ (mask[index % maskBytes] ?? 0)
  }
}
