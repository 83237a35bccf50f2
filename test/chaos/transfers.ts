/**
 * Hashed transfers, both ways at once, one after the other for as long as they are wanted.
 *
 * Invariant: each transfer has a seed of its own, so that bytes of one that show up in another are
 * wrong; what one end sent is held against what the other one received.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type Exchange, exchange } from '../support/hash.ts'
import { consumerAt, startTarget, type TcpTarget } from '../support/tcp.ts'
import { within } from '../support/within.ts'

/** No transfer takes as long, faults and resume windows included. */
const transferMs = 180_000
const headBytes = 8

/** Where a consumer connects. */
export interface Place {
  readonly host: string
  readonly port: number
}

/** How a transfer ended. */
export type TransferEnd =
  | { readonly kind: 'whole'; readonly bytes: number }
  /** Refused: it never reached its target, for the path was away for too long. */
  | { readonly kind: 'wrong' | 'lost' | 'refused'; readonly reason: string }

/** A transfer at the far side: whether it has come there, and what it brought. */
interface Arrival extends PromiseWithResolvers<Exchange> {
  hasBegun: boolean
}

/** The far side of every transfer: it learns seed and length from the first bytes. */
export class Far implements AsyncDisposable {
  readonly #target: TcpTarget
  /** Where the far end's digests are waited for, by seed. */
  readonly resultsOf: Map<number, Arrival>

  private constructor(target: TcpTarget, results: Far['resultsOf']) {
    this.#target = target
    this.resultsOf = results
  }

  static async open(host: string): Promise<Far> {
    const results = new Map<number, Arrival>()
    const target = await startTarget((socket) => void serve(socket, results), host)
    return new Far(target, results)
  }

  get port(): number {
    return this.#target.port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#target[Symbol.asyncDispose]()
  }
}

/** One transfer of so many bytes each way through this place. */
export async function transfer(
  far: Far,
  place: Place,
  seed: number,
  bytes: number,
): Promise<TransferEnd> {
  const result = { ...Promise.withResolvers<Exchange>(), hasBegun: false }
  result.promise.catch(() => {})
  far.resultsOf.set(seed, result)
  let socket: Socket | undefined
  try {
    socket = await consumerAt(place)
    const head = Buffer.alloc(headBytes)
    head.writeUInt32BE(seed, 0)
    head.writeUInt32BE(bytes, 4)
    socket.write(head)
    const both = Promise.all([exchange(socket, 2 * seed, bytes), result.promise])
    const [near, there] = await within(`transfer ${seed}`, both, transferMs)
    if (near.sent !== there.received || near.received !== there.sent) {
      return { kind: 'wrong', reason: `transfer ${seed}: the digests differ` }
    }
    return { kind: 'whole', bytes: 2 * bytes }
  } catch (error) {
    const kind = result.hasBegun ? 'lost' : 'refused'
    return { kind, reason: `transfer ${seed}: ${String(error)}` }
  } finally {
    far.resultsOf.delete(seed)
    socket?.destroy()
  }
}

async function serve(socket: Socket, results: Far['resultsOf']): Promise<void> {
  let result: Arrival | undefined
  try {
    const head = await readHead(socket)
    const seed = head.readUInt32BE(0)
    result = results.get(seed)
    if (result !== undefined) result.hasBegun = true
    result?.resolve(await exchange(socket, 2 * seed + 1, head.readUInt32BE(4)))
  } catch (error) {
    result?.reject(error)
  } finally {
    socket.end()
    socket.resume()
  }
}

async function readHead(socket: Socket): Promise<Buffer> {
  for (;;) {
    const head = socket.read(headBytes) as Buffer | null
    if (head !== null) return head
    if (socket.destroyed || socket.readableEnded) throw new Error('no head came')
    await Promise.race([once(socket, 'readable'), once(socket, 'close')])
  }
}
