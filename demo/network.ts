/**
 * The network between the agents and the relay: a TCP path of the demo's own that can be cut.
 *
 * Invariant: while it is left alone it changes no byte and ends what either side ends. A cut is a
 * RST to both sides. In a black hole everything stays open and nothing passes, in neither
 * direction, and what comes waits in the kernel, as it would in a path that has gone quiet.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export class Network implements AsyncDisposable {
  readonly #server: Server
  readonly #ways = new Set<Way>()
  #passing = true

  private constructor(targetPort: number) {
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (near) => {
      const way = new Way(near, connect({ port: targetPort, host, allowHalfOpen: true }))
      this.#ways.add(way)
      void way.over.then(() => this.#ways.delete(way))
      way.pass(this.#passing)
    })
  }

  /** Opens a path to a loopback port. */
  static async before(targetPort: number): Promise<Network> {
    const network = new Network(targetPort)
    network.#server.listen(0, host)
    await once(network.#server, 'listening')
    return network
  }

  /** The loopback port that leads in. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Resets every connection; gives their number. */
  cut(): number {
    const count = this.#ways.size
    for (const way of this.#ways) way.reset()
    return count
  }

  /** Begins or ends a black hole. */
  blackHole(on: boolean): void {
    this.#passing = !on
    for (const way of this.#ways) way.pass(this.#passing)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.cut()
    await closed
  }
}

const host = '127.0.0.1'

/** One connection: two sockets, and bytes from each to the other. */
class Way {
  readonly #sockets: readonly [near: Socket, far: Socket]
  /** Resolves when both sockets are closed. */
  readonly over: Promise<unknown>
  #passing = true

  constructor(near: Socket, far: Socket) {
    this.#sockets = [near, far]
    this.#join(near, far)
    this.#join(far, near)
    this.over = Promise.all(this.#sockets.map(closed))
  }

  pass(passing: boolean): void {
    this.#passing = passing
    for (const socket of this.#sockets) {
      if (passing) socket.resume()
      else socket.pause()
    }
  }

  reset(): void {
    for (const socket of this.#sockets) sendReset(socket)
  }

  #join(from: Socket, to: Socket): void {
    from.on('data', (bytes) => {
      if (!to.write(bytes)) from.pause()
    })
    to.on('drain', () => {
      if (this.#passing) from.resume()
    })
    from.on('end', () => to.end())
    from.on('error', () => sendReset(to))
    from.on('close', () => {
      if (!from.readableEnded) sendReset(to)
    })
  }
}

/** A socket whose FIN is under way refuses to be reset (EINVAL) and would keep its handle. */
function sendReset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy()
  else socket.resetAndDestroy()
}

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}
