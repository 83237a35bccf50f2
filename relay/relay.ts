/**
 * A running relay: gate, core and ingresses, put together from its configuration.
 *
 * Invariant: nobody reaches the switch but through the gate or an ingress; whoever leaves takes
 * what was his with him. Disposing of it ends every listener and every stream, with a reason.
 */
import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { WebSocket } from 'ws'
import { identityName } from '../shared/identity.ts'
import { monotonicNow } from '../shared/io/alarm.ts'
import { wrapCarrier } from '../shared/io/carrier.ts'
import type { HostPort } from '../shared/io/config/values.ts'
import { readCredentials } from '../shared/io/credentials.ts'
import { Drive } from '../shared/io/drive.ts'
import { type Log, logFault } from '../shared/io/log.ts'
import { loadRevocations, watchRevocations } from '../shared/io/revocation.ts'
import type { Policy } from '../shared/policy.ts'
import { Admission } from './admission.ts'
import type { RelayConfig } from './config.ts'
import { Core } from './core.ts'
import { originOf } from './gate/request.ts'
import { type Gate, openGate, type PeerIdentity } from './gate.ts'
import { Consumers } from './ingress/index.ts'
import { openTcpIngress } from './ingress/tcp.ts'
import { enterWebSocket, type WebSocketPath } from './ingress/websocket.ts'
import { record } from './journal.ts'
import { type AgentStatus, openStatus, type RelayStatus, serviceStatus } from './status.ts'
import { AgentCarrier } from './switch/carrier.ts'

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
}

/** Starts a relay. Throws the fault of whatever keeps it from starting. */
export async function openRelay(config: RelayConfig, log: Log): Promise<Relay> {
  await using starting = new AsyncDisposableStack()
  const { credentials, identity } = await readCredentials(config.tls, 'relay')
  const authority = new X509Certificate(credentials.authority)
  const revocations = { file: config.tls.revocations, authority, now: () => new Date() }
  const revoked = await loadRevocations(revocations)
  if (revoked.stale) log.warn(`${revocations.file} is past its time: sallyport certs list`)

  const admission = new Admission(config.policy)
  const core = starting.adopt(
    new Core({
      limits: config.limits,
      admission,
      notice: (notice) => record(log, notice),
      ended: () => {},
    }),
    (over) => over.end(),
  )
  const agents = new Agents(core, config, log)
  const consumers = new Consumers(core.endpoint, config.limits.connectionsMax, log)
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
        const client = originOf(socket)
        const from = peer === undefined ? `address/${client.address}` : identityName(peer.identity)
        enterWebSocket(consumers, found, request, socket, head, { from, client })
      },
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

  const services: Record<string, { tcp?: HostPort; websocket?: string }> = {}
  for (const { name, tcp, websocket } of config.services) {
    const listener = tcp && starting.use(await openTcpIngress(consumers, name, tcp))
    services[name] = {
      ...(listener && { tcp: listener.address }),
      ...(websocket && { websocket: websocket.path }),
    }
  }
  const status = (): RelayStatus => {
    const statuses = agents.status()
    const ofServices = serviceStatus(config.services, statuses)
    return {
      healthy: ofServices.every(({ state }) => state === 'up'),
      agents: statuses,
      services: ofServices,
      streams: core.switch.routes.size,
      memoryBytes: core.budget.used,
    }
  }
  const admin = starting.use(await openStatus(config.admin, status))
  starting.defer(() => core.endpoint.endAll('shutdown'))
  const running = starting.move()
  return {
    places: { listen: gate.address, admin: admin.address, services },
    status,
    replacePolicy(policy: Policy): void {
      admission.replace(policy)
      core.switch.reconsider(monotonicNow())
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

interface Present {
  readonly carrier: AgentCarrier
  readonly drive: Drive
  readonly peer: PeerIdentity
}

/** The agents that are in. */
class Agents {
  readonly #core: Core
  readonly #config: RelayConfig
  readonly #log: Log
  readonly #present = new Map<PeerIdentity, Present>()
  /** The certificate that each link was last proved with: a detached one can be revoked too. */
  readonly #serialOfLink = new Map<string, string>()

  constructor(core: Core, config: RelayConfig, log: Log) {
    this.#core = core
    this.#config = config
    this.#log = log
  }

  /** A proved agent has a carrier. */
  welcome(peer: PeerIdentity, ws: WebSocket, socket: TLSSocket): void {
    const identity = identityName(peer.identity)
    const carrier = new AgentCarrier({
      switch: this.#core.switch,
      identity,
      livenessMs: this.#config.limits.livenessMs,
      now: monotonicNow(),
      wake: () => drive.wake(),
      end: (code) => drive.end(code),
    })
    const drive = new Drive(carrier, (fault) => {
      this.#present.delete(peer)
      carrier.lost(monotonicNow())
      this.#core.wake()
      const fields = { peer: identity, 'client.address': peer.address }
      logFault(this.#log, fault, fields, fault.code === 'carrier_lost' ? 'info' : 'warn')
    })
    this.#present.set(peer, { carrier, drive, peer })
    this.#serialOfLink.set(identity, peer.serialNumber)
    drive.attach(wrapCarrier(ws, socket, drive))
  }

  /** The certificate of this peer is revoked: what it holds ends at once, detached or not. */
  expel({ identity }: PeerIdentity): void {
    this.#core.switch.expel(identityName(identity), 'revoked', monotonicNow())
  }

  expelRevoked(revoked: ReadonlySet<string>): void {
    for (const [identity, serial] of this.#serialOfLink) {
      if (!revoked.has(serial)) continue
      this.#serialOfLink.delete(identity)
      this.#core.switch.expel(identity, 'revoked', monotonicNow())
    }
  }

  /** The certificate of this peer is over: its carrier ends, and its streams wait for the next. */
  dismiss(peer: PeerIdentity): void {
    this.#present.get(peer)?.drive.end('certificate_expired')
  }

  status(): readonly AgentStatus[] {
    const now = monotonicNow()
    const serving = new Map([...this.#present.values()].map((one) => [one.carrier.link, one]))
    return [...this.#core.switch.links.values()].map((link) => {
      const one = serving.get(link)
      const base = {
        agent: link.identity,
        streams: link.port.legs.size,
        cuts: link.carriers - 1,
        receivedBytes: link.receivedBytes,
        sentBytes: link.sentBytes,
        services: [...link.services],
      }
      if (one === undefined || !link.port.up) return { ...base, state: 'away' as const }
      const heardAgoMs = Math.round(now - one.carrier.heardAt)
      const { roundTripMs } = one.carrier
      return {
        ...base,
        state: heardAgoMs < this.#config.limits.livenessMs ? ('up' as const) : ('silent' as const),
        heardAgoMs,
        ...(roundTripMs !== undefined && { roundTripMs: Math.round(roundTripMs * 10) / 10 }),
        address: one.peer.address,
      }
    })
  }
}
