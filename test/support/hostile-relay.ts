/**
 * A captured relay: it has the relay's own certificate and key, and says what a test wants.
 *
 * Invariant: agents come to it as to the relay that it has taken the place of; leaving the scope of
 * `await using` ends it and every carrier.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { authorityPaths, pairPaths } from '../../certs/store.ts'
import { type FrameOf, protocolVersion, subprotocol } from '../../shared/protocol/frame.ts'
import { FrameSocket } from './frame-socket.ts'
import type { Tunnel } from './tunnel.ts'
import { within } from './within.ts'

let sessions = 0

/** A WELCOME that no agent objects to, but for what the test changes. */
export function welcomeFrame(change: Partial<FrameOf<'welcome'>> = {}): FrameOf<'welcome'> {
  sessions += 1
  return {
    kind: 'welcome',
    version: protocolVersion,
    life: '6361707475726564',
    session: sessions.toString(16).padStart(16, '0'),
    resumed: false,
    routes: 0,
    resumeWindowMs: 90_000,
    livenessMs: 10_000,
    streamsMax: 1_000,
    carriersMax: 1,
    attributes: [],
    ...change,
  }
}

/** The relay; `await using relay = await HostileRelay.start(tunnel)`. */
export class HostileRelay implements AsyncDisposable {
  readonly #server: Server
  readonly #carriers = new Set<FrameSocket>()
  readonly #waiting: FrameSocket[] = []
  #takers: ((carrier: FrameSocket) => void)[] = []

  private constructor(server: Server) {
    this.#server = server
    const handleProtocols = (): string => subprotocol
    new WebSocketServer({ server, perMessageDeflate: false, handleProtocols }).on(
      'connection',
      (ws) => {
        const carrier = new FrameSocket(ws)
        this.#carriers.add(carrier)
        void carrier.closed.then(() => this.#carriers.delete(carrier))
        const take = this.#takers.shift()
        if (take === undefined) this.#waiting.push(carrier)
        else take(carrier)
      },
    )
  }

  /** Starts it on a port of its own, with the certificate of the tunnel's relay. */
  static async start({ store }: Pick<Tunnel, 'store'>): Promise<HostileRelay> {
    const { certificateFile, keyFile } = pairPaths(store, 'relay', 'localhost')
    const server = createServer({
      cert: await readFile(certificateFile, 'utf8'),
      key: await readFile(keyFile, 'utf8'),
      ca: await readFile(authorityPaths(store).certificateFile, 'utf8'),
      requestCert: true,
      minVersion: 'TLSv1.3',
    })
    const relay = new HostileRelay(server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return relay
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** The next carrier that nobody has taken yet, before its HELLO. */
  async next(): Promise<FrameSocket> {
    const first = this.#waiting.shift()
    if (first !== undefined) return first
    const taken = new Promise<FrameSocket>((resolve) => this.#takers.push(resolve))
    return await within('carrier of the agent', taken)
  }

  /** The same, once its HELLO was answered: the agent believes to be at home. */
  async welcomed(change?: Partial<FrameOf<'welcome'>>): Promise<FrameSocket> {
    const carrier = await this.next()
    await carrier.take('hello')
    carrier.send(welcomeFrame(change))
    await carrier.take('services')
    return carrier
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    for (const carrier of this.#carriers) carrier[Symbol.dispose]()
    await once(this.#server, 'close')
  }
}
