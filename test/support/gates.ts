/**
 * An open gate with an authority of its own, and ways to come to it, good and bad.
 *
 * Invariant: `await using` closes the gate and every socket; nothing is shared between stands.
 */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { type Gate, type GateOptions, openGate, type PeerIdentity } from '../../relay/gate.ts'
import { type Carrier, wrapCarrier } from '../../shared/io/carrier.ts'
import { createLog } from '../../shared/io/log.ts'
import { refuseUpgrade } from '../../shared/io/refusal.ts'
import { Fault } from '../../shared/protocol/fault.ts'
import { type CertificateWish, type Credentials, TestAuthority } from './authority.ts'
import { Recorder } from './carriers.ts'
import { Eavesdropper, upgradeRequest } from './raw-websocket.ts'
import { within } from './within.ts'

/** A carrier that came through the gate. */
export interface Arrival {
  readonly peer: PeerIdentity
  readonly carrier: Carrier
  readonly listener: Recorder
  readonly socket: TLSSocket
}

/** An upgrade on a path for consumers. */
export interface IngressArrival {
  readonly path: string
  readonly request: IncomingMessage
  readonly socket: TLSSocket
  readonly head: Buffer
  readonly peer: PeerIdentity | undefined
}

/** What a gate of a test bounds, unless the test says otherwise. */
export const gateLimits = {
  pendingHandshakesMax: 256,
  pendingPerSourceMax: 256,
  handshakeTimeoutMs: 5_000,
  connectionsMax: 1_000,
  carriersMax: 255,
}

/** The gate and what came to it. */
export class GateStand implements AsyncDisposable {
  readonly gate: Gate
  readonly authority: TestAuthority
  readonly arrivals: Arrival[]
  readonly ingress: IngressArrival[]
  readonly ended: (readonly [code: 'revoked' | 'expired', peer: PeerIdentity])[]
  readonly #lines: () => string
  readonly #nextLine: () => Promise<unknown>
  readonly #clients = new Set<Socket>()

  private constructor(gate: Gate, authority: TestAuthority, seen: Seen) {
    this.gate = gate
    this.authority = authority
    this.arrivals = seen.arrivals
    this.ingress = seen.ingress
    this.ended = seen.ended
    this.#lines = seen.lines
    this.#nextLine = seen.nextLine
  }

  /** Opens a gate on a port of its own; `/mqtt` leads to consumers. */
  static async open(options: Partial<GateOptions> = {}): Promise<GateStand> {
    const authority = await TestAuthority.create()
    const relay = await authority.issue({
      names: ['DNS:relay.test', 'URI:spiffe://test/relay/relay'],
    })
    const seen = watch()
    const gate = await openGate({
      listen: { host: '127.0.0.1', port: 0 },
      credentials: { ...relay, authority: authority.certificate },
      trustDomain: 'test',
      revoked: new Set(),
      ingressPaths: new Set(['/mqtt']),
      limits: gateLimits,
      ...seen.options,
      ...options,
    })
    return new GateStand(gate, authority, seen)
  }

  get port(): number {
    return this.gate.address.port
  }

  /** What was logged so far, as JSON lines. */
  get log(): string {
    return this.#lines()
  }

  /** A certificate for the agent of this name, or with what the test wishes instead. */
  async agent(name = 'plant-1', wish: CertificateWish = {}): Promise<Credentials> {
    return await this.authority.issue({ names: [`URI:spiffe://test/agent/${name}`], ...wish })
  }

  /** A TLS connection that nobody asks for its name, with the certificate or without one. */
  async connect(shown?: Credentials, options: ConnectionOptions = {}): Promise<Eavesdropper> {
    const socket = connect({
      host: '127.0.0.1',
      port: this.port,
      ca: this.authority.certificate,
      servername: 'relay.test',
      ...(shown === undefined ? {} : { cert: shown.certificate, key: shown.key }),
      ...options,
    })
    this.#clients.add(socket)
    const heard = new Eavesdropper(socket)
    const secured = once(socket, 'secureConnect')
    await within('TLS', secured)
    return heard
  }

  /** Sends an upgrade request: the first line of the answer, and the body of a refusal. */
  async upgrade(
    shown?: Credentials,
    path = '/sallyport',
    headers: Readonly<Record<string, string | undefined>> = {},
  ): Promise<{
    readonly status: number
    readonly code: string | undefined
    readonly head: string
  }> {
    const heard = await this.connect(shown)
    heard.socket.write(upgradeRequest(path, headers))
    return await answerOf(heard)
  }

  /** Resolves when a line with this text has been logged. */
  async logs(text: string): Promise<void> {
    while (!this.log.includes(text)) await this.#nextLine()
  }

  /** The lines of the log with this code. */
  logged(code: string): readonly Readonly<Record<string, unknown>>[] {
    return this.log
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
      .filter((event) => event.code === code)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.destroy()
    await this.gate[Symbol.asyncDispose]()
  }
}

/** The answer to an upgrade request: its status, and the code of a refusal. */
export async function answerOf(
  heard: Eavesdropper,
): Promise<{ readonly status: number; readonly code: string | undefined; readonly head: string }> {
  const head = await heard.take('\r\n\r\n')
  const status = Number(head.slice(9, 12))
  if (status === 101) return { status, code: undefined, head }
  await within('end of the refusal', heard.gone)
  const body = heard.heard.toString('utf8')
  const { code } = (body === '' ? {} : JSON.parse(body)) as { readonly code?: string }
  return { status, code, head }
}

type Seen = ReturnType<typeof watch>

function watch() {
  const arrivals: Arrival[] = []
  const ingress: IngressArrival[] = []
  const ended: (readonly [code: 'revoked' | 'expired', peer: PeerIdentity])[] = []
  const stream = new PassThrough()
  let written = ''
  stream.on('data', (text: Buffer) => {
    written += text.toString('utf8')
  })
  const options: Pick<GateOptions, 'log' | 'onCarrier' | 'onIngress' | 'onRevoked' | 'onExpired'> =
    {
      log: createLog({ level: 'debug', format: 'json', stream }),
      onCarrier(peer, ws, socket) {
        const listener = new Recorder()
        arrivals.push({ peer, carrier: wrapCarrier(ws, socket, listener), listener, socket })
      },
      onIngress(path, request, socket, head, peer) {
        ingress.push({ path, request, socket, head, peer })
        refuseUpgrade(socket, new Fault('no_agent'))
      },
      onRevoked: (peer) => ended.push(['revoked', peer]),
      onExpired: (peer) => ended.push(['expired', peer]),
    }
  const nextLine = (): Promise<unknown> => once(stream, 'data')
  return { arrivals, ingress, ended, options, lines: () => written, nextLine }
}
