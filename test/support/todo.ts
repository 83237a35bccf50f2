/**
 * The todo application in a test: brokers of its own, a server in this process, and clients that
 * come as browsers come, over WebSockets.
 *
 * Invariant: nothing is shared between tests and nothing outlives one; each wait is bounded.
 */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Aedes } from 'aedes'
import test, { type ExecutionContext } from 'ava'
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
import { freePort } from './ports.ts'
import { type ProgramName, serialTestWith } from './program.ts'
import { FaultyProxy } from './proxy.ts'
import { temporaryFolder } from './temporary.ts'
import { within } from './within.ts'

/** Something to carry the events: Socket.IO alone, or a broker. */
export const carriers = ['socket.io', 'embedded', 'mosquitto', 'rabbitmq'] as const
export type Carrier = (typeof carriers)[number]

/**
 * Declares a test on each of these carriers, where its broker is installed. They run one after the
 * other, and those on RabbitMQ share one, for it starts slowly.
 */
export function testOnEach(
  title: string,
  play: (t: ExecutionContext, place: Place) => Promise<void>,
  on: readonly Carrier[] = carriers,
): void {
  for (const carrier of on) {
    serialTestWith(...programsOf(carrier))(`${carrier}: ${title}`, async (t) => {
      if (carrier === 'rabbitmq') {
        rabbit ??= openPlace(carrier)
        await play(t, await rabbit)
      } else {
        await using place = await openPlace(carrier)
        await play(t, place)
      }
    })
  }
}

let rabbit: Promise<Place> | undefined
test.after.always(async () => await (await rabbit)?.[Symbol.asyncDispose]())

function programsOf(carrier: Carrier): readonly ProgramName[] {
  switch (carrier) {
    case 'socket.io':
    case 'embedded':
      return []
    case 'mosquitto':
      return ['mosquitto']
    case 'rabbitmq':
      return ['rabbitmq-server']
    default:
      return carrier satisfies never
  }
}

/** Something that listens on a port. */
export interface Listening extends AsyncDisposable {
  readonly port: number
}

/** A broker, and how it is started again after it was ended. */
interface TestBroker extends Listening {
  again(): Promise<TestBroker>
}

/** Where a server and its clients meet. */
export interface Place extends AsyncDisposable {
  readonly carrier: Carrier
  /** What the server connects to, or listens on. */
  readonly serverUrl: string
  /** What clients connect to. */
  readonly clientUrl: string
  readonly brokerPort: number
  /** Ends the broker, and starts it again at the same place, as it was or with no memory. */
  restartBroker(): Promise<void>
}

/** Starts the broker, if the carrier has one. */
async function startBroker(carrier: Carrier): Promise<TestBroker> {
  const again = async (): Promise<TestBroker> => await startBroker(carrier)
  switch (carrier) {
    case 'socket.io':
      return { port: 0, again, async [Symbol.asyncDispose]() {} }
    case 'embedded':
      return { again, ...(await startEmbedded()) }
    case 'mosquitto': {
      const mosquitto = await startMosquitto()
      const { port } = mosquitto
      return { port, again, [Symbol.asyncDispose]: () => mosquitto[Symbol.asyncDispose]() }
    }
    case 'rabbitmq':
      return await startRabbit()
    default:
      return carrier satisfies never
  }
}

/** RabbitMQ keeps what is durable on its disk: its folder goes with the last of its lives. */
async function startRabbit(): Promise<TestBroker> {
  await using starting = new AsyncDisposableStack()
  const { path } = starting.use(await temporaryFolder())
  const processes = starting.use(new Processes(path, new AbortController().signal))
  let life = await startRabbitMq(processes, path)
  const running = starting.move()
  const broker: TestBroker = {
    port: life.port,
    async again() {
      await life.process.kill()
      life = await life.again()
      return broker
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
  return broker
}

/** Opens a place: a broker and a way for WebSockets to it, or a port for Socket.IO. */
export async function openPlace(carrier: Carrier): Promise<Place> {
  await using opening = new AsyncDisposableStack()
  let broker = await startBroker(carrier)
  opening.defer(async () => await broker[Symbol.asyncDispose]())
  const isHttp = carrier === 'socket.io'
  const way = opening.use(await FaultyProxy.before(broker.port))
  const bridge = opening.use(await bridgeTo(way.port))
  // A port that is not yet listened on is looked for last, so that nothing here takes it.
  if (isHttp) way.targetPort = await freePort()
  const port = way.targetPort
  const scheme = carrier === 'rabbitmq' ? 'amqp' : 'mqtt'
  const open = opening.move()
  return {
    carrier,
    brokerPort: way.port,
    serverUrl: isHttp ? `http://127.0.0.1:${port}` : `${scheme}://127.0.0.1:${way.port}`,
    clientUrl: isHttp ? `http://127.0.0.1:${way.port}` : `ws://127.0.0.1:${bridge.port}/`,
    async restartBroker() {
      if (carrier !== 'rabbitmq') await broker[Symbol.asyncDispose]()
      broker = await broker.again()
      way.targetPort = broker.port
      way.cut()
    },
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
  { carrier, serverUrl }: Pick<Place, 'carrier' | 'serverUrl'>,
  log: Log = recordedLog().log,
): Facade {
  // Socket.IO ends it with itself; the others leave it alone.
  const http = createHttpServer()
  if (carrier === 'socket.io') http.listen(Number(new URL(serverUrl).port), '127.0.0.1')
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
    async until(what, isSo, deadlineMs) {
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
  place: Pick<Place, 'carrier' | 'serverUrl'>,
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
export async function bridgeTo(port: number): Promise<Listening> {
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

async function startEmbedded(): Promise<Listening> {
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
