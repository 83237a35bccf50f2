/**
 * The todo application in a test: brokers of its own, a server in this process, and clients that
 * come as browsers come, over WebSockets.
 *
 * Invariant: nothing is shared between tests and nothing outlives one; each wait is bounded.
 */
import { once } from 'node:events'
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http'
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Aedes } from 'aedes'
import { createWebSocketStream, WebSocketServer } from 'ws'
import { startRabbitMq } from '../../demo/brokers/rabbitmq.ts'
import { Processes } from '../../demo/processes.ts'
import { connectAmqp } from '../../demo/todo/bus/amqp.ts'
import type { Bus } from '../../demo/todo/bus/bus.ts'
import { connectMqtt } from '../../demo/todo/bus/mqtt.ts'
import { connectSocketIo } from '../../demo/todo/bus/socket-io.ts'
import { connect as connectAmqpFacade } from '../../demo/todo/facade/amqp.ts'
import type { Connect, Facade } from '../../demo/todo/facade/facade.ts'
import { connect as connectMqttFacade } from '../../demo/todo/facade/mqtt.ts'
import { connect as connectSocketIoFacade } from '../../demo/todo/facade/socket-io.ts'
import { TodoServer } from '../../demo/todo/server.ts'
import { SharedList, type View } from '../../demo/todo/shared-list.ts'
import { Store } from '../../demo/todo/store.ts'
import { createLog, type Log } from '../../shared/io/log.ts'
import { startMosquitto } from './mosquitto.ts'
import { testWith } from './program.ts'
import { temporaryFolder } from './temporary.ts'
import { within } from './within.ts'

/** Something to carry the events: Socket.IO alone, or a broker. */
export const carriers = ['socket.io', 'embedded', 'mosquitto', 'rabbitmq'] as const
export type Carrier = (typeof carriers)[number]

/** Declares tests that run only where the carrier's broker is installed. */
export function testOn(carrier: Carrier): ReturnType<typeof testWith> {
  switch (carrier) {
    case 'socket.io':
    case 'embedded':
      return testWith()
    case 'mosquitto':
      return testWith('mosquitto')
    case 'rabbitmq':
      return testWith('rabbitmq-server')
    default:
      return carrier satisfies never
  }
}

/** A broker, and the port that it listens on. */
export interface TestBroker extends AsyncDisposable {
  readonly port: number
}

/** Where a server and its clients meet. */
export interface Place extends AsyncDisposable {
  readonly carrier: Carrier
  readonly http: HttpServer
  /** What the server connects to; the port is that of the broker, or of a way to it. */
  readonly serverUrl: string
  /** What clients connect to. */
  readonly clientUrl: string
  readonly brokerPort: number
}

/** Starts the broker, if the carrier has one. */
export async function startBroker(carrier: Carrier): Promise<TestBroker> {
  switch (carrier) {
    case 'socket.io':
      return { port: 0, async [Symbol.asyncDispose]() {} }
    case 'embedded':
      return await startEmbedded()
    case 'mosquitto':
      return await startMosquitto()
    case 'rabbitmq': {
      await using starting = new AsyncDisposableStack()
      const { path } = starting.use(await temporaryFolder())
      const processes = starting.use(new Processes(path, new AbortController().signal))
      const { port } = await startRabbitMq(processes, path)
      const running = starting.move()
      return { port, [Symbol.asyncDispose]: () => running.disposeAsync() }
    }
    default:
      return carrier satisfies never
  }
}

/** Opens a place: broker, a way for WebSockets to it, and an HTTP server for Socket.IO. */
export async function openPlace(carrier: Carrier): Promise<Place> {
  await using opening = new AsyncDisposableStack()
  const { port: brokerPort } = opening.use(await startBroker(carrier))
  const http = createHttpServer()
  const httpPort = await listening(http)
  opening.defer(() => closed(http))
  const isHttp = carrier === 'socket.io'
  const bridge = isHttp ? undefined : opening.use(await bridgeTo(brokerPort))
  const scheme = carrier === 'rabbitmq' ? 'amqp' : 'mqtt'
  const open = opening.move()
  return {
    carrier,
    http,
    brokerPort,
    serverUrl: isHttp ? `http://127.0.0.1:${httpPort}` : `${scheme}://127.0.0.1:${brokerPort}`,
    clientUrl: isHttp ? `http://127.0.0.1:${httpPort}` : `ws://127.0.0.1:${bridge?.port}/`,
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

/** The server's side of each carrier. */
export const facades: Readonly<Record<Carrier, Connect>> = {
  'socket.io': connectSocketIoFacade,
  embedded: connectMqttFacade,
  mosquitto: connectMqttFacade,
  rabbitmq: connectAmqpFacade,
}

/** Opens the facade of the place. */
export function openFacade(
  { carrier, serverUrl, http }: Pick<Place, 'carrier' | 'serverUrl' | 'http'>,
  log: Log = recordedLog().log,
): Facade {
  return facades[carrier]({ url: serverUrl, http, log })
}

/** Opens a client's bus, as a page would. */
export function openBus({ carrier, clientUrl: url }: Place, clientId: string): Bus {
  switch (carrier) {
    case 'socket.io':
      return connectSocketIo({ url, clientId })
    case 'embedded':
    case 'mosquitto':
      return connectMqtt({ url, clientId })
    case 'rabbitmq':
      return connectAmqp({ url, clientId })
    default:
      return carrier satisfies never
  }
}

/** A client with its list. */
export interface TestClient extends AsyncDisposable {
  readonly bus: Bus
  readonly list: SharedList
  /** Waits until the view is so. */
  until(what: string, isSo: (view: View) => boolean, deadlineMs?: number): Promise<View>
}

/** A client that shows the list. */
export function openClient(place: Place, clientId: string): TestClient {
  return clientOn(openBus(place, clientId))
}

/** A client on a bus of the test's own. */
export function clientOn(bus: Bus): TestClient {
  const list = new SharedList(bus)
  return {
    bus,
    list,
    async until(what, isSo, deadlineMs = 10_000) {
      const { promise, resolve } = Promise.withResolvers<View>()
      const look = (view: View): void => {
        if (isSo(view)) resolve(view)
      }
      list.onChange(look)
      look(list.view)
      try {
        return await within(`${bus.clientId}: ${what}`, promise, deadlineMs)
      } catch (cause) {
        throw new Error(`${bus.clientId} shows ${JSON.stringify(list.view)}`, { cause })
      }
    },
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  }
}

/** A server in this process, on a folder that may outlive it. */
export async function startServer(
  place: Pick<Place, 'carrier' | 'serverUrl' | 'http'>,
  folder: string,
  { log = recordedLog().log, leaseMs = 10_000, readyMs = 1_000 } = {},
): Promise<TodoServer> {
  const facade = openFacade(place, log)
  const store = new Store(join(folder, 'todo.json'))
  return await TodoServer.start({ facade, store, log, leaseMs, readyMs })
}

/** A log that a test reads. */
export interface RecordedLog {
  readonly log: Log
  readonly records: readonly Readonly<Record<string, unknown>>[]
  /** The first record of which this is so. */
  until(
    what: string,
    isSo: (record: Readonly<Record<string, unknown>>) => boolean,
  ): Promise<Readonly<Record<string, unknown>>>
}

/** Opens such a log. */
export function recordedLog(): RecordedLog {
  const records: Readonly<Record<string, unknown>>[] = []
  const stream = new PassThrough()
  const watchers = new Set<() => void>()
  stream.on('data', (line: Buffer) => {
    for (const text of line.toString().trim().split('\n')) records.push(JSON.parse(text))
    for (const watch of watchers) watch()
  })
  return {
    log: createLog({ stream, format: 'json', level: 'debug' }),
    records,
    async until(what, isSo) {
      const { promise, resolve } = Promise.withResolvers<Readonly<Record<string, unknown>>>()
      const look = (): void => {
        const found = records.find(isSo)
        if (found !== undefined) resolve(found)
      }
      watchers.add(look)
      look()
      return await within(`log of ${what}`, promise)
    },
  }
}

/** A WebSocket server in front of a TCP port, as the tunnel is one; it takes what is offered. */
export async function bridgeTo(port: number): Promise<TestBroker> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  server.on('connection', (webSocket) => {
    const near = createWebSocketStream(webSocket)
    const far = connectTcp(port, '127.0.0.1')
    near.pipe(far).pipe(near)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
    far.on('close', () => near.destroy())
    near.on('close', () => far.destroy())
  })
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) client.terminate()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function startEmbedded(): Promise<TestBroker> {
  const broker = await Aedes.createBroker()
  const server = createServer(broker.handle)
  const port = await listening(server)
  return {
    port,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => broker.close(resolve))
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function listening(server: ReturnType<typeof createServer>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function closed(server: HttpServer): Promise<void> {
  server.closeAllConnections()
  if (server.listening) await new Promise((resolve) => server.close(resolve))
}
