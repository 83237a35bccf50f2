/**
 * One connection through a faulty proxy: two sockets, and a way in each direction between them.
 *
 * Invariant: while nothing is asked of it, it changes no byte, passes FIN as FIN and RST as RST,
 * and holds at most `queuedBytesMax` a direction, so that a slow side slows the other one down.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { RecordCursor } from './tls-records.ts'

const queuedBytesMax = 4 * 1024 * 1024

/** What the proxy does to the bytes that pass. */
export interface Conditions {
  readonly delayMs: number
  readonly throttleBytesPerSecond: number
  /** Resolves at once, or when the black hole ends. */
  readonly passable: Promise<void>
}

/** Which way bytes go: from the one who connected, or to him. */
export type Direction = 'out' | 'in'

export class Passage {
  readonly #client: Socket
  readonly #conditions: Conditions
  #target: Socket | undefined
  #movedAt = performance.now()
  #isDeaf = false
  #tear: { readonly direction: Direction; readonly torn: () => void } | undefined

  constructor(client: Socket, conditions: Conditions) {
    this.#client = client
    this.#conditions = conditions
    client.on('error', () => {})
  }

  /** Both of its sides are connected, as far as is known here, and it passes what they say. */
  get isAlive(): boolean {
    const sides = [this.#client, this.#target]
    return !this.#isDeaf && sides.every((side) => side?.readable === true && side.writable)
  }

  /** The port that the connection came from, at its own machine. */
  get clientPort(): number {
    return this.#client.remotePort ?? 0
  }

  /** For how long nothing has passed. */
  get idleMs(): number {
    return performance.now() - this.#movedAt
  }

  /** Connects to the target; resolves when both sides are closed. */
  async reach(port: number, localAddress: string): Promise<void> {
    if (this.#client.destroyed) return
    const place = { port, host: '127.0.0.1', localAddress }
    const target = connect({ ...place, allowHalfOpen: true, noDelay: true })
    this.#target = target
    this.#join(this.#client, target, 'out')
    this.#join(target, this.#client, 'in')
    await Promise.all([closed(target), closed(this.#client)])
  }

  reset(): void {
    resetSocket(this.#client)
    if (this.#target !== undefined) resetSocket(this.#target)
  }

  finish(): void {
    for (const socket of [this.#client, this.#target]) {
      socket?.end()
      socket?.resume()
    }
  }

  /** From now on all that is said is taken, and goes nowhere; neither side hears of the other. */
  forget(): void {
    this.#isDeaf = true
    this.resume()
  }

  /** Ends it within the next record of this direction; `torn` is told. */
  tear(direction: Direction, torn: () => void): void {
    this.#tear = { direction, torn }
  }

  pause(): void {
    this.#client.pause()
    this.#target?.pause()
  }

  resume(): void {
    if (this.#target === undefined) return
    this.#client.resume()
    this.#target.resume()
  }

  /** Passes on what `source` sends to `sink`, under the conditions of the moment. */
  #join(source: Socket, sink: Socket, direction: Direction): void {
    const way = new Way(source, sink, this.#conditions)
    const records = new RecordCursor()
    source.on('data', (bytes: Buffer) => {
      this.#movedAt = performance.now()
      const inside = records.pass(bytes)
      if (this.#isDeaf) return
      if (this.#tear?.direction !== direction || inside === undefined) return way.pass(bytes)
      this.#isDeaf = true
      way.pass(bytes.subarray(0, inside))
      way.push('end')
      source.resetAndDestroy()
      sink.resume()
      sink.once('end', () => sink.destroy())
      this.#tear.torn()
    })
    source.on('end', () => this.#isDeaf || way.push('end'))
    source.on('error', () => {})
    source.on('close', (hadError) => {
      if (this.#isDeaf) return void (source.readableEnded || source.destroy())
      if (hadError || !source.readableEnded) way.push('reset')
    })
    source.resume()
  }
}

interface Piece {
  readonly bytes: Uint8Array | 'end' | 'reset'
  readonly dueMs: number
}

/** One direction of a passage. */
class Way {
  readonly #source: Socket
  readonly #sink: Socket
  readonly #conditions: Conditions
  readonly #queue: Piece[] = []
  #queuedBytes = 0
  #isPassing = false

  constructor(source: Socket, sink: Socket, conditions: Conditions) {
    this.#source = source
    this.#sink = sink
    this.#conditions = conditions
  }

  pass(bytes: Uint8Array): void {
    this.#queuedBytes += bytes.length
    if (this.#queuedBytes > queuedBytesMax) this.#source.pause()
    this.push(bytes)
  }

  push(bytes: Piece['bytes']): void {
    this.#queue.push({ bytes, dueMs: performance.now() + this.#conditions.delayMs })
    if (!this.#isPassing) void this.#pass()
  }

  async #pass(): Promise<void> {
    this.#isPassing = true
    for (let piece = this.#queue.shift(); piece !== undefined; piece = this.#queue.shift()) {
      const earlyMs = piece.dueMs - performance.now()
      if (earlyMs > 0) await wait(earlyMs)
      await this.#conditions.passable
      if (piece.bytes === 'end') this.#sink.end()
      else if (piece.bytes === 'reset') resetSocket(this.#sink)
      else await this.#write(piece.bytes)
    }
    this.#isPassing = false
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const throttledMs = (bytes.length / this.#conditions.throttleBytesPerSecond) * 1000
    if (throttledMs > 0) await wait(throttledMs)
    if (this.#sink.writable && !this.#sink.write(bytes)) await drained(this.#sink)
    const wasFull = this.#queuedBytes > queuedBytesMax
    this.#queuedBytes -= bytes.length
    if (wasFull && this.#queuedBytes <= queuedBytesMax) this.#source.resume()
  }
}

/** Sends RST. A socket whose FIN is under way refuses that (EINVAL) and would leak its handle. */
function resetSocket(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}

/** Resolves when the socket takes bytes again, or never will. */
async function drained(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const done = (): void => resolve()
  socket.once('drain', done)
  socket.once('close', done)
  await promise
  socket.removeListener('drain', done)
  socket.removeListener('close', done)
}
