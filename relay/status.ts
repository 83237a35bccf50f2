/**
 * The relay's health, status and metrics, for its own machine.
 *
 * Invariant: what is told is the data path, never the process: an agent is up when something was
 * heard from it within the liveness time, and a service is up when its agent is. A status that
 * has been wrong once is never read again.
 */
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { parseServiceName } from '../shared/identity.ts'
import type { HostPort } from '../shared/io/config/values.ts'
import { listenFault } from '../shared/io/network-fault.ts'
import type { RelayService } from './config.ts'
import { metricsType } from './metrics.ts'

/** What is known of one agent. */
export interface AgentStatus {
  /** `agent/plant-1`. */
  readonly agent: string
  /** up: heard within the liveness time; silent: not so; away: no carrier, its streams are held. */
  readonly state: 'up' | 'silent' | 'away'
  /** Carriers that serve it now. */
  readonly carriers: number
  readonly streams: number
  /** How often a carrier was lost or displaced, and the frames on all of its carriers. */
  readonly cuts: number
  readonly receivedBytes: number
  readonly sentBytes: number
  /** Milliseconds since something was last heard on any carrier; absent while it is away. */
  readonly heardAgoMs?: number
  readonly roundTripMs?: number
  /** Where the carrier comes from that was heard last. */
  readonly address?: string
  readonly services: readonly string[]
}

/** What is known of one service. */
export interface ServiceStatus {
  readonly service: string
  readonly state: 'up' | 'held' | 'down'
  readonly reason?: string
}

export interface RelayStatus {
  readonly healthy: boolean
  /** It is about to stop: balancers are to send nobody here any more. */
  readonly draining: boolean
  readonly agents: readonly AgentStatus[]
  readonly services: readonly ServiceStatus[]
  readonly streams: number
  readonly memoryBytes: number
}

/** The status of each declared service, by what its agent is. */
export function serviceStatus(
  services: readonly Pick<RelayService, 'name'>[],
  agents: readonly AgentStatus[],
): readonly ServiceStatus[] {
  const byName = new Map(agents.map((agent) => [agent.agent, agent]))
  return services.map(({ name: service }) => {
    const name = parseServiceName(service)
    const agent = byName.get(`agent/${name?.agent}`)
    if (agent === undefined) return { service, state: 'down', reason: 'its agent is not connected' }
    if (agent.state === 'away') return { service, state: 'held', reason: 'its agent is away' }
    if (agent.state === 'silent') return { service, state: 'held', reason: 'its agent is silent' }
    if (agent.services.includes(name?.service ?? '')) return { service, state: 'up' }
    return { service, state: 'down', reason: 'its agent does not expose it' }
  })
}

export interface StatusServer extends AsyncDisposable {
  readonly address: HostPort
}

/** What is read anew for each answer. */
export interface StatusSources {
  readonly status: () => RelayStatus
  /** As Prometheus reads it. */
  readonly metrics: () => string
}

/**
 * Serves `/healthz` (200 or 503), `/status` and `/metrics`. Throws `port_in_use`,
 * `address_unavailable`.
 */
export async function openStatus(
  listen: HostPort,
  { status, metrics }: StatusSources,
): Promise<StatusServer> {
  const app = Fastify({ forceCloseConnections: true, bodyLimit: 1_024, requestTimeout: 5_000 })
  // A page that was led here by a name of its own must not read what a browser's machine may (A1).
  app.addHook('onRequest', async (request, reply) => {
    if (isLoopbackHost(request.headers.host)) return
    await reply.code(421).send({ code: 'name_invalid', message: 'Ask by a loopback address.' })
  })
  app.get('/healthz', async (_, reply) => {
    const { healthy, services } = status()
    return await reply.code(healthy ? 200 : 503).send({ healthy, services })
  })
  app.get('/status', async () => status())
  app.get('/metrics', async (_, reply) => await reply.type(metricsType).send(metrics()))
  try {
    await app.listen({ host: listen.host, port: listen.port })
  } catch (error) {
    await app.close()
    throw listenFault(error, listen)
  }
  const [place] = app.addresses() as readonly AddressInfo[]
  return {
    address: { host: listen.host, port: place?.port ?? listen.port },
    [Symbol.asyncDispose]: async () => await app.close(),
  }
}

function isLoopbackHost(host: string | undefined): boolean {
  const name = host?.replace(/:\d+$/, '')
  return name === 'localhost' || name === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(name ?? '')
}
