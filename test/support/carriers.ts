/**
 * Carriers over real TLS on loopback: two that face each other, or one that faces a raw socket.
 *
 * Invariant: `await using` ends the sockets and the server; no port, key or file is fixed.
 */
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { connect, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { WebSocket, WebSocketServer } from 'ws'
import {
  type Carrier,
  type CarrierListener,
  carrierOptions,
  wrapCarrier,
  zeroMask,
} from '../../shared/io/carrier.ts'
import type { Fault } from '../../shared/protocol/fault.ts'
import { subprotocol } from '../../shared/protocol/frame.ts'
import { type Credentials, TestAuthority } from './authority.ts'
import { Eavesdropper, upgradeAnswer, upgradeRequest } from './raw-websocket.ts'
import { within } from './within.ts'

/** One end that is a carrier, with what it says. */
export interface CarrierEnd {
  readonly carrier: Carrier
  readonly socket: TLSSocket
  readonly ws: WebSocket
}

const authority = await TestAuthority.create()
const credentials: Credentials = await authority.issue({ names: ['DNS:relay.test'] })
const serverOptions = { cert: credentials.certificate, key: credentials.key }

/** A listener that keeps everything; overridden methods are called first. */
export class Recorder implements CarrierListener {
  readonly messages: Buffer[] = []
  drains = 0
  faults: Fault[] = []
  readonly #overrides: Partial<CarrierListener>
  #watchers: (() => void)[] = []

  constructor(overrides: Partial<CarrierListener> = {}) {
    this.#overrides = overrides
  }

  message(bytes: Uint8Array): void {
    this.messages.push(Buffer.from(bytes))
    this.#wake()
    this.#overrides.message?.(bytes)
  }

  drained(): void {
    this.drains += 1
    this.#wake()
    this.#overrides.drained?.()
  }

  closed(fault: Fault): void {
    this.faults.push(fault)
    this.#wake()
    this.#overrides.closed?.(fault)
  }

  /** The fault with which the carrier ended. */
  async fault(): Promise<Fault> {
    return await this.until('end of the carrier', () => this.faults[0])
  }

  /** Waits until the condition gives something, looking again at everything that happens. */
  async until<Value>(what: string, condition: () => Value | undefined): Promise<Value> {
    for (;;) {
      const value = condition()
      if (value !== undefined) return value
      await within(what, new Promise<void>((resolve) => this.#watchers.push(resolve)))
    }
  }

  #wake(): void {
    const watchers = this.#watchers
    this.#watchers = []
    for (const watcher of watchers) watcher()
  }
}

/** Sends one message at once. */
export function sendMessage(carrier: Carrier, bytes: Uint8Array): void {
  carrier.place(bytes.length).set(bytes)
  carrier.flush()
}

/** Two carriers that face each other; `masked` has the agent's messages masked by chance. */
export async function carrierPair(
  relayListener: CarrierListener,
  agentListener: CarrierListener,
  options: { readonly masked?: boolean } = {},
): Promise<{ readonly relay: CarrierEnd; readonly agent: CarrierEnd } & AsyncDisposable> {
  const server = await relayServer(relayListener)
  const agentEnd = connectAgent(server.port, agentListener, options.masked)
  const [relay, agent] = await within('two carriers', Promise.all([server.end, agentEnd]))
  return { relay, agent, [Symbol.asyncDispose]: () => server.stop(agent.socket) }
}

/** A relay's carrier that faces a raw client. */
export async function relayAgainstRaw(
  listener: CarrierListener,
): Promise<{ readonly end: CarrierEnd; readonly raw: Eavesdropper } & AsyncDisposable> {
  const server = await relayServer(listener)
  const raw = new Eavesdropper(await connectTls(server.port))
  raw.socket.write(upgradeRequest('/sallyport'))
  await raw.take('\r\n\r\n')
  const end = await within('a carrier', server.end)
  return { end, raw, [Symbol.asyncDispose]: () => server.stop(raw.socket) }
}

/** An agent's carrier that faces a raw server, whose first bytes may come with its answer. */
export async function agentAgainstRaw(
  listener: CarrierListener,
): Promise<
  { readonly end: CarrierEnd; readonly raw: Eavesdropper; readonly tcp: Socket } & AsyncDisposable
> {
  const server = createTlsServer(serverOptions)
  const connection = once(server, 'connection') as Promise<[Socket]>
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>
  const agentEnd = connectAgent((server.address() as AddressInfo).port, listener)
  const raw = new Eavesdropper((await within('a client', accepted))[0])
  raw.socket.write(upgradeAnswer(await raw.take('\r\n\r\n')))
  const end = await within('a carrier', agentEnd)
  return {
    end,
    raw,
    tcp: (await connection)[0],
    async [Symbol.asyncDispose]() {
      end.socket.destroy()
      raw.socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

async function relayServer(listener: CarrierListener) {
  const server = createServer(serverOptions)
  const webSockets = new WebSocketServer({ ...carrierOptions, noServer: true })
  const end = new Promise<CarrierEnd>((resolve) => {
    server.on('upgrade', (request, stream, head) => {
      const socket = stream as TLSSocket
      webSockets.handleUpgrade(request, socket, head, (ws) => {
        resolve({ carrier: wrapCarrier(ws, socket, listener), socket, ws })
      })
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    end,
    port: (server.address() as AddressInfo).port,
    async stop(client: TLSSocket): Promise<void> {
      client.destroy()
      for (const ws of webSockets.clients) ws.terminate()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function connectAgent(
  port: number,
  listener: CarrierListener,
  masked = false,
): Promise<CarrierEnd> {
  const socket = await connectTls(port)
  return await new Promise((resolve, reject) => {
    const ws = new WebSocket('wss://relay.test/sallyport', subprotocol, {
      ...carrierOptions,
      ...(masked ? {} : zeroMask),
      createConnection: () => socket,
    })
    ws.once('error', reject)
    ws.once('open', () => {
      const carrier = wrapCarrier(ws, socket, listener, masked ? 'random' : 'zeros')
      resolve({ carrier, socket, ws })
    })
  })
}

async function connectTls(port: number): Promise<TLSSocket> {
  const options = { host: '127.0.0.1', port, ca: authority.certificate, servername: 'relay.test' }
  const socket = connect(options)
  socket.on('error', () => {})
  await within('TLS', once(socket, 'secureConnect'))
  return socket
}
