/**
 * Which transports a run of the demo takes, by its options and by what is installed.
 *
 * Invariant: what is left out is named, with what it would need.
 */
import { Fault } from '../shared/protocol/fault.ts'
import type { BrokerKind } from './broker.ts'
import type { Transport } from './todo/page/settings.ts'

/** What was asked for, and what this machine has. */
export interface TransportWish {
  readonly check: boolean
  readonly transport?: Transport | undefined
  readonly broker?: BrokerKind | undefined
  readonly hasRabbitMq: boolean
}

export interface TransportChoice {
  readonly transports: readonly Transport[]
  /** The MQTT broker that was asked for. */
  readonly broker?: Exclude<BrokerKind, 'rabbitmq'> | undefined
  /** Why one is left out, in a sentence. */
  readonly notRun?: string
}

/**
 * A check runs them all; whoever stays gets one: MQTT, unless he asks for another. Throws `usage`
 * when the broker does not carry the transport.
 */
export function chooseTransports(wish: TransportWish): TransportChoice {
  const { check, transport, broker, hasRabbitMq } = wish
  if (broker === 'rabbitmq') {
    if (transport === undefined || transport === 'amqp') return { transports: ['amqp'] }
    throw new Fault('usage', `RabbitMQ carries AMQP here, and not ${transport}.`)
  }
  if (transport !== undefined) return { transports: [transport], broker }
  if (!check) return { transports: ['mqtt'], broker }
  if (hasRabbitMq) return { transports: ['mqtt', 'socket.io', 'amqp'], broker }
  const notRun = 'amqp: RabbitMQ is not installed here: apt-get install rabbitmq-server'
  return { transports: ['mqtt', 'socket.io'], broker, notRun }
}
