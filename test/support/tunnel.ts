/**
 * A whole Sallyport for one test: authority, relay and agents as processes of their own, and a
 * faulty proxy between each agent and the relay.
 *
 * Invariant: nothing is shared between tunnels; ports are chosen by the system, everything listens
 * on loopback, and leaving the scope of `await using` ends every process and removes every file.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { initStore, issuePair, type Store } from '../../certs/store.ts'
import { freePort } from './ports.ts'
import { FaultyProxy } from './proxy.ts'
import { type LogRecord, Sallyport } from './sallyport.ts'
import { temporaryFolder } from './temporary.ts'

/** A service of a test; its name is `agent/service`. */
export interface ServicePlan {
  /** A loopback port, or an address as the agent's file takes it. */
  readonly target: number | string
  /** The networks in which the target may lie. */
  readonly within?: readonly string[]
  /** The path of a WebSocket ingress, and the pages that may use it. */
  readonly websocket?: string
  readonly origins?: readonly string[]
  /** False when the agent does not know the service although the relay does. */
  readonly exposed?: false
}

/** A rule as relay.yaml takes it. */
export interface RulePlan {
  readonly rule: string
  readonly from: readonly string[]
  readonly to: readonly string[]
}

/** What a test wants. */
export interface TunnelPlan {
  readonly services: Readonly<Record<string, ServicePlan>>
  /** By default this machine and every agent may reach every service. */
  readonly policy?: readonly RulePlan[]
  /** The services that each agent forwards to from a local port. */
  readonly forwards?: Readonly<Record<string, readonly string[]>>
  /** Agents that have a certificate and a file but are not started. */
  readonly absent?: readonly string[]
  /** `limits` of relay.yaml and of each agent.yaml. */
  readonly relayLimits?: Readonly<Record<string, string | number>>
  readonly agentLimits?: Readonly<Record<string, string | number>>
  /** What is done to the authority before the relay starts. */
  readonly prepare?: (store: Store) => Promise<void>
}

/** An agent and the network that lies between it and the relay. */
export interface TunnelAgent {
  readonly process: Sallyport
  readonly proxy: FaultyProxy
}

/** The running whole. */
export interface Tunnel extends AsyncDisposable {
  readonly relay: Sallyport
  /** Where agents and browsers come in. */
  readonly listenPort: number
  readonly adminPort: number
  readonly store: Store
  /** Where the files of all processes lie. */
  readonly folder: string
  /** Writes other rules into relay.yaml and lets the relay read them. */
  replacePolicy(policy: readonly RulePlan[]): Promise<void>
  /** The TCP ingress of a service. */
  port(service: string): number
  /** The latest life of an agent. */
  agent(name: string): TunnelAgent
  /** Starts an agent, absent so far or in another life, and waits until its link is ready. */
  startAgent(name: string): Promise<TunnelAgent>
  /** The local port on which an agent forwards to a service. */
  forwardPort(agent: string, service: string): number
}

/** Makes the authority, starts the relay and the agents, and waits until all are ready. */
export async function openTunnel(plan: TunnelPlan): Promise<Tunnel> {
  await using starting = new AsyncDisposableStack()
  const { path: folder } = starting.use(await temporaryFolder())
  const names = agentNames(plan)
  const store = await makeStore(folder, names)
  await plan.prepare?.(store)
  const writeRelayFile = async (policy = plan.policy): Promise<void> => {
    const file = relayFile({ ...plan, ...(policy && { policy }) }, names)
    await writeFile(join(folder, 'relay.yaml'), stringify(file))
  }
  await writeRelayFile()
  const relay = starting.use(new Sallyport(['relay', '--config', 'relay.yaml'], folder))
  const ready = await relay.waitForMessage('relay ready', { deadlineMs: 60_000 })
  const listenPort = portIn(ready.listen)
  const lives = starting.use(new AsyncDisposableStack())
  const agents = new Map<string, TunnelAgent>()
  const forwardPorts = new Map<string, number>()

  const startAgent = async (name: string): Promise<TunnelAgent> => {
    const proxy = lives.use(await FaultyProxy.before(listenPort))
    const forwards = await forwardsOf(plan, name, forwardPorts)
    const file = `${name}.yaml`
    await writeFile(join(folder, file), stringify(agentFile(plan, name, [proxy.port], forwards)))
    const process = lives.use(new Sallyport(['agent', '--config', file], folder))
    const agent = { process, proxy }
    agents.set(name, agent)
    await process.waitForMessage('link ready', { deadlineMs: 60_000 })
    return agent
  }
  const present = names.filter((name) => plan.absent?.includes(name) !== true)
  await Promise.all(present.map(startAgent))

  const running = starting.move()
  return {
    relay,
    listenPort,
    adminPort: portIn(ready.admin),
    store,
    folder,
    async replacePolicy(policy) {
      await writeRelayFile(policy)
      relay.signal('SIGHUP')
    },
    port: (service) => ingressPort(ready, service),
    agent: (name) => known(agents.get(name), `agent ${name}`),
    startAgent,
    forwardPort: (agent, service) =>
      known(forwardPorts.get(`${agent} ${service}`), `forward from ${agent} to ${service}`),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** The trust domain of every test. */
export const trustDomain = 'plant.test'

const relayName = 'localhost'

/** An authority with a relay and these agents. */
export async function makeStore(
  folder: string,
  agents: readonly string[],
  relayAddresses: readonly string[] = ['127.0.0.1'],
): Promise<Store> {
  const store = await initStore({
    directory: join(folder, 'pki'),
    trustDomain,
    now: () => new Date(),
  })
  const loopback = { dnsNames: [relayName], ipAddresses: [...relayAddresses] }
  await issuePair(store, { role: 'relay', name: relayName, ...loopback })
  for (const name of agents) {
    await issuePair(store, { role: 'agent', name, dnsNames: [], ipAddresses: [] })
  }
  return store
}

/** Every agent of the plan. */
export function agentNames({ services, forwards = {} }: TunnelPlan): readonly string[] {
  const exposing = Object.keys(services).map((service) => service.split('/')[0] ?? '')
  return [...new Set([...exposing, ...Object.keys(forwards)])]
}

/** What stands in a relay.yaml; the relay listens on this port, or on any. */
export function relayFile(plan: TunnelPlan, agents: readonly string[], listenPort = 0): object {
  const everybody = ['127.0.0.0/8', ...agents.map((name) => `agent/${name}`)]
  const open = { rule: 'all of this test', from: everybody, to: Object.keys(plan.services) }
  const services = Object.entries(plan.services).map(([name, { websocket, origins }]) => [
    name,
    {
      tcp: '127.0.0.1:0',
      ...(websocket !== undefined && { websocket }),
      ...(origins !== undefined && { origins }),
    },
  ])
  return {
    name: relayName,
    listen: `127.0.0.1:${listenPort}`,
    admin: '127.0.0.1:0',
    services: Object.fromEntries(services),
    policy: plan.policy ?? [open],
    limits: plan.relayLimits ?? {},
  }
}

/** What stands in the agent.yaml of an agent whose relays are at these ports or places. */
export function agentFile(
  plan: TunnelPlan,
  name: string,
  relays: readonly (number | string)[],
  forward: Readonly<Record<string, string>>,
): object {
  const exposed = Object.entries(plan.services).flatMap(([service, one]) => {
    const [agent, bare] = service.split('/')
    if (agent !== name || one.exposed === false) return []
    const target = typeof one.target === 'number' ? `127.0.0.1:${one.target}` : one.target
    return [[bare, one.within === undefined ? target : { target, within: one.within }]]
  })
  return {
    relay: relays.map((place) => (typeof place === 'string' ? place : `127.0.0.1:${place}`)),
    name,
    expose: Object.fromEntries(exposed),
    forward,
    limits: plan.agentLimits ?? {},
  }
}

/** A forward's place must be written down, so its port is chosen here, once for all lives. */
export async function forwardsOf(
  { forwards = {} }: TunnelPlan,
  agent: string,
  ports: Map<string, number>,
  host = '127.0.0.1',
): Promise<Readonly<Record<string, string>>> {
  const forward: Record<string, string> = {}
  for (const service of forwards[agent] ?? []) {
    const key = `${agent} ${service}`
    const port = ports.get(key) ?? (await freePort())
    ports.set(key, port)
    forward[`${host}:${port}`] = service
  }
  return forward
}

/** The port in what the relay says of a place: `127.0.0.1:8443`, or host and port apart. */
export function portIn(place: unknown): number {
  const text = typeof place === 'string' ? place : JSON.stringify(place)
  const port = Number(/(\d+)\D*$/.exec(text ?? '')?.[1])
  return known(Number.isInteger(port) ? port : undefined, `port in ${text}`)
}

/** The port of a service's TCP ingress, by what the relay says when it is ready. */
export function ingressPort(ready: LogRecord, service: string): number {
  const services = ready.services as Readonly<Record<string, { readonly tcp?: unknown }>>
  return portIn(services[service]?.tcp)
}

function known<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new Error(`no ${what}`)
  return value
}
