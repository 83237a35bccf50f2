/**
 * Ingress `websocket`: a path of the relay that leads to one service, for browsers and other
 * clients that speak a TCP protocol in WebSocket messages.
 *
 * Invariant: an Origin that is not listed is refused with 403 before a byte reaches the target
 * (W11). The bytes of messages are the stream, text or binary; where a message ends means
 * nothing. A WebSocket has no half-close: 1000 and 1001 are its FIN, anything else is a reset.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type RawData, WebSocket, WebSocketServer } from 'ws'
import { refuseUpgrade } from '../../shared/io/refusal.ts'
import type { SplicedEnd } from '../../shared/io/splice.ts'
import { Fault, type FaultCode, isRetryable } from '../../shared/protocol/fault.ts'
import type { Local } from '../../shared/protocol/stream.ts'
import type { Client, Consumers } from './index.ts'

/** The longest message of a client; a browser's MQTT packet or AMQP frame is far shorter. */
export const messageBytesMax = 1_048_576

const server = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false,
  maxPayload: messageBytesMax,
  maxFragments: 1_024,
  maxBufferedChunks: 4_096,
  // What a broker calls its protocol over WebSocket is between it and its client.
  handleProtocols: (offered) => offered.values().next().value ?? false,
})

export interface WebSocketPath {
  readonly service: string
  /** Exact origins of the pages that may use the path. */
  readonly origins: readonly string[]
}

/**
 * Why this request may not come in, or undefined: only pages say an Origin, and they must be
 * listed.
 */
export function originFault(
  request: IncomingMessage,
  { origins }: WebSocketPath,
): Fault | undefined {
  const { origin } = request.headers
  if (origin === undefined || origins.includes(origin)) return undefined
  return new Fault('origin_denied', `Pages of ${JSON.stringify(origin)} may not use this service.`)
}

/** Takes a consumer in, or refuses it. */
export function enterWebSocket(
  consumers: Consumers,
  path: WebSocketPath,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  who: { readonly from: string; readonly client: Client },
): void {
  const fault = originFault(request, path)
  if (fault !== undefined) {
    consumers.turnedAway(path.service, who.client, fault)
    return refuseUpgrade(socket, fault)
  }
  server.handleUpgrade(request, socket, head, (ws) => {
    const splice = new WebSocketSplice(ws, () => consumers.left())
    try {
      splice.bind(consumers.enter({ service: path.service, ...who, local: splice }))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      consumers.turnedAway(path.service, who.client, error)
      splice.reset(error.code)
    }
  })
}

/** One WebSocket joined to one end. */
class WebSocketSplice implements Local {
  readonly #ws: WebSocket
  readonly #onClosed: () => void
  #end: SplicedEnd | undefined
  #over = false

  constructor(ws: WebSocket, onClosed: () => void) {
    this.#ws = ws
    this.#onClosed = onClosed
    ws.pause()
    ws.on('error', () => {})
    ws.on('message', this.#read)
    ws.on('close', this.#closedSocket)
  }

  bind(end: SplicedEnd): void {
    this.#end = end
  }

  opened(): void {
    this.#ws.resume()
  }

  deliver(bytes: Uint8Array): void {
    if (this.#ws.readyState !== WebSocket.OPEN) {
      // The client has closed both directions at once: what comes for it now is dropped.
      setImmediate(() => this.#took(bytes.length))
      return
    }
    this.#ws.send(bytes, { binary: true }, (error) => {
      if (!error) this.#took(bytes.length)
    })
  }

  finish(): void {
    this.#ws.close(1000)
    setImmediate(() => {
      if (this.#over) return
      this.#end?.takenFinish()
      // What the client says after this is dropped, as its close will say that nothing follows.
      this.#end?.finish()
    })
  }

  room(): void {
    if (this.#ws.isPaused) this.#ws.resume()
  }

  reset(code: FaultCode): void {
    this.#ws.resume()
    // 1013: try again later (IANA registry of RFC 6455); 1011: it cannot be served.
    this.#ws.close(isRetryable(code) ? 1013 : 1011, code)
  }

  closed(): void {
    this.#over = true
    this.#onClosed()
    if (this.#ws.readyState === WebSocket.OPEN) this.#ws.close(1000)
  }

  readonly #read = (data: RawData): void => {
    if (this.#over || this.#end === undefined || !(data instanceof Uint8Array)) return
    if (data.length === 0) return
    this.#end.write(data)
    if (this.#end.room() === 0) this.#ws.pause()
  }

  readonly #closedSocket = (code: number): void => {
    if (this.#over) return
    if (code === 1000 || code === 1001 || code === 1005) this.#end?.finish()
    else this.#end?.abort()
  }

  #took(count: number): void {
    if (!this.#over) this.#end?.taken(count)
  }
}
