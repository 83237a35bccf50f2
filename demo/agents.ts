/**
 * The agents of the story: one beside the broker, one beside a consumer, each on a file of its own.
 *
 * Invariant: they reach the relay through the network that can be cut, and in no other way.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { officeName, plantName } from './certificates.ts'
import type { Child, LogRecord } from './child.ts'
import { mqttService } from './cloud.ts'
import { onFreePorts } from './ports.ts'
import type { Processes } from './processes.ts'

/** Where the files lie, and which port leads to the relay. */
export interface Surroundings {
  readonly processes: Processes
  readonly folder: string
  readonly networkPort: number
}

/** The agent beside the consumer, and its local ports. */
export interface Office {
  readonly process: Child
  /** Leads to the broker. */
  readonly mqttPort: number
  /** Leads to a service that nobody has declared. */
  readonly sshPort: number
}

/**
 * Starts the agent inside the firewall and waits for its link; it exposes these services, by their
 * loopback ports.
 */
export async function startPlant(
  around: Surroundings,
  expose: ReadonlyMap<string, number>,
): Promise<Child> {
  const lines = [...expose].map(([service, port]) => `  ${service}: 127.0.0.1:${port}\n`)
  return await startAgent(around, plantName, `expose:\n${lines.join('')}`)
}

/**
 * Starts the agent in the office and waits for its link; the port of its MQTT forward is wished.
 */
export async function startOffice(around: Surroundings, wanted: number): Promise<Office> {
  return await onFreePorts([wanted, 0], async ([mqttPort = 0, sshPort = 0]) => {
    const forward = [
      `  127.0.0.1:${mqttPort}: ${mqttService}`,
      `  127.0.0.1:${sshPort}: ${plantName}/ssh`,
    ]
    const file = `forward:\n${forward.join('\n')}\n`
    const process = await startAgent(around, officeName, file)
    return { process, mqttPort, sshPort }
  })
}

/** Waits until the agent has a link, behind the place in its log. */
export async function linkReady(agent: Child, after = 0): Promise<LogRecord> {
  return await agent.said('link ready', ({ message }) => message === 'link ready', { after })
}

/** Remembers where the logs of these agents are now; gives the wait for their next links. */
export function nextLinks(agents: readonly Child[]): () => Promise<void> {
  const places = agents.map((agent) => ({ agent, after: agent.here }))
  return async () => {
    await Promise.all(places.map(({ agent, after }) => linkReady(agent, after)))
  }
}

async function startAgent(
  { processes, folder, networkPort }: Surroundings,
  name: string,
  body: string,
): Promise<Child> {
  const text = `relay: 127.0.0.1:${networkPort}\nname: ${name}\n${body}`
  await writeFile(join(folder, `${name}.yaml`), text)
  const process = processes.startSallyport(`agent ${name}`, 'agent', '--config', `${name}.yaml`)
  await linkReady(process)
  return process
}
