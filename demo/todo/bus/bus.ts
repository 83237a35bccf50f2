/**
 * The way from a page to the server, whatever carries it. Browsers load this file as it is.
 *
 * Invariant: a bus connects by itself, again and again, until it is disposed; each time it is
 * `connected` it hears all that is said from then on, once. What it has missed before is asked for
 * by `init`.
 */
import type { Command, Message } from '../contract.ts'

/** Where a bus leads to, and who speaks on it. */
export interface BusOptions {
  /** `ws://…/mqtt`, `ws://…/amqp`, `http://…`; for MQTT in Node.js also `mqtt://…`. */
  readonly url: string
  readonly clientId: string
  /** PEM, for MQTT in Node.js: the one authority that a certificate may come from. */
  readonly authority?: string
}

export type BusState = 'connecting' | 'connected' | 'lost'

/** One client's connection. */
export interface Bus extends AsyncDisposable {
  readonly clientId: string
  readonly state: BusState
  /**
   * Says a command. Resolves when the far side (the server, or the broker) has it; rejects when
   * that is not known. Nothing is kept to be said later: `SharedList` does that.
   */
  send(command: Command): Promise<void>
  /** Hears what others say: the server, and perhaps other clients; never itself. */
  onCommand(hear: (message: Message) => void): void
  /** Hears each change of the state, with what is known of the reason. */
  onState(hear: (state: BusState, reason?: string) => void): void
}
