/**
 * A running relay: gate, core and ingresses, put together from its configuration.
 *
 * Invariant: nobody reaches the switch but through the gate or an ingress; whoever leaves takes
 * what was his with him. Disposing of it ends every listener and every stream, with a reason.
 */
import { X509Certificate } from 'node:crypto'
import { identityName } from '../shared/identity.ts'
import { monotonicNow } from '../shared/io/alarm.ts'
import type { HostPort } from '../shared/io/config/values.ts'
import { readCredentials } from '../shared/io/credentials.ts'
import type { Listener } from '../shared/io/listener.ts'
import { type Log, logFault } from '../shared/io/log.ts'
import { refuseUpgrade } from '../shared/io/refusal.ts'
import { loadRevocations, watchRevocations } from '../shared/io/revocation.ts'
import type { Policy } from '../shared/policy.ts'
import { Fault } from '../shared/protocol/fault.ts'
import { Admission } from './admission.ts'
import { Agents } from './agents.ts'
import type { RelayConfig } from './config.ts'
import { Core } from './core.ts'
import { Drainage } from './drainage.ts'
import { originOf } from './gate/request.ts'
import { type Gate, openGate } from './gate.ts'
import { Consumers } from './ingress/index.ts'
import { openTcpIngress } from './ingress/tcp.ts'
import { enterWebSocket, type WebSocketPath } from './ingress/websocket.ts'
import { record } from './journal.ts'
import { measure } from './measures.ts'
import { metricsText } from './metrics.ts'
import { openStatus, type RelayStatus, serviceStatus } from './status.ts'
import { Tally } from './tally.ts'

/** Sockets of the gate that consumers cannot take from agents. */
const carriersReserve = 1_024

/** Where a relay listens, with the ports that the system chose. */
export interface RelayPlaces {
  readonly listen: HostPort
  readonly admin: HostPort
  readonly services: Readonly<
    Record<string, { readonly tcp?: HostPort; readonly websocket?: string }>
  >
}

export interface Relay extends AsyncDisposable {
  readonly places: RelayPlaces
  readonly status: () => RelayStatus
  /** Another policy holds from now on: what it forbids ends at once. */
  replacePolicy(policy: Policy): void
  /**
   * Is about to stop: takes no consumer in, sends streams between agents to another relay, and ends
   * when the last one has left, or at the deadline; gives how many are left then.
   */
  drain(): Promise<number>
}

/** Starts a relay. Throws the fault of whatever keeps it from starting. */
export async function openRelay(config: RelayConfig, log: Log): Promise<Relay> {
  await using starting = new AsyncDisposableStack()
  const { credentials, identity } = await readCredentials(config.tls, 'relay')
  const authority = new X509Certificate(credentials.authority)
  const revocations = { file: config.tls.revocations, authority, now: () => new Date() }
  const revoked = await loadRevocations(revocations)
  if (revoked.stale) log.warn(`${revocations.file} is past its time: sallyport certs list`)

  const tally = new Tally()
  const admission = new Admission(config.policy)
  const core = starting.adopt(
    new Core({
      limits: config.limits,
      admission,
      notice: (notice) => {
        record(log, notice)
        tally.heard(notice)
        if (notice.kind === 'ended') drainage.look()
      },
      ended: () => {},
    }),
    (over) => over.end(),
  )
  const drainage = new Drainage(() => core.switch.routes.size)
  const agents = new Agents(core, config, log, tally)
  const consumers = new Consumers(core.endpoint, config.limits.connectionsMax, log, tally)
  const paths = webSocketPaths(config)
  const gate: Gate = starting.use(
    await openGate({
      listen: config.listen,
      credentials,
      trustDomain: identity.trustDomain,
      revoked: revoked.serialNumbers,
      ingressPaths: new Set(paths.keys()),
      limits: { ...config.limits, connectionsMax: config.limits.connectionsMax + carriersReserve },
      log,
      onCarrier: (peer, ws, socket) => agents.welcome(peer, ws, socket),
      onIngress: (path, request, socket, head, peer) => {
        const found = paths.get(path)
        if (found === undefined) return void socket.destroy()
        if (drainage.isOpen) {
          tally.refused('door', 'drain')
          return refuseUpgrade(socket, new Fault('drain'))
        }
        const client = originOf(socket)
        const from = peer === undefined ? `address/${client.address}` : identityName(peer.identity)
        enterWebSocket(consumers, found, request, socket, head, { from, client })
      },
      onRefused: (code) => tally.refused('gate', code),
      onRevoked: (peer) => agents.expel(peer),
      onExpired: (peer) => agents.dismiss(peer),
    }),
  )
  const stop = new AbortController()
  starting.defer(() => stop.abort())
  watchRevocations(
    revocations.file,
    async () => {
      try {
        const { serialNumbers } = await loadRevocations(revocations)
        gate.updateRevocations(serialNumbers)
        agents.expelRevoked(serialNumbers)
        log.info('revocations read', { revoked: serialNumbers.size })
      } catch (error) {
        logFault(log, error, { consequence: 'the list that was read last stays in force' })
      }
    },
    stop.signal,
  ).catch((error: unknown) => {
    if (!stop.signal.aborted) logFault(log, error)
  })

  const listeners: Listener[] = []
  const services: Record<string, { tcp?: HostPort; websocket?: string }> = {}
  for (const { name, tcp, websocket } of config.services) {
    const listener = tcp && starting.use(await openTcpIngress(consumers, name, tcp))
    if (listener !== undefined) listeners.push(listener)
    services[name] = {
      ...(listener && { tcp: listener.address }),
      ...(websocket && { websocket: websocket.path }),
    }
  }
  const status = (): RelayStatus => {
    const statuses = agents.status()
    const ofServices = serviceStatus(config.services, statuses)
    return {
      healthy: !drainage.isOpen && ofServices.every(({ state }) => state === 'up'),
      draining: drainage.isOpen,
      agents: statuses,
      services: ofServices,
      streams: core.switch.routes.size,
      memoryBytes: core.budget.used,
    }
  }
  const metrics = (): string => {
    const { limits } = config
    const handshakes = gate.handshakes.totals
    return metricsText(measure({ core, consumers, handshakes, tally, limits, status }))
  }
  const admin = starting.use(await openStatus(config.admin, { status, metrics }))
  starting.defer(() => core.endpoint.endAll('shutdown'))
  const running = starting.move()
  return {
    places: { listen: gate.address, admin: admin.address, services },
    status,
    replacePolicy(policy: Policy): void {
      admission.replace(policy)
      core.switch.reconsider(monotonicNow())
    },
    async drain(): Promise<number> {
      for (const listener of listeners) listener.close()
      core.switch.drain(config.limits.drainMs, monotonicNow())
      return await drainage.run(config.limits.drainMs)
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function webSocketPaths({ services }: RelayConfig): ReadonlyMap<string, WebSocketPath> {
  return new Map(
    services.flatMap(({ name, websocket }) =>
      websocket === undefined
        ? []
        : [[websocket.path, { service: name, origins: websocket.origins }] as const],
    ),
  )
}
