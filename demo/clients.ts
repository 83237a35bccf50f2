/**
 * Unmodified MQTT clients: they are given an address and nothing else.
 *
 * Invariant: a client counts each end of its connection. Unless it was told to, it never connects
 * again, so whatever it still says afterwards went over the connection that it began with.
 */
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { WebSocket } from 'ws'
import { Changes, type Patience, waitFor } from './waiting.ts'

/** A way to the broker for browsers: a WebSocket of the relay. */
export interface WebSocketPlace {
  /** `wss://localhost:8443/mqtt`. */
  readonly url: string
  /** The one authority that the relay's certificate may come from. */
  readonly authority: string
  readonly origin: string
}

export class BrokerClient implements AsyncDisposable {
  readonly #client: MqttClient
  readonly #listeners = new Map<string, (payload: string) => void>()
  readonly #changes = new Changes()
  #closes = 0
  #connects = 1

  private constructor(client: MqttClient) {
    this.#client = client
    client.on('error', () => {})
    client.on('close', () => {
      this.#closes += 1
    })
    client.on('connect', () => {
      this.#connects += 1
      this.#changes.tell()
    })
    client.on('message', (topic, payload) => this.#listeners.get(topic)?.(payload.toString()))
  }

  /**
   * Connects to a loopback port, or to `host:port`. With a name it comes back by itself, and the
   * broker keeps its mail.
   */
  static async overTcp(
    place: number | string,
    signal: AbortSignal,
    name?: string,
  ): Promise<BrokerClient> {
    const comesBack = { clientId: name, clean: false, reconnectPeriod: comeBackMs }
    const options = name === undefined ? {} : comesBack
    const address = typeof place === 'string' ? place : `127.0.0.1:${place}`
    return await BrokerClient.#connect(`mqtt://${address}`, signal, options)
  }

  /** Connects over a WebSocket; gives the sub-protocol that the relay has agreed to as well. */
  static async overWebSocket(
    { url, authority, origin }: WebSocketPlace,
    signal: AbortSignal,
  ): Promise<{ readonly client: BrokerClient; readonly subprotocol: string }> {
    let socket: WebSocket | undefined
    const createWebsocket = (address: string, subprotocols: string[]): WebSocket => {
      socket = new WebSocket(address, subprotocols, { ca: authority, origin })
      return socket
    }
    const client = await BrokerClient.#connect(url, signal, { createWebsocket })
    return { client, subprotocol: socket?.protocol ?? '' }
  }

  /** How often its connection has ended. */
  get closes(): number {
    return this.#closes
  }

  /** How often it has connected. */
  get connects(): number {
    return this.#connects
  }

  /** Waits until it has connected so often. */
  async reconnects(connects: number, patience: Patience): Promise<void> {
    const isBack = (): true | undefined => this.#connects >= connects || undefined
    await this.#changes.until('the return of an MQTT client', patience, isBack)
  }

  /** Hears every message on a topic, at QoS 1. */
  async subscribe(topic: string, hear: (payload: string) => void): Promise<void> {
    this.#listeners.set(topic, hear)
    await this.#client.subscribeAsync(topic, { qos: 1 })
  }

  /** Publishes at QoS 1; `acknowledged` is called when the broker has it. */
  publish(topic: string, payload: string, acknowledged: () => void = () => {}): void {
    this.#client.publish(topic, payload, { qos: 1 }, (error) => {
      if (!error) acknowledged()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.endAsync(true)
  }

  static async #connect(
    url: string,
    signal: AbortSignal,
    options: Partial<IClientOptions>,
  ): Promise<BrokerClient> {
    const all = { reconnectPeriod: 0, connectTimeout: connectWithinMs, ...options }
    const connecting = connectAsync(url, all, false).then((client) => new BrokerClient(client))
    const patience = { withinMs: connectWithinMs, signal }
    return await waitFor(`an MQTT connection to ${url}`, patience, connecting)
  }
}

const connectWithinMs = 30_000
const comeBackMs = 500
