/**
 * Random bytes from a seed, in writes of random sizes, with a SHA-256 at each end.
 *
 * Invariant: the same seed gives the same bytes in the same writes, from 1 B to 1 MB, small ones as
 * likely as large ones; a digest is over bytes that were really handed over, or really arrived.
 */
import { createCipheriv, createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex, Readable, Writable } from 'node:stream'

const writeBytesMax = 1_000_000

/** The writes, `bytes` long all together. */
export function* randomWrites(seed: number, bytes: number): Generator<Uint8Array> {
  const key = createHash('sha256').update(`sallyport ${seed}`).digest()
  const cipher = createCipheriv('aes-128-ctr', key.subarray(0, 16), key.subarray(16))
  const random = (count: number): Buffer => cipher.update(Buffer.alloc(count))
  for (let left = bytes; left > 0; ) {
    const size = Math.ceil(writeBytesMax ** (random(4).readUInt32BE() / 0xffffffff))
    const write = random(Math.min(size, left))
    yield write
    left -= write.length
  }
}

/** Writes the random bytes, waiting where the stream asks for it; gives their SHA-256. */
export async function sendRandom(into: Writable, seed: number, bytes: number): Promise<string> {
  const hash = createHash('sha256')
  for (const write of randomWrites(seed, bytes)) {
    hash.update(write)
    if (!into.write(write)) await once(into, 'drain')
  }
  return hash.digest('hex')
}

/** Reads exactly `bytes` bytes and gives their SHA-256. Throws when the stream ends before. */
export async function hashReceived(
  from: Readable,
  bytes: number,
  progress?: (received: number) => void,
): Promise<string> {
  const hash = createHash('sha256')
  let received = 0
  for await (const piece of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    hash.update(piece)
    received += piece.length
    progress?.(received)
    if (received >= bytes) break
  }
  if (received === bytes) return hash.digest('hex')
  throw new Error(`${received} of ${bytes} bytes arrived`)
}

/** What one end of a conversation sent and received. */
export interface Exchange {
  readonly sent: string
  readonly received: string
}

/** Sends and receives at once: `bytes` each way, sent from this seed; told of each arrival. */
export async function exchange(
  socket: Duplex,
  seed: number,
  bytes: number,
  progress?: (received: number) => void,
): Promise<Exchange> {
  const [sent, received] = await Promise.all([
    sendRandom(socket, seed, bytes),
    hashReceived(socket, bytes, progress),
  ])
  return { sent, received }
}
