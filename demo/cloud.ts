/**
 * The cloud side of the story: a relay on the file that a user would write.
 *
 * Invariant: its ports are the same in each of its lives, for clients come back to where they were.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { AgentStatus, RelayStatus } from '../relay/status.ts'
import { Fault } from '../shared/protocol/fault.ts'
import { officeName, plantName, relayName } from './certificates.ts'
import type { Child, LogRecord } from './child.ts'
import type { Processes } from './processes.ts'

/** The service of the story, the path to it for browsers, and the page that may use the path. */
export const mqttService = `${plantName}/mqtt`
export const mqttPath = '/mqtt'
export const pageOrigin = 'http://localhost:3000'

/** Where the relay listens, all on loopback; 0 for any free port. */
export interface CloudPorts {
  /** Carriers, and WebSockets of browsers. */
  readonly listen: number
  readonly admin: number
  /** Unmodified MQTT clients. */
  readonly mqtt: number
}

export class Cloud {
  readonly ports: CloudPorts
  readonly #processes: Processes
  #process: Child

  private constructor(processes: Processes, process: Child, ports: CloudPorts) {
    this.#processes = processes
    this.#process = process
    this.ports = ports
  }

  /** Writes relay.yaml into the folder and starts the relay on it. */
  static async open(processes: Processes, folder: string, wanted: CloudPorts): Promise<Cloud> {
    const file = join(folder, 'relay.yaml')
    await writeFile(file, relayFile(wanted))
    const process = startRelay(processes)
    const ports = portsIn(await readiness(process))
    await writeFile(file, relayFile(ports))
    return new Cloud(processes, process, ports)
  }

  /** Its latest life. */
  get process(): Child {
    return this.#process
  }

  /** Ends the relay without a word, as a power failure would. */
  async kill(): Promise<void> {
    await this.#process.kill()
  }

  /** Starts the relay in another life. */
  async start(): Promise<void> {
    this.#process = startRelay(this.#processes)
    await readiness(this.#process)
  }

  /** The address of what `/status` tells. */
  get statusUrl(): string {
    return `http://127.0.0.1:${this.ports.admin}/status`
  }

  /** What the relay knows of the agent, as soon as it is up and its round trip is measured. */
  async agentUp(name: string, signal: AbortSignal): Promise<AgentStatus> {
    const deadline = performance.now() + upWithinMs
    while (performance.now() < deadline) {
      const response = await fetch(this.statusUrl, { signal })
      const { agents } = (await response.json()) as RelayStatus
      const found = agents.find(({ agent }) => agent === `agent/${name}`)
      if (found?.state === 'up' && found.roundTripMs !== undefined) return found
      await pause(pollMs, undefined, { signal })
    }
    throw new Fault('promise_broken', `${this.statusUrl} does not call ${name} up.`)
  }
}

const upWithinMs = 10_000
const pollMs = 25

function startRelay(processes: Processes): Child {
  return processes.startSallyport('relay', 'relay', '--config', 'relay.yaml')
}

async function readiness(process: Child): Promise<LogRecord> {
  return await process.said('relay ready', ({ message }) => message === 'relay ready')
}

function relayFile({ listen, admin, mqtt }: CloudPorts): string {
  return `name: ${relayName}
listen: 127.0.0.1:${listen}
admin: 127.0.0.1:${admin}
services:
  ${mqttService}:
    tcp: 127.0.0.1:${mqtt}
    websocket: ${mqttPath}
    origins: [${pageOrigin}]
policy:
  - rule: this machine and the office use the broker
    from: [127.0.0.0/8, agent/${officeName}]
    to: [${mqttService}]
expect:
  - allow agent/${officeName} -> ${mqttService}
  - deny 192.0.2.1 -> ${mqttService}
`
}

function portsIn({ listen, admin, services }: LogRecord): CloudPorts {
  const { tcp } = (services as Readonly<Record<string, { readonly tcp?: unknown }>>)[
    mqttService
  ] ?? { tcp: undefined }
  return { listen: portOf(listen), admin: portOf(admin), mqtt: portOf(tcp) }
}

function portOf(place: unknown): number {
  return Number(/:(\d+)$/.exec(String(place))?.[1])
}
