/**
 * A session with an MQTT broker that opens itself again and again. Browsers load this file as it
 * is.
 *
 * Invariant: it is `connected` when the broker has acknowledged its subscriptions and its presence.
 * It speaks MQTT 5 where the broker does, for no-local; otherwise 3.1.1.
 */
import mqtt, { type IClientOptions, type IPublishPacket, type MqttClient } from 'mqtt'
import { addressed, topics } from '../contract.ts'
import type { BusState } from './bus.ts'

/** What a session is for. */
export interface MqttPlan {
  /** `ws://…`, `wss://…`; in Node.js also `mqtt://…` and `mqtts://…`. */
  readonly url: string
  readonly clientId: string
  readonly authority?: string | undefined
  readonly subscriptions: readonly string[]
  /** Whether others learn if it is online. */
  readonly isPresent: boolean
  /** Whether the broker keeps what comes while it is away. */
  readonly isKept: boolean
  /** Hears each message; no other is heard before `done`, which acknowledges it. */
  readonly hear: (topic: string, payload: Uint8Array, done: () => void) => void
  readonly onState: (state: BusState, reason?: string) => void
}

export class MqttSession implements AsyncDisposable {
  readonly #plan: MqttPlan
  readonly #client: MqttClient
  #state: BusState = 'connecting'

  constructor(plan: MqttPlan) {
    this.#plan = plan
    const client = mqtt.connect(plan.url, optionsOf(plan))
    this.#client = client
    // The documented way to acknowledge a message only when it was dealt with.
    client.handleMessage = ({ topic, payload }: IPublishPacket, done) => {
      const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload
      plan.hear(topic, bytes, () => done())
    }
    client.on('connect', () => void this.#begin())
    client.on('close', () => this.#become('lost', 'the connection was lost'))
    client.on('error', (error) => {
      if (isVersionRefused(error)) client.options.protocolVersion = 4
      else this.#become('lost', error.message)
    })
  }

  get state(): BusState {
    return this.#state
  }

  /** Publishes at QoS 1; resolves when the broker has it. Rejects at once while it is lost. */
  async publish(topic: string, text: string, retain = false): Promise<void> {
    if (!this.#client.connected) throw new Error('There is no connection to the broker.')
    await this.#client.publishAsync(topic, text, { qos: 1, retain })
  }

  /** Says goodbye and ends, soon in any case. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { isPresent, clientId } = this.#plan
    if (this.#state === 'connected') {
      // An empty message takes the kept one away; should it not arrive, there is the last will.
      const topic = addressed(topics.presence, clientId)
      if (isPresent) await soon(this.publish(topic, '', true))
      // What is on its way may wait for ever, for an answer behind a message that nobody takes.
      await soon(this.#client.endAsync())
    }
    await this.#client.endAsync(true)
  }

  async #begin(): Promise<void> {
    const { subscriptions, isPresent, clientId } = this.#plan
    try {
      if (subscriptions.length > 0) {
        const noLocal = this.#client.options.protocolVersion === 5 ? { nl: true } : {}
        await this.#client.subscribeAsync([...subscriptions], { qos: 1, ...noLocal })
      }
      if (isPresent) await this.publish(addressed(topics.presence, clientId), 'online', true)
      if (this.#client.connected) this.#become('connected')
    } catch {
      // The connection was lost on the way: the next one begins anew.
    }
  }

  #become(state: BusState, reason?: string): void {
    if (this.#state === state) return
    this.#state = state
    this.#plan.onState(state, reason)
  }
}

/** Waits for it, but not for long. */
async function soon(promise: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, goodbyeMs)
  await Promise.race([promise.catch(() => {}), late])
  clearTimeout(timer)
}

const goodbyeMs = 1_000

/** Seconds for which brokers of MQTT 5 keep what nobody fetches. */
const keptSeconds = 86_400

function optionsOf({ clientId, authority, isPresent, isKept }: MqttPlan): IClientOptions {
  const will = {
    topic: addressed(topics.presence, clientId),
    payload: 'offline',
    qos: 1,
    retain: true,
    properties: { messageExpiryInterval: keptSeconds },
  } as const
  return {
    clientId,
    protocolVersion: 5,
    clean: !isKept,
    keepalive: 30,
    // The other kind makes a worker from a string, which the page's policy forbids.
    timerVariant: 'native',
    reconnectPeriod: 500,
    connectTimeout: 10_000,
    reconnectOnConnackError: true,
    resubscribe: false,
    ...(isKept && { properties: { sessionExpiryInterval: keptSeconds } }),
    ...(isPresent && { will }),
    ...(authority !== undefined && { ca: authority }),
  }
}

/** 1 in the words of MQTT 3.1.1, 132 in those of MQTT 5. */
function isVersionRefused(error: Error): boolean {
  return 'code' in error && (error.code === 1 || error.code === 132)
}
