/**
 * The bus over AMQP 0-9-1: from a page over a WebSocket to a broker that knows only TCP. Browsers
 * load this file as it is.
 *
 * Invariant: what comes is one of the contract's messages, or is passed over. Others learn that
 * this client is online by a message again and again, for AMQP has no last will.
 */
import { type AMQPBaseClient, AMQPWebSocketClient } from '@cloudamqp/amqp-client'
import { topics } from '../contract.ts'
import { AmqpSession, addressExchange } from './amqp-session.ts'
import type { Bus, BusOptions } from './bus.ts'
import { Ears } from './ears.ts'

/** How often a client says that it is online. */
const aliveMs = 5_000

/** Begins to connect; by default over a WebSocket, as guest. */
export function connectAmqp(
  { url, clientId }: BusOptions,
  open: () => AMQPBaseClient = () => new AMQPWebSocketClient({ url }),
): Bus {
  const ears = new Ears(clientId)
  const session = new AmqpSession({
    open,
    async declare(channel) {
      const { name } = await channel.queueDeclare('', { exclusive: true, autoDelete: true })
      await channel.queueBind(name, topics.todo, '')
      await channel.queueBind(name, addressExchange(topics.todo), clientId)
      return name
    },
    hear(message, done) {
      ears.hear(message.body)
      done()
    },
    onState(state, reason) {
      if (state === 'connected') announce()
      ears.become(state, reason)
    },
  })
  const announce = (): void => {
    sayPresence('online').catch(() => {
      if (session.state === 'connected') session.abandon()
    })
  }
  const sayPresence = async (state: 'online' | 'offline'): Promise<void> => {
    await session.publish(topics.presence, '', JSON.stringify({ clientId, state }), aliveMs)
  }
  const heartbeat = setInterval(announce, aliveMs)
  return {
    clientId,
    get state() {
      return session.state
    },
    async send(command) {
      await session.publish(topics.todo, '', JSON.stringify({ ...command, clientId }))
    },
    onCommand: (hear) => ears.onCommand(hear),
    onState: (hear) => ears.onState(hear),
    async [Symbol.asyncDispose]() {
      clearInterval(heartbeat)
      await sayPresence('offline').catch(() => {})
      await session[Symbol.asyncDispose]()
    },
  }
}
