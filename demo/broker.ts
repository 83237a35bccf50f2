/**
 * The on-prem broker: Mosquitto where it is installed, the embedded one everywhere else; RabbitMQ
 * for AMQP.
 *
 * Invariant: it listens on loopback only and keeps nothing; the one way to it from elsewhere is the
 * tunnel.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Fault } from '../shared/protocol/fault.ts'
import { findProgram } from './brokers/installed.ts'
import { startRabbitMq } from './brokers/rabbitmq.ts'
import type { Child } from './child.ts'
import { onFreePorts } from './ports.ts'
import type { Processes } from './processes.ts'

export const brokerKinds = ['embedded', 'mosquitto', 'rabbitmq'] as const
export type BrokerKind = (typeof brokerKinds)[number]

/** A broker that takes clients. */
export interface Broker {
  readonly protocol: 'mqtt' | 'amqp'
  /** `Mosquitto 2.0.11`. */
  readonly name: string
  readonly port: number
  /** Where else it listens, for its own kind. */
  readonly otherPorts?: readonly number[]
  readonly process: Child
}

/** Starts a broker; by default the best that there is. Throws `usage` when it is not installed. */
export async function startBroker(
  processes: Processes,
  folder: string,
  kind: BrokerKind = findMosquitto() === undefined ? 'embedded' : 'mosquitto',
): Promise<Broker> {
  switch (kind) {
    case 'embedded':
      return await startEmbedded(processes)
    case 'mosquitto':
      return await startMosquitto(processes, folder)
    case 'rabbitmq': {
      const { version, port, nodePort, process } = await startRabbitMq(processes, folder)
      const name = `RabbitMQ ${version}`
      return { protocol: 'amqp', name, port, otherPorts: [nodePort], process }
    }
    default:
      return kind satisfies never
  }
}

async function startEmbedded(processes: Processes): Promise<Broker> {
  const entryPoint = fileURLToPath(new URL('brokers/embedded-main.ts', import.meta.url))
  const child = processes.start({
    name: 'broker',
    program: process.execPath,
    args: [entryPoint],
  })
  const ready = await child.said('broker ready', ({ message }) => message === 'broker ready')
  const name = `aedes ${String(ready.version)}`
  return { protocol: 'mqtt', name, port: Number(ready.port), process: child }
}

async function startMosquitto(processes: Processes, folder: string): Promise<Broker> {
  const program = findMosquitto()
  if (program === undefined) {
    const advice = 'apt-get install mosquitto, or: sallyport demo --broker embedded'
    throw new Fault('usage', `Mosquitto is not installed here: ${advice}`)
  }
  return await onFreePorts([0], async ([port = 0]) => {
    await writeFile(join(folder, 'mosquitto.conf'), mosquittoFile(port))
    const child = processes.start({ name: 'broker', program, args: ['-c', 'mosquitto.conf'] })
    const version = await child.heard(
      'running',
      (line) => /mosquitto version (\S+) running/.exec(line)?.[1],
    )
    return { protocol: 'mqtt', name: `Mosquitto ${version}`, port, process: child }
  })
}

function mosquittoFile(port: number): string {
  return [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence false',
    // By default it drops what is not acknowledged beyond 1,000 messages, however short the pause.
    'max_queued_messages 20000',
    'log_dest stderr',
    // Started by root, it would become a user that cannot read this folder.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    '',
  ].join('\n')
}

function findMosquitto(): string | undefined {
  return findProgram('mosquitto')
}
