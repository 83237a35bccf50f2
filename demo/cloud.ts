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

/** The service of the story, and the path to it for browsers. */
export const mqttService = `${plantName}/mqtt`
export const mqttPath = '/mqtt'

/** A service as the relay offers it. */
export interface CloudService {
  /** `plant-1/mqtt`. */
  readonly name: string
  /** A port for unmodified clients, on loopback; 0 for any free one. */
  readonly tcp?: number
  /** A path for browsers. */
  readonly webSocket?: string
}

/** What the relay is to be. */
export interface CloudPlan {
  /** Carriers, and WebSockets of browsers; on loopback, and 0 for any free port. */
  readonly listen: number
  readonly admin: number
  readonly services: readonly CloudService[]
  /** The pages that may use the paths. */
  readonly origins: readonly string[]
}

export class Cloud {
  readonly #plan: CloudPlan
  readonly #processes: Processes
  #process: Child
  #lives = 1

  private constructor(processes: Processes, process: Child, plan: CloudPlan) {
    this.#processes = processes
    this.#process = process
    this.#plan = plan
  }

  /** Writes relay.yaml into the folder and starts the relay on it. */
  static async open(processes: Processes, folder: string, wanted: CloudPlan): Promise<Cloud> {
    const file = join(folder, 'relay.yaml')
    await writeFile(file, relayFile(wanted))
    const process = startRelay(processes)
    const plan = withPorts(wanted, await readiness(process))
    await writeFile(file, relayFile(plan))
    return new Cloud(processes, process, plan)
  }

  /** Where carriers and browsers come in. */
  get listenPort(): number {
    return this.#plan.listen
  }

  /** The port that leads unmodified clients to the service. */
  portOf(service: string): number {
    const port = this.#plan.services.find(({ name }) => name === service)?.tcp
    if (port === undefined) throw new Fault('promise_broken', `${service} has no port.`)
    return port
  }

  /** The paths that lead browsers to a service. */
  get webSocketPaths(): readonly string[] {
    return this.#plan.services.flatMap(({ webSocket }) => webSocket ?? [])
  }

  /** Its latest life. */
  get process(): Child {
    return this.#process
  }

  /** How often it was started. */
  get lives(): number {
    return this.#lives
  }

  /** Ends the relay without a word, as a power failure would. */
  async kill(): Promise<void> {
    await this.#process.kill()
  }

  /** Starts the relay in another life. */
  async start(): Promise<void> {
    this.#lives += 1
    this.#process = startRelay(this.#processes)
    await readiness(this.#process)
  }

  /** The address of what `/status` tells. */
  get statusUrl(): string {
    return `http://127.0.0.1:${this.#plan.admin}/status`
  }

  /** What the relay knows of the agent, as soon as all its carriers are up, and measured. */
  async agentUp(name: string, signal: AbortSignal): Promise<AgentStatus> {
    const deadline = performance.now() + upWithinMs
    while (performance.now() < deadline) {
      const response = await fetch(this.statusUrl, { signal })
      const { agents } = (await response.json()) as RelayStatus
      const found = agents.find(({ agent }) => agent === `agent/${name}`)
      const isWhole = found?.state === 'up' && found.carriers === carriersOfAgent
      if (isWhole && found.roundTripMs !== undefined) return found
      await pause(pollMs, undefined, { signal })
    }
    throw new Fault('promise_broken', `${this.statusUrl} does not call ${name} up.`)
  }
}

const upWithinMs = 30_000
/** An agent that asks for no other number keeps so many carriers. */
const carriersOfAgent = 2
const pollMs = 25

function startRelay(processes: Processes): Child {
  return processes.startSallyport('relay', 'relay', '--config', 'relay.yaml')
}

async function readiness(process: Child): Promise<LogRecord> {
  return await process.said('relay ready', ({ message }) => message === 'relay ready')
}

function relayFile({ listen, admin, services, origins }: CloudPlan): string {
  const names = services.map(({ name }) => name).join(', ')
  return `name: ${relayName}
listen: 127.0.0.1:${listen}
admin: 127.0.0.1:${admin}
services:
${services.map((service) => serviceLines(service, origins)).join('')}policy:
  - rule: this machine uses what is on premises
    from: [127.0.0.0/8]
    to: [${names}]
  - rule: the office uses the broker
    from: [agent/${officeName}]
    to: [${mqttService}]
expect:
  - allow agent/${officeName} -> ${mqttService}
  - deny 192.0.2.1 -> ${mqttService}
`
}

function serviceLines({ name, tcp, webSocket }: CloudService, origins: readonly string[]): string {
  const lines = [`  ${name}:`]
  if (tcp !== undefined) lines.push(`    tcp: 127.0.0.1:${tcp}`)
  if (webSocket !== undefined) {
    lines.push(`    websocket: ${webSocket}`, `    origins: [${origins.join(', ')}]`)
  }
  return `${lines.join('\n')}\n`
}

/** The plan with the ports that the system has chosen. */
function withPorts(plan: CloudPlan, { listen, admin, services }: LogRecord): CloudPlan {
  const told = services as Readonly<Record<string, { readonly tcp?: unknown }>>
  return {
    ...plan,
    listen: portIn(listen),
    admin: portIn(admin),
    services: plan.services.map((service) =>
      service.tcp === undefined ? service : { ...service, tcp: portIn(told[service.name]?.tcp) },
    ),
  }
}

function portIn(place: unknown): number {
  return Number(/:(\d+)$/.exec(String(place))?.[1])
}
