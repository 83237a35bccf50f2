/**
 * The one port of the demo for browsers, in plain HTTP on loopback: what NGINX is in production.
 *
 * Invariant: it knows no more of the todo list than a web server in the cloud would: the page and
 * its Socket.IO come through the relay's TCP port, the messages of MQTT and AMQP through the
 * relay's WebSocket paths, over verified TLS. What lies below `/path` is the demo's own, and is
 * there while the relay is dead.
 */
import { once } from 'node:events'
import {
  Agent,
  request as ask,
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http'
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { refuseUpgrade } from '../shared/io/refusal.ts'
import { Fault } from '../shared/protocol/fault.ts'
import { relayName } from './certificates.ts'
import { isLoopbackHost, isSameOrigin } from './web/request.ts'

/** Where the front leads to. */
export interface FrontTargets {
  /** The relay's TCP port for the pages of the todo server. */
  readonly webPort: number
  /** The relay's own port, and the one authority that its certificate may come from. */
  readonly relayPort: number
  readonly authority: string
  /** The paths that the relay serves: `/mqtt`. */
  readonly webSocketPaths: readonly string[]
}

export class Front implements AsyncDisposable {
  readonly #server = createServer({ headersTimeout: 5_000, requestTimeout: 30_000 })
  readonly #upgraded = new Set<Duplex>()
  #targets: FrontTargets | undefined
  #own: RequestListener | undefined

  private constructor() {
    this.#server.on('request', (request, response) => this.#answer(request, response))
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
  }

  /** Listens on a loopback port, 0 for any; whoever comes before `serve` is told to wait. */
  static async open(port: number): Promise<Front> {
    const front = new Front()
    front.#server.listen(port, host)
    await once(front.#server, 'listening')
    return front
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `http://localhost:${this.port}`
  }

  /** Where its pages come from: what the relay and the todo server have to list. */
  get origins(): readonly string[] {
    return [this.url, `http://${host}:${this.port}`]
  }

  /** From now on it leads there. */
  serve(targets: FrontTargets): void {
    this.#targets = targets
  }

  /** From now on this answers for `/path`; undefined for nobody. */
  mount(own: RequestListener | undefined): void {
    this.#own = own
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const socket of this.#upgraded) socket.destroy()
    this.#server.closeAllConnections()
    await closed
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const isReading = request.method === 'GET' || request.method === 'HEAD'
    if (!isLoopbackHost(request.headers)) return refuse(response, 421, 'Ask by a loopback address.')
    if (!isReading && !isSameOrigin(request.headers)) {
      return refuse(response, 403, 'Only a page of this address may do that.')
    }
    const isOwn = /^\/path(?:[/?]|$)/.test(request.url ?? '')
    if (isOwn && this.#own !== undefined) return this.#own(request, response)
    if (isOwn || this.#targets === undefined) return tellToWait(response)
    forward(request, response, this.#targets.webPort)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    const [path = ''] = (request.url ?? '').split('?')
    const targets = this.#targets
    const denied = (what: string): void => refuseUpgrade(socket, new Fault('origin_denied', what))
    if (!isLoopbackHost(request.headers)) return denied('Ask by a loopback address.')
    if (targets?.webSocketPaths.includes(path) === true) {
      // Which pages may use the path is for the relay to say.
      return this.#join(request, socket, head, connectToRelay(targets))
    }
    if (targets === undefined || path !== '/socket.io/') {
      return refuseUpgrade(socket, new Fault('unknown_service', 'There is no WebSocket here.'))
    }
    // Programs that are no pages have no Origin; browsers never leave it out here.
    const isProgram = request.headers.origin === undefined
    if (!isProgram && !isSameOrigin(request.headers)) {
      return denied('Only a page of this address may do that.')
    }
    this.#join(request, socket, head, connectTcp({ host, port: targets.webPort, noDelay: true }))
  }

  /** Passes the request on as it came, and from then on whatever the two say. */
  #join(request: IncomingMessage, near: Duplex, head: Buffer, far: Socket): void {
    far.write(headOf(request))
    far.write(head)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#upgraded.add(from)
      from.pipe(to)
      from.on('error', () => to.destroy())
      from.on('close', () => {
        this.#upgraded.delete(from)
        to.destroy()
      })
    }
  }
}

const host = '127.0.0.1'

/** Each connection is a stream through the tunnel: it is worth keeping for the next file. */
const keeping = new Agent({ keepAlive: true, maxFreeSockets: 8, timeout: 4_000 })

function connectToRelay({ relayPort, authority }: FrontTargets): Socket {
  return connectTls({ host, port: relayPort, servername: relayName, ca: authority })
}

function forward(request: IncomingMessage, response: ServerResponse, port: number): void {
  const { method, url, headers } = request
  const asked = ask({ host, port, method, path: url, headers, agent: keeping, setHost: false })
  asked.once('response', (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
    answer.once('error', () => response.destroy())
  })
  asked.once('error', () => {
    // A connection that was kept may end just when it is used again.
    if (response.headersSent) response.destroy()
    else if (asked.reusedSocket && method === 'GET') forward(request, response, port)
    else tellToWait(response)
  })
  response.once('close', () => asked.destroy())
  request.pipe(asked)
}

/** The first lines of the request, as they were. */
function headOf({ method, url, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/1.1`]
  for (let at = 0; at < rawHeaders.length; at += 2) {
    lines.push(`${rawHeaders[at]}: ${rawHeaders[at + 1]}`)
  }
  return `${lines.join('\r\n')}\r\n\r\n`
}

function refuse(response: ServerResponse, status: number, why: string): void {
  response.writeHead(status, { 'content-type': 'text/plain', connection: 'close' })
  response.end(`${why}\n`)
}

/** A browser asks again by itself. */
function tellToWait(response: ServerResponse): void {
  response.setHeader('refresh', '1')
  refuse(response, 503, 'The way to the todo list is not there now. This page tries again.')
}
