/**
 * Holding an id at the broker: asking for it after each connect, saying that it is online, and
 * objecting when another device asks.
 *
 * Invariant: presence says `online` only for a device that holds its id; what an earlier
 * connection's last will, found out late, says against it is put right.
 */
import { randomUUID } from 'node:crypto'
import type { IClientOptions, MqttClient } from 'mqtt'
import type { Log } from '../../shared/io/log.ts'
import { Fault } from '../../shared/protocol/fault.ts'
import { addressed, topics } from '../todo/contract.ts'
import { type Claim, claimSchema, claimTopic, claimWaitMs, hearClaim } from './claim.ts'
import { readMessage } from './message.ts'

export interface TenureEvents {
  /** Nobody has objected: until the connection is lost the id is held. */
  readonly whenHeld: () => void
  /** Somebody else holds the id, for good: the fault is `device_taken`. */
  readonly whenTaken: (fault: Fault) => void
}

export class Tenure {
  readonly instance: string = randomUUID()
  readonly #clientId: string
  readonly #log: Log
  readonly #events: TenureEvents
  readonly #claim: string
  readonly #presence: string
  #client: MqttClient | undefined
  #timer: NodeJS.Timeout | undefined
  #holds = false
  #isOver = false

  constructor(clientId: string, log: Log, events: TenureEvents) {
    this.#clientId = clientId
    this.#log = log
    this.#events = events
    this.#claim = claimTopic(clientId)
    this.#presence = addressed(topics.presence, clientId)
  }

  get holds(): boolean {
    return this.#holds
  }

  /** What the broker says of this device when it is gone without a word. */
  get will(): NonNullable<IClientOptions['will']> {
    return { topic: this.#presence, payload: Buffer.from('offline'), qos: 1, retain: true }
  }

  /** Asks for the id over a connection that is new. */
  async begin(client: MqttClient): Promise<void> {
    this.lose()
    this.#client = client
    // Whoever has heard nobody else's question must have been heard himself.
    await client.subscribeAsync([this.#claim, this.#presence], { qos: 1 })
    await client.publishAsync(this.#claim, this.#say({ says: 'asks' }), { qos: 1 })
    this.#timer = setTimeout(() => this.#hold(client), claimWaitMs)
  }

  /** The connection is lost, and the id with it. */
  lose(): void {
    clearTimeout(this.#timer)
    this.#holds = false
  }

  /** True if the message was about the id. */
  hear(topic: string, payload: Buffer): boolean {
    if (topic === this.#presence) this.#heardPresence(payload.toString())
    else if (topic === this.#claim) this.#heardClaim(topic, payload)
    else return false
    return true
  }

  /** Gives the id back, if it is held. */
  async end(): Promise<void> {
    const held = this.#holds
    this.#isOver = true
    this.lose()
    if (!held || this.#client === undefined) return
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, goodbyeMs)
    const options = { qos: 1, retain: true } as const
    const said = this.#client.publishAsync(this.#presence, 'offline', options)
    await Promise.race([said.catch(() => {}), late])
    clearTimeout(timer)
  }

  #hold(client: MqttClient): void {
    if (this.#isOver || !client.connected) return
    this.#holds = true
    this.#sayOnline(client)
    this.#events.whenHeld()
  }

  #heardPresence(state: string): void {
    const client = this.#client
    if (this.#holds && client !== undefined && state !== 'online') this.#sayOnline(client)
  }

  #heardClaim(topic: string, payload: Buffer): void {
    const heard = readMessage(claimSchema, topic, payload, this.#log)
    if (heard === undefined || this.#isOver) return
    const decision = hearClaim({ instance: this.instance, holds: this.#holds }, heard)
    switch (decision) {
      case 'nothing':
        return
      case 'object': {
        const objection = this.#say({ says: 'objects', to: heard.instance })
        this.#log.warn('another device has asked for this id, and was refused')
        this.#client?.publish(this.#claim, objection, { qos: 1 })
        return
      }
      case 'yield':
        return this.#yield()
      default:
        decision satisfies never
    }
  }

  #yield(): void {
    this.#isOver = true
    this.lose()
    const message = `Another device is connected as "${this.#clientId}", and keeps the name.`
    this.#events.whenTaken(new Fault('device_taken', `${message} Choose another: --id NAME`))
  }

  #sayOnline(client: MqttClient): void {
    client.publish(this.#presence, 'online', { qos: 1, retain: true })
  }

  #say(what: { says: 'asks' } | { says: 'objects'; to: string }): string {
    return JSON.stringify({ instance: this.instance, ...what } satisfies Claim)
  }
}

const goodbyeMs = 1_000
