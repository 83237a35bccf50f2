/**
 * A device: a board and an MQTT connection, joined. A press is a message at QoS 1 that is counted
 * once; a command sets the light.
 *
 * Invariant: clicks are said only while the device holds its id, in the order in which they were
 * made; those made without a connection wait, a bounded number. The light shows the last command,
 * and is off before the first and after the end.
 */
import { randomUUID } from 'node:crypto'
import { connect, type MqttClient } from 'mqtt'
import type { Log } from '../../shared/io/log.ts'
import { addressed, type DeviceStatus, deviceCommandSchema, topics } from '../todo/contract.ts'
import type { Light } from '../todo/maintenance.ts'
import type { Board, OpenBoard } from './board.ts'
import { readMessage } from './message.ts'
import { Tenure } from './tenure.ts'

/** A way to the broker: `mqtt:`, `mqtts:`, `ws:` or `wss:`. */
export interface BrokerPlace {
  readonly url: string
  /** PEM: the one authority that the broker's certificate may come from, instead of the public. */
  readonly authority?: string | undefined
}

export interface DevicePlan {
  readonly clientId: string
  readonly broker: BrokerPlace
  readonly openBoard: OpenBoard
  readonly log: Log
}

/** Clicks that wait for the broker, or for its acknowledgement; more of them are not counted. */
export const clicksWaitingMax = 1_000

const keepaliveSeconds = 15
const comeBackMs = 1_000
const connectWithinMs = 10_000

export class Device implements AsyncDisposable {
  readonly clientId: string
  /** Rejects with `device_taken` when another device holds the id. */
  readonly taken: Promise<never>
  readonly #log: Log
  readonly #board: Board
  readonly #client: MqttClient
  readonly #tenure: Tenure
  readonly #waiting: DeviceStatus[] = []
  #unacknowledged = 0
  #isLost = false
  #isOver = false
  #light: Light = 'off'

  /**
   * Opens the board and begins to connect; a broker that is away is waited for. Throws what the
   * board throws.
   */
  constructor({ clientId, broker, openBoard, log }: DevicePlan) {
    this.clientId = clientId
    this.#log = log.child({ device: clientId })
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => {})
    this.taken = promise
    this.#tenure = new Tenure(clientId, this.#log, {
      whenHeld: () => this.#serve(),
      whenTaken: (fault) => {
        this.#isOver = true
        // In order, so that the broker does not call the other one offline.
        this.#client.end()
        reject(fault)
      },
    })
    this.#board = openBoard(() => this.#clicked())
    this.#client = connect(broker.url, {
      ...(broker.authority !== undefined && { ca: broker.authority }),
      // Not the device's id: a broker throws out whoever has the same one, and both come back.
      clientId: `device-${clientId}-${this.#tenure.instance.slice(0, 8)}`,
      protocolVersion: 4,
      keepalive: keepaliveSeconds,
      reconnectPeriod: comeBackMs,
      connectTimeout: connectWithinMs,
      resubscribe: false,
      will: this.#tenure.will,
    })
    this.#client.on('connect', () => void this.#connected())
    this.#client.on('message', (topic, payload) => this.#heard(topic, payload))
    this.#client.on('error', (error) => this.#lost(error))
    this.#client.on('close', () => this.#lost('the connection closed'))
    this.#log.info('device started', { board: this.#board.name, broker: safeText(broker.url) })
  }

  /** What the light shows. */
  get light(): Light {
    return this.#light
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    this.#board[Symbol.dispose]()
    await this.#tenure.end()
    await this.#client.endAsync(!this.#client.connected)
  }

  async #connected(): Promise<void> {
    this.#isLost = false
    try {
      await this.#tenure.begin(this.#client)
      const own = addressed(topics.deviceCommand, this.clientId)
      await this.#client.subscribeAsync([topics.deviceCommand, own], { qos: 2 })
    } catch (error) {
      this.#lost(error)
    }
  }

  #lost(reason: unknown): void {
    this.#tenure.lose()
    if (this.#isLost || this.#isOver) return
    this.#isLost = true
    this.#log.warn('no connection to the broker, trying again', { reason: reasonText(reason) })
  }

  #clicked(): void {
    if (this.#waiting.length + this.#unacknowledged >= clicksWaitingMax) {
      return this.#log.warn('a click is lost: too many wait for the broker')
    }
    this.#log.info('click')
    this.#waiting.push({ clientId: this.clientId, button: 'click', messageId: randomUUID() })
    this.#sayClicks()
  }

  #serve(): void {
    this.#log.info('device ready', { waiting: this.#waiting.length })
    this.#sayClicks()
  }

  /** What was said and not acknowledged when a connection ends is said again by the client. */
  #sayClicks(): void {
    while (this.#tenure.holds) {
      const click = this.#waiting.shift()
      if (click === undefined) return
      this.#unacknowledged += 1
      this.#client.publish(topics.deviceStatus, JSON.stringify(click), { qos: 1 }, () => {
        this.#unacknowledged -= 1
      })
    }
  }

  #heard(topic: string, payload: Buffer): void {
    if (this.#isOver || this.#tenure.hear(topic, payload)) return
    const command = readMessage(deviceCommandSchema, topic, payload, this.#log)
    if (command?.clientId === this.clientId) this.#show(command.maintenancelight)
  }

  #show(light: Light): void {
    if (light === this.#light) return
    this.#light = light
    this.#board.show(light)
    this.#log.info(`maintenance light ${light}`)
  }
}

/** The address without the password that may stand in it. */
function safeText(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}

/** Connections that were tried at several addresses have a code, and no message. */
function reasonText(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason)
  return reason.message || ('code' in reason ? String(reason.code) : reason.name)
}
