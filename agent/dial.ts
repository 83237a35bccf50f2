/**
 * One attempt to reach a relay: name, TCP, TLS 1.3, WebSocket.
 *
 * Invariant: it ends within its deadline, with a carrier or with a `Fault` that says how far it
 * came, and leaves no socket behind. Nothing is shared between attempts, neither a TLS session nor
 * a connection (CVE-2026-48934); the relay has proved its name and role before a byte is sent.
 */
import { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { TcpNetConnectOpts } from 'node:net'
import { connect, createSecureContext, type TLSSocket } from 'node:tls'
import { WebSocket } from 'ws'
import {
  type Carrier,
  type CarrierListener,
  carrierOptions,
  wrapCarrier,
  zeroMask,
} from '../shared/io/carrier.ts'
import type { HostPort } from '../shared/io/config/values.ts'
import { dialFault, placeText } from '../shared/io/network-fault.ts'
import { readRefusal, refusalBytesMax } from '../shared/io/refusal.ts'
import { agentTls, type TlsCredentials } from '../shared/io/tls.ts'
import { Fault } from '../shared/protocol/fault.ts'
import { subprotocol } from '../shared/protocol/frame.ts'

/** What one attempt needs. */
export interface DialOptions {
  readonly relay: HostPort
  /** The trust domain of agent and relay. */
  readonly trustDomain: string
  readonly credentials: TlsCredentials
  /** Who holds the carrier; it hears nothing before `dial` has given the carrier. */
  readonly listener: CarrierListener
  /** Ends the attempt; once there is a carrier it means nothing any more. */
  readonly signal: AbortSignal
  /** How long everything together may take; 10 s by default. */
  readonly deadlineMs?: number
  /** True to mask what is sent as RFC 6455 (5.3) has it, for a proxy that reads TLS and insists. */
  readonly masked?: boolean
}

/** How far an attempt has come. */
type Step = 'resolve' | 'connect' | 'secure' | 'upgrade'

/** The longest header of an answer, in bytes. */
const headerBytesMax = 8_192
/** When the next address of a name is tried; node's 250 ms give up on every far continent. */
const addressTimeoutMs = 1_000

/**
 * Dials once. Throws `carrier_unreachable`, `tls_intercepted`, `clock_wrong`, `certificate_…`,
 * `role_wrong`, `identity_invalid` or `carrier_refused` (with the relay's own fault as its cause),
 * or the signal's reason.
 */
export async function dial(options: DialOptions): Promise<Carrier> {
  const { signal, deadlineMs = 10_000 } = options
  signal.throwIfAborted()
  return await new Attempt(options, deadlineMs).run()
}

class Attempt {
  readonly #options: DialOptions
  readonly #deadlineMs: number
  readonly #result = Promise.withResolvers<Carrier>()
  #step: Step = 'resolve'

  constructor(options: DialOptions, deadlineMs: number) {
    this.#options = options
    this.#deadlineMs = deadlineMs
  }

  async run(): Promise<Carrier> {
    const { signal } = this.#options
    const socket = this.#connect()
    const abort = (): void => this.#result.reject(signal.reason)
    const deadline = setTimeout(() => this.#result.reject(this.#tooLate()), this.#deadlineMs)
    signal.addEventListener('abort', abort, { once: true })
    try {
      return await this.#result.promise
    } catch (error) {
      socket.destroy()
      throw error
    } finally {
      clearTimeout(deadline)
      signal.removeEventListener('abort', abort)
    }
  }

  #connect(): TLSSocket {
    const { relay, credentials, trustDomain } = this.#options
    const options = agentTls(credentials, { host: relay.host, trustDomain })
    let secureContext: ReturnType<typeof createSecureContext>
    try {
      secureContext = createSecureContext(options)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      const message = `This agent's own certificate and key are of no use: ${why}.`
      throw new Fault('certificate_invalid', message, { cause })
    }
    const place: TcpNetConnectOpts = {
      host: relay.host,
      port: relay.port,
      autoSelectFamilyAttemptTimeout: addressTimeoutMs,
    }
    const socket = connect({ ...options, ...place, secureContext })
    let shown: X509Certificate | undefined
    socket.once('lookup', () => this.#advance('connect'))
    socket.once('connect', () => this.#advance('secure'))
    // Looked at before node judges it, for a certificate that fails is gone with its socket.
    socket.prependOnceListener('secure', () => {
      shown = certificateShown(socket)
    })
    socket.once('secureConnect', () => {
      this.#advance('upgrade')
      this.#upgrade(socket)
    })
    socket.on('error', (error) => {
      const isAnswer = this.#step === 'upgrade'
      this.#result.reject(isAnswer ? this.#badAnswer(error) : dialFault(error, relay, { shown }))
    })
    return socket
  }

  #upgrade(socket: TLSSocket): void {
    const { relay, listener, masked = false } = this.#options
    const ws = new WebSocket(`wss://${placeText(relay)}/sallyport`, subprotocol, {
      ...carrierOptions,
      ...(masked ? {} : zeroMask),
      maxHeaderSize: headerBytesMax,
      createConnection: () => socket,
    })
    ws.on('error', (error) => this.#result.reject(this.#badAnswer(error)))
    ws.on('unexpected-response', (_, response) => this.#readRefusal(response))
    ws.once('open', () => {
      // What came with the answer waits until whoever awaits this attempt has the carrier.
      ws.pause()
      setImmediate(() => ws.resume())
      this.#result.resolve(wrapCarrier(ws, socket, listener, masked ? 'random' : 'zeros'))
    })
  }

  /** Reads as much of a refusal as a relay would send. */
  #readRefusal(response: IncomingMessage): void {
    const place = placeText(this.#options.relay)
    let body = ''
    const finish = (): void =>
      this.#result.reject(readRefusal(response.statusCode ?? 0, body, place))
    response.setEncoding('utf8')
    response.on('data', (text: string) => {
      body += text
      if (body.length > refusalBytesMax) finish()
    })
    response.once('end', finish)
    response.once('error', finish)
  }

  #advance(step: Step): void {
    this.#step = step
  }

  #badAnswer(error: Error): Fault {
    const { relay } = this.#options
    const isCut = 'code' in error && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
    if (isCut || error instanceof Fault) return dialFault(error, relay)
    const message = `${placeText(relay)} does not answer as a relay does: ${error.message}.`
    return new Fault('carrier_refused', message, { cause: error })
  }

  #tooLate(): Fault {
    const { relay } = this.#options
    const place = placeText(relay)
    const within = `within ${this.#deadlineMs / 1_000} s`
    const sentences: Readonly<Record<Step, string>> = {
      resolve: `No name server answers for ${relay.host} ${within}. Check this machine's DNS.`,
      connect:
        `${place} does not answer ${within}: a firewall drops it. ` +
        `Ask for outbound TCP ${relay.port}.`,
      secure: `${place} takes the connection, but does not answer in TLS ${within}.`,
      upgrade: `${place} speaks TLS, but does not answer the WebSocket request ${within}.`,
    }
    return new Fault('carrier_unreachable', sentences[this.#step])
  }
}

/** The leaf that the relay shows. `getPeerX509Certificate` would take it out of the chain. */
function certificateShown(socket: TLSSocket): X509Certificate | undefined {
  const { raw } = socket.getPeerCertificate() as { readonly raw?: Buffer }
  try {
    return raw === undefined ? undefined : new X509Certificate(raw)
  } catch {
    return undefined
  }
}
