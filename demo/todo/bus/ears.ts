/**
 * Those who listen at a bus, and what they hear. Browsers load this file as it is.
 *
 * Invariant: only messages of the contract are heard, and never one's own.
 */
import { clientMessageSchema, type Message, serverId, serverMessageSchema } from '../contract.ts'
import type { BusState } from './bus.ts'

export class Ears {
  readonly #clientId: string
  readonly #commandHearers = new Set<(message: Message) => void>()
  readonly #stateHearers = new Set<(state: BusState, reason?: string) => void>()

  constructor(clientId: string) {
    this.#clientId = clientId
  }

  onCommand(hear: (message: Message) => void): void {
    this.#commandHearers.add(hear)
  }

  onState(hear: (state: BusState, reason?: string) => void): void {
    this.#stateHearers.add(hear)
  }

  /** Hears the bytes of a message, in JSON, or what they were read as. */
  hear(said: unknown): void {
    const message = messageIn(said instanceof Uint8Array ? jsonIn(said) : said)
    if (message === undefined || message.clientId === this.#clientId) return
    for (const hear of this.#commandHearers) hear(message)
  }

  become(state: BusState, reason?: string): void {
    for (const hear of this.#stateHearers) hear(state, reason)
  }
}

function messageIn(said: unknown): Message | undefined {
  const isServer = typeof said === 'object' && said !== null && 'clientId' in said
  const schema = isServer && said.clientId === serverId ? serverMessageSchema : clientMessageSchema
  return schema.safeParse(said).data
}

function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}
