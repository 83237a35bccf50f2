/**
 * The clients of a facade whose transport knows no connections of clients, only messages: who is
 * here is known by what is heard of each.
 *
 * Invariant: a client has one socket, and each of its messages is heard once by each handler that
 * the socket has. Who is said to be `online` for good stays until he is said to be gone; anybody
 * else, until nothing was heard of him for a while.
 */
import type { Log } from '../../../shared/io/log.ts'
import { clientIdSchema, limits, serverId } from '../contract.ts'
import {
  assertEvent,
  type Emitter,
  type Event,
  type FacadeMessage,
  type FacadeSocket,
  type Hear,
} from './facade.ts'

/** How things are said to one client. */
export type SayTo = (clientId: string, event: Event, message: FacadeMessage) => void

export class Clients implements Disposable {
  readonly #say: SayTo
  readonly #log: Log
  readonly #silenceMs: number
  readonly #sockets = new Map<string, Socket>()
  readonly #welcome = new Set<(socket: FacadeSocket) => void>()
  readonly #onConnect = new Set<() => void>()
  /** Resolves when somebody listens; until then the transport keeps its messages. */
  readonly #listening = Promise.withResolvers<void>()
  readonly #watch: NodeJS.Timeout

  /** `silenceMs` is how long somebody may say nothing who is not known to be online for good. */
  constructor(say: SayTo, log: Log, silenceMs: number) {
    this.#say = say
    this.#log = log
    this.#silenceMs = silenceMs
    this.#watch = setInterval(() => this.#sweep(), silenceMs / 4)
  }

  /** What a facade's `on` does. Throws a TypeError for an event that there is not. */
  on(event: string, hear: never): void {
    if (event === 'connection') this.onConnection(hear)
    else if (event === 'connect') this.#onConnect.add(hear)
    else throw new TypeError(`There is no event ${event}.`)
  }

  /** Hears each new client. */
  onConnection(hear: (socket: FacadeSocket) => void): void {
    this.#welcome.add(hear)
    for (const socket of this.#sockets.values()) hear(socket)
    this.#listening.resolve()
  }

  /** There is a connection to the broker, the first or another one. */
  connected(): void {
    for (const hear of this.#onConnect) hear()
  }

  /** A client is here: until it is gone, or until nothing is heard of it. */
  online(clientId: string, until: 'gone' | 'silent'): void {
    const socket = this.#known(clientId)
    if (socket === undefined) return
    socket.until = until === 'gone' ? Number.POSITIVE_INFINITY : this.#silentAt()
  }

  /** A client is gone. */
  offline(clientId: string): void {
    const socket = this.#sockets.get(clientId)
    if (socket === undefined) return
    this.#sockets.delete(clientId)
    socket.end()
  }

  /** Nobody is known to be here any more, until it is heard again. */
  doubt(): void {
    for (const socket of this.#sockets.values()) socket.until = this.#silentAt()
  }

  /** Hears the bytes of one message, as soon as anybody listens. */
  hear(event: Event, bytes: Uint8Array, acknowledge: () => void): void {
    if (this.#welcome.size > 0) this.#pass(event, bytes, acknowledge)
    else void this.#listening.promise.then(() => this.#pass(event, bytes, acknowledge))
  }

  [Symbol.dispose](): void {
    clearInterval(this.#watch)
  }

  #pass(event: Event, bytes: Uint8Array, acknowledge: () => void): void {
    const message = this.#read(event, bytes)
    if (message === undefined) return acknowledge()
    const { clientId } = message
    const socket = clientId === serverId ? undefined : this.#known(clientId)
    if (socket === undefined) return acknowledge()
    if (socket.until !== Number.POSITIVE_INFINITY) socket.until = this.#silentAt()
    socket.hear(event, message, acknowledge)
  }

  #read(event: Event, bytes: Uint8Array): AuthoredMessage | undefined {
    const ignore = (reason: string, clientId?: string): undefined => {
      const from = clientId === undefined ? {} : { 'client.id': clientId }
      this.#log.warn('message ignored', { ...from, topic: event, bytes: bytes.length, reason })
    }
    // The server's own words come back on a topic that is for both ways, and may be long.
    const said = jsonIn(bytes)
    if (typeof said !== 'object' || said === null || Array.isArray(said)) {
      return ignore('not a JSON object')
    }
    const { clientId } = said as FacadeMessage
    const author = clientIdSchema.safeParse(clientId)
    if (!author.success) return ignore('no clientId')
    if (bytes.length > limits.messageBytesMax && author.data !== serverId) {
      return ignore('too long', author.data)
    }
    return { ...said, clientId: author.data }
  }

  #known(clientId: string): Socket | undefined {
    const known = this.#sockets.get(clientId)
    if (known !== undefined) return known
    if (this.#sockets.size >= limits.clientsMax) {
      const reason = 'there are too many clients'
      this.#log.warn('client ignored', { 'client.id': clientId, reason })
      return undefined
    }
    const socket = new Socket(clientId, this.#say, () => this.#others(clientId))
    socket.until = this.#silentAt()
    this.#sockets.set(clientId, socket)
    for (const hear of this.#welcome) hear(socket)
    return socket
  }

  #others(clientId: string): readonly string[] {
    return [...this.#sockets.keys()].filter((other) => other !== clientId)
  }

  #silentAt(): number {
    return performance.now() + this.#silenceMs
  }

  #sweep(): void {
    const now = performance.now()
    for (const [clientId, { until }] of this.#sockets) if (until < now) this.offline(clientId)
  }
}

interface AuthoredMessage extends FacadeMessage {
  readonly clientId: string
}

class Socket implements FacadeSocket {
  readonly clientId: string
  readonly broadcast: Emitter
  /** On the clock of `performance`. */
  until = Number.POSITIVE_INFINITY
  readonly #say: SayTo
  readonly #hearers = new Map<Event, Set<Hear>>()
  readonly #farewells = new Set<() => void>()

  constructor(clientId: string, say: SayTo, others: () => readonly string[]) {
    this.clientId = clientId
    this.#say = say
    this.broadcast = {
      emit: (event, message) => {
        assertEvent(event)
        for (const other of others()) say(other, event, message)
      },
    }
  }

  on(event: Event, hear: Hear): void
  on(event: 'disconnect', hear: () => void): void
  on(event: Event | 'disconnect', hear: Hear | (() => void)): void {
    if (event === 'disconnect') {
      this.#farewells.add(hear as () => void)
      return
    }
    assertEvent(event)
    const hearers = this.#hearers.get(event) ?? new Set()
    this.#hearers.set(event, hearers.add(hear))
  }

  emit(event: Event, message: FacadeMessage): void {
    assertEvent(event)
    this.#say(this.clientId, event, message)
  }

  hear(event: Event, message: FacadeMessage, acknowledge: () => void): void {
    const hearers = this.#hearers.get(event)
    if (hearers === undefined) acknowledge()
    else for (const hear of hearers) hear(message, acknowledge)
  }

  end(): void {
    for (const say of this.#farewells) say()
  }
}

function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}
