/**
 * Raw ways to a facade, for what no well-behaved client would say, and handlers that count.
 *
 * Invariant: each way is closed when its work is done.
 */
import { AMQPClient } from '@cloudamqp/amqp-client'
import mqtt from 'mqtt'
import { io } from 'socket.io-client'
import type { Event, Facade, FacadeMessage, FacadeSocket } from '../../demo/todo/facade/facade.ts'
import type { Place } from './todo.ts'
import { patienceMs, within } from './within.ts'

/**
 * Says anything on any topic, as this client where the transport knows clients; objects in JSON.
 */
export async function sayRaw(
  { carrier, serverUrl, clientUrl }: Place,
  clientId: string,
  topic: string,
  payloads: readonly (string | Uint8Array | object)[],
): Promise<void> {
  switch (carrier) {
    case 'socket.io': {
      const socket = io(clientUrl, { auth: { clientId }, forceNew: true, reconnection: false })
      try {
        await within('connection', new Promise((resolve) => socket.on('connect', () => resolve(0))))
        const say = (payload: unknown): Promise<unknown> =>
          socket.timeout(patienceMs).emitWithAck(topic, payload)
        for (const payload of payloads) await say(payload)
      } finally {
        socket.disconnect()
      }
      return
    }
    case 'embedded':
    case 'mosquitto': {
      const client = await within('connection', mqtt.connectAsync(serverUrl))
      for (const payload of payloads) {
        await client.publishAsync(topic, bytesOf(payload), { qos: 1 })
      }
      await client.endAsync()
      return
    }
    case 'rabbitmq': {
      const client = new AMQPClient(serverUrl)
      await within('connection', client.connect())
      const channel = await client.channel()
      await channel.confirmSelect()
      for (const payload of payloads) await channel.basicPublish(topic, '', bytesOf(payload))
      await client.close()
      return
    }
    default:
      carrier satisfies never
  }
}

/** What a facade's handlers have heard, of every client. */
export class Heard {
  readonly sockets: FacadeSocket[] = []
  readonly messages: FacadeMessage[] = []
  readonly gone: string[] = []
  readonly #watchers = new Set<() => void>()

  constructor(facade: Facade, event: Event, acknowledges = true) {
    facade.on('connection', (socket) => {
      this.sockets.push(socket)
      socket.on(event, (message, acknowledge) => {
        this.messages.push(message)
        if (acknowledges) acknowledge()
        this.#tell()
      })
      socket.on('disconnect', () => {
        this.gone.push(socket.clientId)
        this.#tell()
      })
      this.#tell()
    })
  }

  /** The newest socket of a client, as soon as there is one. */
  async socketOf(clientId: string): Promise<FacadeSocket> {
    const find = (): FacadeSocket | undefined =>
      this.sockets.findLast((socket) => socket.clientId === clientId)
    await this.until(`socket of ${clientId}`, () => find() !== undefined)
    const found = find()
    if (found === undefined) throw new Error(`no socket of ${clientId}`)
    return found
  }

  async until(what: string, isSo: () => boolean, deadlineMs?: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = (): void => {
      if (isSo()) resolve()
    }
    this.#watchers.add(look)
    look()
    await within(what, promise, deadlineMs)
    this.#watchers.delete(look)
  }

  #tell(): void {
    for (const look of this.#watchers) look()
  }
}

function bytesOf(payload: string | Uint8Array | object): Buffer {
  if (typeof payload === 'string') return Buffer.from(payload)
  return Buffer.from(payload instanceof Uint8Array ? payload : JSON.stringify(payload))
}
