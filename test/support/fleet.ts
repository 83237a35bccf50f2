/**
 * Several relays of one authority, and agents that keep a link to each of them: all of them
 * processes of their own, with a faulty proxy between each agent and each relay.
 *
 * Invariant: a relay keeps its port over all its lives, as one at a fixed address does; leaving the
 * scope of `await using` ends every process and removes every file.
 */
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { stringify } from 'yaml'
import type { Store } from '../../certs/store.ts'
import type { Door } from './hostile-agent.ts'
import { freePort } from './ports.ts'
import { FaultyProxy } from './proxy.ts'
import { type LogRecord, Sallyport } from './sallyport.ts'
import { loopbackSite, type Site } from './site.ts'
import { temporaryFolder } from './temporary.ts'
import {
  agentFile,
  agentNames,
  forwardsOf,
  ingressPort,
  makeStore,
  portIn,
  relayFile,
  type TunnelPlan,
} from './tunnel.ts'

/** Within this a process is there, and its links, however busy the machine. */
const startMs = 60_000

/** One relay of the fleet, in its latest life. */
export interface FleetRelay {
  readonly process: Sallyport
  readonly ready: LogRecord
}

/** One agent, where it runs, and the networks between it and each relay. */
export interface FleetAgent {
  readonly process: Sallyport
  readonly site: Site
  readonly proxies: readonly FaultyProxy[]
}

/** How a relay is started anew. */
export interface RestartOptions {
  /** Until it is started again. */
  readonly awayMs?: number
  /** How long it may take to end; 10 s by default. */
  readonly endsWithinMs?: number
  /** Hears that the relay listens again, before its agents are back. */
  readonly listening?: () => void
}

/** What a test wants of a fleet: a tunnel's plan, and where agents run that run elsewhere. */
export interface FleetPlan extends TunnelPlan {
  readonly sites?: Readonly<Record<string, Site>>
}

export class Fleet implements AsyncDisposable {
  readonly store: Store
  readonly #plan: FleetPlan
  readonly #folder: string
  readonly #listenPorts: readonly number[]
  readonly #running: AsyncDisposableStack
  readonly #relays: FleetRelay[] = []
  readonly #agents = new Map<string, FleetAgent>()
  readonly #forwardPorts = new Map<string, number>()

  private constructor(
    plan: FleetPlan,
    store: Store,
    listenPorts: readonly number[],
    running: AsyncDisposableStack,
  ) {
    this.#plan = plan
    this.store = store
    this.#folder = dirname(store.directory)
    this.#running = running
    this.#listenPorts = listenPorts
  }

  /** Starts so many relays, and every agent of the plan; waits until all links are ready. */
  static async open(relays: number, plan: FleetPlan): Promise<Fleet> {
    await using starting = new AsyncDisposableStack()
    const folder = starting.use(await temporaryFolder())
    const ports = await Promise.all(Array.from({ length: relays }, freePort))
    const sites = [loopbackSite, ...Object.values(plan.sites ?? {})]
    const addresses = sites.map(({ relayHost }) => relayHost)
    const store = await makeStore(folder.path, agentNames(plan), addresses)
    const fleet = new Fleet(plan, store, ports, starting.move())
    await using opening = new AsyncDisposableStack()
    opening.use(fleet)
    await Promise.all(ports.map((_, index) => fleet.startRelay(index)))
    const present = agentNames(plan).filter((name) => plan.absent?.includes(name) !== true)
    await Promise.all(present.map((name) => fleet.#startAgent(name)))
    opening.move()
    return fleet
  }

  /** Starts a relay, anew if it has ended, and waits until it is ready. */
  async startRelay(index: number): Promise<FleetRelay> {
    const file = `relay-${index}.yaml`
    const content = relayFile(this.#plan, agentNames(this.#plan), this.#listenPorts[index])
    await writeFile(join(this.#folder, file), stringify(content))
    const process = this.#running.use(new Sallyport(['relay', '--config', file], this.#folder))
    const ready = await process.waitForMessage('relay ready', { deadlineMs: startMs })
    const relay = { process, ready }
    this.#relays[index] = relay
    return relay
  }

  /**
   * Ends a relay by a signal and starts it anew; waits until all agents are back. Gives the status
   * that it ended with.
   */
  async restartRelay(
    index: number,
    signal: NodeJS.Signals,
    { awayMs = 0, endsWithinMs, listening }: RestartOptions = {},
  ): Promise<number | null> {
    const places = [...this.#agents].map(([name, { process }]) => [name, process.here] as const)
    const { process } = this.relay(index)
    process.signal(signal)
    const { status } = await process.waitForExit(endsWithinMs)
    await pause(awayMs)
    await this.startRelay(index)
    listening?.()
    await Promise.all(places.map(async ([name, from]) => await this.linked(name, index, from)))
    return status
  }

  relay(index: number): FleetRelay {
    return known(this.#relays[index], `relay ${index}`)
  }

  agent(name: string): FleetAgent {
    return known(this.#agents.get(name), `agent ${name}`)
  }

  /** The address of a relay as this agent's file and log name it. */
  placeOf(agent: string, relay: number): string {
    const { site, proxies } = this.agent(agent)
    return `${site.relayHost}:${proxies[relay]?.port}`
  }

  /** Waits until the agent has a link to the relay, behind line `from` of its log. */
  async linked(agent: string, relay: number, from = 0): Promise<void> {
    const place = this.placeOf(agent, relay)
    await this.agent(agent).process.waitForRecord(
      ({ message, relay: named }) => message === 'link ready' && named === place,
      `link ready to ${place}`,
      { from, deadlineMs: startMs },
    )
  }

  /** Where agents come in at a relay, for one that is none of this fleet's. */
  door(relay: number): Door {
    return { store: this.store, listenPort: this.#listenPorts[relay] ?? 0 }
  }

  /** The TCP ingress of a service at one relay. */
  port(relay: number, service: string): number {
    return ingressPort(this.relay(relay).ready, service)
  }

  adminPort(relay: number): number {
    return portIn(this.relay(relay).ready.admin)
  }

  /** The local port on which an agent forwards to a service. */
  forwardPort(agent: string, service: string): number {
    return known(this.#forwardPorts.get(`${agent} ${service}`), `forward to ${service}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running.disposeAsync()
  }

  async #startAgent(name: string): Promise<void> {
    const site = this.#plan.sites?.[name] ?? loopbackSite
    const proxies = await Promise.all(
      this.#listenPorts.map((port) => FaultyProxy.before(port, site.relayHost)),
    )
    for (const proxy of proxies) this.#running.use(proxy)
    const forwards = await forwardsOf(this.#plan, name, this.#forwardPorts, site.forwardHost)
    const places = proxies.map(({ port }) => `${site.relayHost}:${port}`)
    const content = agentFile(this.#plan, name, places, forwards)
    await writeFile(join(this.#folder, `${name}.yaml`), stringify(content))
    const args = ['agent', '--config', `${name}.yaml`]
    const process = this.#running.use(new Sallyport(args, this.#folder, site.enter))
    this.#agents.set(name, { process, site, proxies })
    await Promise.all(places.map((_, index) => this.linked(name, index)))
  }
}

function known<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Error(`no ${what}`)
  return value
}
