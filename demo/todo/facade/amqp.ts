/**
 * The facade over AMQP 0-9-1: the same events as exchanges of any broker.
 *
 * Invariant: what is said to the server waits in one durable queue while the server is away, and
 * each message leaves it when it was dealt with. Everything that is spoken to is declared first.
 */
import { AMQPClient, type AMQPMessage } from '@cloudamqp/amqp-client'
import { z } from 'zod'
import { AmqpSession, addressExchange } from '../bus/amqp-session.ts'
import { clientIdSchema, topics } from '../contract.ts'
import { Clients } from './clients.ts'
import { assertEvent, type Facade, type FacadeOptions } from './facade.ts'

/** Begins to connect to the broker. */
export function connect({ url, log }: FacadeOptions): Facade {
  const clients = new Clients(
    (clientId, event, message) => publish(addressExchange(event), clientId, message),
    log,
    silenceMs,
  )

  const session = new AmqpSession({
    open: () => new AMQPClient(withHeartbeat(url)),
    async declare(channel) {
      const durable = { durable: true, autoDelete: false }
      const bounds = { 'x-max-length': waitingMax }
      const { name } = await channel.queueDeclare(queueName, durable, bounds)
      for (const topic of [topics.todo, topics.deviceStatus, topics.presence]) {
        await channel.queueBind(name, topic, '')
      }
      return name
    },
    hear: (message, done) => hearMessage(clients, message, done),
    onState(state, reason) {
      const { host } = new URL(url)
      log.info('broker', { url: host, state, ...(reason !== undefined && { reason }) })
      if (state === 'connected') clients.connected()
    },
  })

  const publish = (exchange: string, routingKey: string, message: object): void => {
    session.publish(exchange, routingKey, JSON.stringify(message)).catch((error: unknown) => {
      log.debug('not said', { topic: exchange, reason: String(error) })
    })
  }

  return {
    on: (event: string, hear: never) => clients.on(event, hear),
    emit(event, message) {
      assertEvent(event)
      publish(event, '', message)
    },
    to: (clientId) => ({
      emit(event, message) {
        assertEvent(event)
        publish(addressExchange(event), clientId, message)
      },
    }),
    async [Symbol.asyncDispose]() {
      clients[Symbol.dispose]()
      await session[Symbol.asyncDispose]()
    },
  }
}

const queueName = 'todo-server'

/** Messages that wait for a server that is away; of more, the oldest are lost, and said again. */
const waitingMax = 20_000

/** Three times what a client lets pass between two signs of life. */
const silenceMs = 15_000

const presenceSchema = z.object({
  clientId: clientIdSchema,
  state: z.enum(['online', 'offline']),
})

function hearMessage(clients: Clients, { exchange, body }: AMQPMessage, done: () => void): void {
  const bytes = body ?? new Uint8Array()
  if (exchange === topics.todo || exchange === topics.deviceStatus) {
    clients.hear(exchange, bytes, done)
    return
  }
  const presence = presenceSchema.safeParse(jsonIn(bytes)).data
  if (presence?.state === 'online') clients.online(presence.clientId, 'silent')
  if (presence?.state === 'offline') clients.offline(presence.clientId)
  done()
}

/** Both sides notice within seconds that the other is gone. */
function withHeartbeat(url: string): string {
  const place = new URL(url)
  place.searchParams.set('heartbeat', '10')
  return place.href
}

function jsonIn(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}
