/**
 * Who may come in: the one public port of the relay, for agents and for consumers' WebSockets.
 *
 * Invariant: a `PeerIdentity` is made here alone, out of the verified leaf of that very connection,
 * at every upgrade anew (T1, T2); whoever has none is answered with a code before anything of his
 * is kept, and with one line in the log. It ends with its certificate.
 */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import { type WebSocket, WebSocketServer } from 'ws'
import { identityName, type Role } from '../shared/identity.ts'
import { carrierOptions } from '../shared/io/carrier.ts'
import type { HostPort } from '../shared/io/config/values.ts'
import { type Log, logFault } from '../shared/io/log.ts'
import { listenFault } from '../shared/io/network-fault.ts'
import { secureContext, type TlsCredentials } from '../shared/io/tls.ts'
import { Fault, type FaultCode } from '../shared/protocol/fault.ts'
import { subprotocol } from '../shared/protocol/frame.ts'
import { LivePeers } from './gate/live.ts'
import { PendingConnections, type PendingLimits, type PendingTotals } from './gate/pending.ts'
import { type Proof, proofOf } from './gate/proof.ts'
import { refuseRequest } from './gate/refusal.ts'
import { type Origin, offersProtocol, originOf, pathOf, upgradeFault } from './gate/request.ts'
import { createGateServer, type GateServer, type ServerLimits } from './gate/server.ts'

/** The path of carriers. */
export const carrierPath = '/sallyport'

declare const proven: unique symbol

/** Somebody who has proved who he is, on one connection. Only the gate makes one. */
export type PeerIdentity = Proof & Origin & { readonly [proven]: true }

/** How a gate is opened. Callbacks may throw: that ends the socket they were called about. */
export interface GateOptions {
  readonly listen: HostPort
  readonly credentials: TlsCredentials
  readonly trustDomain: string
  /** Serial numbers of revoked certificates, as `X509Certificate.serialNumber` spells them. */
  readonly revoked: ReadonlySet<string>
  /** The paths that lead to `onIngress`; none by default. */
  readonly ingressPaths?: ReadonlySet<string>
  readonly limits: GateLimits
  readonly log: Log
  /** A carrier of a proven agent; wrap it in this turn. */
  readonly onCarrier: (peer: PeerIdentity, ws: WebSocket, socket: TLSSocket) => void
  /**
   * An upgrade request for one of the ingress paths. A consumer needs no certificate there; one
   * that shows a certificate is proved by it, or refused.
   */
  readonly onIngress: (
    path: string,
    request: IncomingMessage,
    socket: TLSSocket,
    head: Buffer,
    peer: PeerIdentity | undefined,
  ) => void
  /** The peer's certificate is revoked, or over: say so on its carrier; the gate ends it soon. */
  readonly onRevoked: (peer: PeerIdentity) => void
  readonly onExpired: (peer: PeerIdentity) => void
  /** An upgrade was refused with this code. */
  readonly onRefused?: (code: FaultCode) => void
  /** Adds routes to the same port, such as enrolment. */
  readonly routes?: (app: FastifyInstance) => void | Promise<void>
}

/** relay/config/schema.ts has the defaults, and the attack that each limit stops. */
export interface GateLimits extends PendingLimits, ServerLimits {
  /** Carriers of one agent at a time; stops one certificate from holding all sockets. */
  readonly carriersMax: number
}

/** An open gate; disposing of it ends every connection that came through it. */
export interface Gate extends AsyncDisposable {
  /** Where it listens, with the port that the system chose for port 0. */
  readonly address: HostPort
  /** Those who have not said who they are. */
  readonly handshakes: { readonly totals: PendingTotals }
  /** Replaces the revoked serial numbers, and ends the live carriers among them. */
  updateRevocations(revoked: ReadonlySet<string>): void
  /** Replaces certificate, key and authority for the handshakes to come. */
  updateCredentials(credentials: TlsCredentials): void
}

/** Opens the gate. Throws `port_in_use`, `address_unavailable` or `authority_missing`. */
export async function openGate(options: GateOptions): Promise<Gate> {
  const { credentials, limits, log } = options
  const pending = new PendingConnections(limits)
  const served = createGateServer(credentials, limits, pending, log)
  const { app, server } = served
  const gate = new OpenGate(options, served, pending)
  try {
    await options.routes?.(app)
    await app.ready()
    server.listen({ host: options.listen.host, port: options.listen.port })
    await once(server, 'listening')
  } catch (error) {
    await gate[Symbol.asyncDispose]()
    throw error instanceof Error && 'syscall' in error ? listenFault(error, options.listen) : error
  }
  return gate
}

class OpenGate implements Gate {
  readonly #options: GateOptions
  readonly #app: FastifyInstance
  readonly #server: Server
  readonly handshakes: PendingConnections
  readonly #webSockets = new WebSocketServer({
    ...carrierOptions,
    noServer: true,
    clientTracking: false,
    handleProtocols: () => subprotocol,
  })
  readonly #live = new LivePeers<PeerIdentity>()
  readonly #sockets = new Set<Socket>()
  readonly #everySecond: NodeJS.Timeout
  #revoked: ReadonlySet<string>

  constructor(options: GateOptions, { app, server }: GateServer, pending: PendingConnections) {
    this.#options = options
    this.#app = app
    this.#server = server
    this.handshakes = pending
    this.#revoked = options.revoked
    this.#webSockets.on('wsClientError', ({ message }, socket, request) => {
      this.#refuse(request, socket as TLSSocket, new Fault('carrier_refused', `${message}.`))
    })
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    server.on('upgrade', (request, socket, head: Buffer) => {
      this.#guarded(socket as TLSSocket, () => this.#upgrade(request, socket as TLSSocket, head))
    })
    this.#everySecond = setInterval(() => this.#look(), 1_000).unref()
  }

  get address(): HostPort {
    const { address: host, port } = this.#server.address() as AddressInfo
    return { host, port }
  }

  updateRevocations(revoked: ReadonlySet<string>): void {
    this.#revoked = revoked
    this.#live.endRevoked(revoked, (peer) => this.#end('revoked', peer))
  }

  updateCredentials(credentials: TlsCredentials): void {
    this.#server.setSecureContext(secureContext(credentials))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#everySecond)
    const closed = this.#app.close()
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  #upgrade(request: IncomingMessage, socket: TLSSocket, head: Buffer): void {
    // HTTP has let go of the socket, and an error that nobody hears ends the process (T14).
    socket.on('error', () => {})
    this.handshakes.settle(socket)
    if (socket.destroyed) return
    const path = pathOf(request)
    const fault = upgradeFault(request)
    if (fault !== undefined) this.#refuse(request, socket, fault)
    else if (path === carrierPath) this.#carrier(request, socket, head)
    else if (this.#options.ingressPaths?.has(path)) this.#ingress(path, request, socket, head)
    else this.#refuse(request, socket, new Fault('unknown_service', 'Nothing is served here.'))
  }

  #carrier(request: IncomingMessage, socket: TLSSocket, head: Buffer): void {
    const peer = this.#prove(socket, 'agent')
    if (peer instanceof Fault) {
      this.#refuse(request, socket, peer)
    } else if (!offersProtocol(request, subprotocol)) {
      const spoken = `This relay speaks ${subprotocol}, which the agent does not offer.`
      this.#refuse(request, socket, new Fault('version_unsupported', spoken))
    } else if (this.#carriersOf(peer) >= this.#options.limits.carriersMax) {
      const who = identityName(peer.identity)
      this.#refuse(request, socket, new Fault('overloaded', `${who} has all its carriers already.`))
    } else {
      this.#webSockets.handleUpgrade(request, socket, head, (ws) => {
        ws.on('error', () => {})
        this.#live.add(peer, socket)
        this.#options.onCarrier(peer, ws, socket)
      })
    }
  }

  #carriersOf({ identity }: PeerIdentity): number {
    const name = identityName(identity)
    return this.#live.count((other) => identityName(other.identity) === name)
  }

  #ingress(path: string, request: IncomingMessage, socket: TLSSocket, head: Buffer): void {
    const { onIngress } = this.#options
    if (socket.getPeerX509Certificate() === undefined) {
      return onIngress(path, request, socket, head, undefined)
    }
    const peer = this.#prove(socket, 'client')
    if (peer instanceof Fault) return this.#refuse(request, socket, peer)
    this.#live.add(peer, socket)
    onIngress(path, request, socket, head, peer)
  }

  #prove(socket: TLSSocket, role: Role): PeerIdentity | Fault {
    const { trustDomain } = this.#options
    const proof = proofOf(socket, { trustDomain, role, revoked: this.#revoked })
    return proof instanceof Fault ? proof : ({ ...proof, ...originOf(socket) } as PeerIdentity)
  }

  #refuse(request: IncomingMessage, socket: TLSSocket, fault: Fault): void {
    this.#options.onRefused?.(fault.code)
    refuseRequest(this.#options.log, request, socket, fault)
  }

  #end(code: 'revoked' | 'certificate_expired', peer: PeerIdentity): void {
    const { log, onRevoked, onExpired } = this.#options
    const who = identityName(peer.identity)
    const fault = new Fault(code, `The connection of ${who} ends, as its certificate does.`)
    logFault(log, fault, { peer: who, 'client.address': peer.address })
    try {
      if (code === 'revoked') onRevoked(peer)
      else onExpired(peer)
    } catch (error) {
      logFault(log, error)
    }
  }

  /** Looks at what only time changes. */
  #look(): void {
    this.#live.endExpired(new Date(), (peer) => this.#end('certificate_expired', peer))
    this.handshakes.tell(this.#options.log)
  }

  #guarded(socket: TLSSocket, act: () => void): void {
    try {
      act()
    } catch (error) {
      logFault(this.#options.log, error, { 'client.address': originOf(socket).address })
      socket.destroy()
    }
  }
}
