/**
 * A session with an AMQP 0-9-1 broker that opens itself again and again. Browsers load this file as
 * it is.
 *
 * Invariant: it is `connected` when everything that it speaks to is declared and it listens. Each
 * connection has a channel and queues of its own, so nothing is heard twice after another one.
 */
import type { AMQPBaseClient, AMQPChannel, AMQPMessage } from '@cloudamqp/amqp-client'
import { topics } from '../contract.ts'
import type { BusState } from './bus.ts'

/** What a session is for. */
export interface AmqpPlan {
  /** Makes a client that is not yet connected. */
  readonly open: () => AMQPBaseClient
  /** Declares the queue to listen to, on a channel with all exchanges; gives its name. */
  readonly declare: (channel: AMQPChannel) => Promise<string>
  /** Hears each message; it is acknowledged by `done`. */
  readonly hear: (message: AMQPMessage, done: () => void) => void
  readonly onState: (state: BusState, reason?: string) => void
}

/** The exchange that leads to one client, by its id. */
export function addressExchange(topic: string): string {
  return `${topic}/clients`
}

export class AmqpSession implements AsyncDisposable {
  readonly #plan: AmqpPlan
  readonly #running: Promise<void>
  #wake: () => void = () => {}
  #client: AMQPBaseClient | undefined
  #channel: AMQPChannel | undefined
  #state: BusState = 'connecting'
  #ended = false

  constructor(plan: AmqpPlan) {
    this.#plan = plan
    this.#running = this.#run()
  }

  get state(): BusState {
    return this.#state
  }

  /**
   * Publishes a message; resolves when the broker has it. It survives the broker's restart in a
   * durable queue, unless it is worth something only for so many milliseconds. Rejects at once
   * while there is no connection, and when there is no answer in time.
   */
  async publish(exchange: string, key: string, text: string, worthMs?: number): Promise<void> {
    if (this.#channel === undefined) throw new Error('There is no connection to the broker.')
    const how = worthMs === undefined ? { deliveryMode: 2 } : { expiration: `${worthMs}` }
    const properties = { contentType: 'application/json', ...how }
    await inTime(this.#channel.basicPublish(exchange, key, text, properties))
  }

  /** Ends this connection as if it had been lost; another one follows. */
  abandon(): void {
    this.#wake()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended = true
    this.#wake()
    await this.#running
  }

  async #run(): Promise<void> {
    for (let tries = 0; !this.#ended; tries += 1) {
      const { promise: over, resolve } = Promise.withResolvers<void>()
      this.#wake = resolve
      try {
        await this.#begin(resolve)
        tries = 0
        this.#become('connected')
        await over
        this.#lost('the connection was lost')
      } catch (error) {
        this.#lost(error instanceof Error ? error.message : 'the broker does not answer')
      }
      await this.#end()
      if (!this.#ended) await this.#rest(Math.min(restMs * 2 ** tries, restMaxMs))
    }
  }

  async #begin(lost: () => void): Promise<void> {
    const client = this.#plan.open()
    this.#client = client
    client.onerror = lost
    client.ondisconnect = lost
    await inTime(client.connect())
    const channel = await inTime(client.channel())
    channel.onerror = lost
    await inTime(this.#prepare(channel))
    this.#channel = channel
  }

  async #prepare(channel: AMQPChannel): Promise<void> {
    await channel.confirmSelect()
    await channel.prefetch(unacknowledgedMax)
    for (const topic of Object.values(topics)) {
      await channel.exchangeDeclare(topic, 'fanout', { durable: true })
      await channel.exchangeDeclare(addressExchange(topic), 'direct', { durable: true })
    }
    const queue = await this.#plan.declare(channel)
    await channel.basicConsume(queue, { noAck: false }, (message) => {
      this.#plan.hear(message, () => {
        // After a loss the broker delivers it again, to the next channel.
        if (!channel.closed) channel.basicAck(message.deliveryTag).catch(() => {})
      })
    })
  }

  async #end(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    this.#channel = undefined
    if (client === undefined || client.closed) return
    await inTime(client.close()).catch(() => {})
  }

  #lost(reason: string): void {
    this.#channel = undefined
    if (!this.#ended) this.#become('lost', reason)
  }

  async #rest(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#wake = resolve
    const timer = setTimeout(resolve, ms)
    await promise
    clearTimeout(timer)
  }

  #become(state: BusState, reason?: string): void {
    if (this.#state === state) return
    this.#state = state
    this.#plan.onState(state, reason)
  }
}

/** A broker that accepts and then says nothing is as good as none. */
async function inTime<Value>(promise: Promise<Value>): Promise<Value> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error('the broker does not answer')), answerWithinMs)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

const answerWithinMs = 10_000
const restMs = 250
const restMaxMs = 3_000
const unacknowledgedMax = 200
