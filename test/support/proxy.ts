/**
 * A TCP proxy that misbehaves on request: the network between an agent and its relay.
 *
 * Invariant: while it behaves it changes no byte, passes FIN as FIN and RST as RST, and holds at
 * most `queuedBytesMax` a direction, so that a slow side slows the other one down.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

const queuedBytesMax = 4 * 1024 * 1024

/** What the proxy does to the bytes that pass. */
interface Conditions {
  readonly delayMs: number
  readonly throttleBytesPerSecond: number
  /** Resolves at once, or when the black hole ends. */
  readonly passable: Promise<void>
}

/** The proxy; `await using proxy = await FaultyProxy.before(port)`. */
export class FaultyProxy implements Conditions, AsyncDisposable {
  /** The loopback port that connections are passed on to; a change meets new connections only. */
  targetPort: number
  /** The loopback address from which new connections go on: a network that gives another one. */
  sourceAddress = '127.0.0.1'
  /** How long each byte is under way, in each direction. */
  delayMs = 0
  /** How many bytes a second pass, in each direction of each connection. */
  throttleBytesPerSecond: number = Number.POSITIVE_INFINITY
  /** How many connections were accepted so far. */
  connectionsTotal = 0

  readonly #server: Server
  readonly #connections = new Set<Connection>()
  #hole: PromiseWithResolvers<void> | undefined

  private constructor(targetPort: number) {
    this.targetPort = targetPort
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true })
    this.#server.on('connection', (socket) => void this.#accept(socket))
  }

  /** Starts a proxy on a loopback port of its own, in front of the given one. */
  static async before(targetPort: number): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(targetPort)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  /** The port that the proxy listens on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** How many connections are open now. */
  get connections(): number {
    return this.#connections.size
  }

  get passable(): Promise<void> {
    return this.#hole?.promise ?? Promise.resolve()
  }

  /** Resets every connection, towards both sides. */
  cut(): void {
    for (const connection of this.#connections) connection.reset()
  }

  /** Ends every connection with a FIN, towards both sides. */
  finish(): void {
    for (const connection of this.#connections) connection.finish()
  }

  /** Begins or ends a black hole: connections stay open, new ones are accepted, nothing passes. */
  blackHole(on: boolean): void {
    if (on) {
      this.#hole ??= Promise.withResolvers()
      for (const connection of this.#connections) connection.pause()
    } else {
      this.#hole?.resolve()
      this.#hole = undefined
      for (const connection of this.#connections) connection.resume()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.blackHole(false)
    this.cut()
    await once(this.#server, 'close')
  }

  async #accept(client: Socket): Promise<void> {
    this.connectionsTotal += 1
    const connection = new Connection(client, this)
    this.#connections.add(connection)
    await this.passable
    const closed = connection.reach(this.targetPort, this.sourceAddress)
    if (this.#hole !== undefined) connection.pause()
    await closed
    this.#connections.delete(connection)
  }
}

/** One connection through the proxy: two sockets, and a way in each direction between them. */
class Connection {
  readonly #client: Socket
  readonly #conditions: Conditions
  #target: Socket | undefined

  constructor(client: Socket, conditions: Conditions) {
    this.#client = client
    this.#conditions = conditions
    client.on('error', () => {})
  }

  /** Connects to the target; resolves when both sides are closed. */
  async reach(port: number, localAddress: string): Promise<void> {
    if (this.#client.destroyed) return
    const place = { port, host: '127.0.0.1', localAddress }
    const target = connect({ ...place, allowHalfOpen: true, noDelay: true })
    this.#target = target
    join(this.#client, target, this.#conditions)
    join(target, this.#client, this.#conditions)
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

  pause(): void {
    this.#client.pause()
    this.#target?.pause()
  }

  resume(): void {
    if (this.#target === undefined) return
    this.#client.resume()
    this.#target.resume()
  }
}

interface Piece {
  readonly bytes: Uint8Array | 'end' | 'reset'
  readonly dueMs: number
}

/** Passes on what `source` sends to `sink`, under the conditions of the moment. */
function join(source: Socket, sink: Socket, conditions: Conditions): void {
  const queue: Piece[] = []
  let queuedBytes = 0
  let passing = false

  const push = (bytes: Piece['bytes']): void => {
    queue.push({ bytes, dueMs: performance.now() + conditions.delayMs })
    if (!passing) void pass()
  }

  const pass = async (): Promise<void> => {
    passing = true
    for (let piece = queue.shift(); piece !== undefined; piece = queue.shift()) {
      const earlyMs = piece.dueMs - performance.now()
      if (earlyMs > 0) await wait(earlyMs)
      await conditions.passable
      if (piece.bytes === 'end') sink.end()
      else if (piece.bytes === 'reset') resetSocket(sink)
      else await write(piece.bytes)
    }
    passing = false
  }

  const write = async (bytes: Uint8Array): Promise<void> => {
    const throttledMs = (bytes.length / conditions.throttleBytesPerSecond) * 1000
    if (throttledMs > 0) await wait(throttledMs)
    if (sink.writable && !sink.write(bytes)) await drained(sink)
    const wasFull = queuedBytes > queuedBytesMax
    queuedBytes -= bytes.length
    if (wasFull && queuedBytes <= queuedBytesMax) source.resume()
  }

  source.on('data', (bytes: Buffer) => {
    queuedBytes += bytes.length
    if (queuedBytes > queuedBytesMax) source.pause()
    push(bytes)
  })
  source.on('end', () => push('end'))
  source.on('error', () => {})
  source.on('close', (hadError) => {
    if (hadError || !source.readableEnded) push('reset')
  })
  source.resume()
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
