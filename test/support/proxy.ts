/**
 * A TCP proxy that misbehaves on request: the network between an agent and its relay.
 *
 * Invariant: what is asked of it happens to the connections of this moment, to one or to all of
 * them, and it says to how many; a black hole, a delay and a limit hold for new ones too.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Conditions, type Direction, Passage } from './passage.ts'
import { within } from './within.ts'

/** A middle box that loses patience with connections on which nothing passes. */
export interface IdleBox {
  readonly afterMs: number
  /** It resets them, or forgets them without a word. */
  readonly how: 'close' | 'drop'
}

/** How often a middle box looks. */
const lookEveryMs = 20

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
  readonly #passages = new Set<Passage>()
  #hole: PromiseWithResolvers<void> | undefined
  #box: NodeJS.Timeout | undefined

  private constructor(targetPort: number) {
    this.targetPort = targetPort
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true })
    this.#server.on('connection', (socket) => void this.#accept(socket))
  }

  /** Starts a proxy on a port of its own, by default of loopback, in front of the given one. */
  static async before(targetPort: number, host = '127.0.0.1'): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(targetPort)
    proxy.#server.listen(0, host)
    await once(proxy.#server, 'listening')
    return proxy
  }

  /** The port that the proxy listens on. */
  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** How many connections are open now. */
  get connections(): number {
    return this.#passages.size
  }

  /** The ports, at the machine that they come from, of the connections that pass bytes now. */
  get clientPorts(): readonly number[] {
    return this.#alive.map(({ clientPort }) => clientPort)
  }

  get passable(): Promise<void> {
    return this.#hole?.promise ?? Promise.resolve()
  }

  /** Resets connections, towards both sides: this one of those alive, or every one. */
  cut(one?: number): number {
    return this.#each(one, (passage) => passage.reset())
  }

  /** Ends connections with a FIN, towards both sides: this one of those alive, or every one. */
  finish(one?: number): number {
    return this.#each(one, (passage) => passage.finish())
  }

  /** Ends connections within a TLS record of this direction; says how many carried one in time. */
  async tear(direction: Direction, one?: number, deadlineMs?: number): Promise<number> {
    const torn: Promise<void>[] = []
    this.#each(one, (passage) => {
      const { promise, resolve } = Promise.withResolvers<void>()
      torn.push(within('record', promise, deadlineMs))
      passage.tear(direction, resolve)
    })
    const ends = await Promise.allSettled(torn)
    return ends.filter(({ status }) => status === 'fulfilled').length
  }

  /** Loses track of connections, and tells neither side. */
  forget(one?: number): number {
    return this.#each(one, (passage) => passage.forget())
  }

  /** Nothing passes on this one of those alive, until what this gives is called. */
  stall(one: number): () => void {
    const passage = this.#alive[one]
    passage?.pause()
    return () => passage?.resume()
  }

  /** Begins or ends a black hole: connections stay open, new ones are accepted, nothing passes. */
  blackHole(on: boolean): void {
    if (on) {
      this.#hole ??= Promise.withResolvers()
      for (const passage of this.#passages) passage.pause()
    } else {
      this.#hole?.resolve()
      this.#hole = undefined
      for (const passage of this.#passages) passage.resume()
    }
  }

  /** Puts a middle box here, or takes it away; `met` hears of each connection that it ends. */
  idleBox(box: IdleBox | undefined, met: () => void = () => {}): void {
    clearInterval(this.#box)
    if (box === undefined) return
    const look = (): void => {
      for (const passage of this.#alive.filter(({ idleMs }) => idleMs > box.afterMs)) {
        if (box.how === 'close') passage.reset()
        else passage.forget()
        met()
      }
    }
    this.#box = setInterval(look, lookEveryMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.idleBox(undefined)
    this.blackHole(false)
    for (const passage of this.#passages) passage.reset()
    await once(this.#server, 'close')
  }

  get #alive(): readonly Passage[] {
    return [...this.#passages].filter(({ isAlive }) => isAlive)
  }

  #each(one: number | undefined, fault: (passage: Passage) => void): number {
    if (one === undefined) {
      const { length } = this.#alive
      for (const passage of this.#passages) fault(passage)
      return length
    }
    const passage = this.#alive[one]
    if (passage === undefined) return 0
    fault(passage)
    return 1
  }

  async #accept(client: Socket): Promise<void> {
    this.connectionsTotal += 1
    const passage = new Passage(client, this)
    this.#passages.add(passage)
    await this.passable
    const closed = passage.reach(this.targetPort, this.sourceAddress)
    if (this.#hole !== undefined) passage.pause()
    await closed
    this.#passages.delete(passage)
  }
}
