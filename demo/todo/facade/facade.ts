/**
 * A server's side of an event bus, in the manner of Socket.IO, whatever carries it.
 *
 * Invariant: a client is one socket from its `connection` to its `disconnect`, however often its
 * connection, or the broker, is lost and found again in between; a handler is called once for each
 * message. Nothing malformed gets through: what a handler hears is an object with the `clientId`
 * of its socket.
 */
import type { Server as HttpServer } from 'node:http'
import type { Log } from '../../../shared/io/log.ts'
import { topics } from '../contract.ts'

/** An event that there is. */
export type Event = (typeof topics)['todo' | 'deviceStatus' | 'deviceCommand']

const events: ReadonlySet<string> = new Set([
  topics.todo,
  topics.deviceStatus,
  topics.deviceCommand,
])

/** One JSON object. */
export type FacadeMessage = Readonly<Record<string, unknown>>

/**
 * Hears a message. What is not acknowledged, is delivered again after a restart where the transport
 * can do that.
 */
export type Hear = (message: FacadeMessage, acknowledge: () => void) => void

/** Says something to one client, to the others, or to all. */
export interface Emitter {
  /** Throws a TypeError for an event that there is not. */
  emit(event: Event, message: FacadeMessage): void
}

/** One client. */
export interface FacadeSocket extends Emitter {
  readonly clientId: string
  /** Hears an event of this client, or that it is gone. Throws a TypeError for any other event. */
  on(event: Event, hear: Hear): void
  on(event: 'disconnect', hear: () => void): void
  /** Says something to all others. */
  readonly broadcast: Emitter
}

/** The server's side. */
export interface Facade extends Emitter, AsyncDisposable {
  /**
   * Hears each client that comes; or that there is a connection to the broker, the first or another
   * one, so that what was said before may not have arrived. Throws a TypeError for any other event.
   */
  on(event: 'connection', hear: (socket: FacadeSocket) => void): void
  on(event: 'connect', hear: () => void): void
  /** Says something to a client, here or not. */
  to(clientId: string): Emitter
}

/** What a facade is opened on. */
export interface FacadeOptions {
  /** The broker, `mqtt://…` or `amqp://…`. */
  readonly url: string
  /** Where Socket.IO is served. */
  readonly http: HttpServer
  readonly log: Log
}

/**
 * Opens a facade, which connects by itself, again and again; which one, is the one line in which
 * the transports differ. Nothing is taken from clients before somebody listens.
 */
export type Connect = (options: FacadeOptions) => Facade

/** Throws a TypeError when there is no such event. */
export function assertEvent(event: string): asserts event is Event {
  if (!events.has(event)) throw new TypeError(`There is no event ${event}.`)
}
