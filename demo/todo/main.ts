/**
 * The process of the todo server, on premises: the server behind its transport, and the page at an
 * HTTP port.
 *
 * Invariant: what is wrong with its options or its folder is said before anything is opened; from
 * `todo server ready` on clients can come. A broker that is away is waited for.
 */
import { mkdir } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify from 'fastify'
import type { HostPort } from '../../shared/io/config/values.ts'
import { createLog } from '../../shared/io/log.ts'
import { listenFault } from '../../shared/io/network-fault.ts'
import { untilSignal } from '../../shared/io/process.ts'
import { Fault } from '../../shared/protocol/fault.ts'
import { assets } from './assets.ts'
import { connect as connectAmqp } from './facade/amqp.ts'
import type { Connect } from './facade/facade.ts'
import { connect as connectMqtt } from './facade/mqtt.ts'
import { connect as connectSocketIo } from './facade/socket-io.ts'
import type { Transport } from './page/settings.ts'
import { TodoServer } from './server.ts'
import { Store } from './store.ts'

/** The one line in which the transports differ. */
const facades: Readonly<Record<Transport, Connect>> = {
  'socket.io': connectSocketIo,
  mqtt: connectMqtt,
  amqp: connectAmqp,
}

/** How the todo server is run. */
export interface TodoPlan {
  readonly transport: Transport
  /** The broker, `mqtt://…` or `amqp://…`; Socket.IO needs none. */
  readonly broker: string
  /** Where the list is kept; it is made when it is not there. */
  readonly folder: string
  readonly listen: HostPort
  /** Where a POST presses the button of a simulated device; the page has a button for it. */
  readonly pressPath?: string | undefined
}

/** Runs until it is told to stop. Throws `file_unreadable`, `file_unwritable`, `port_in_use`. */
export async function runTodoServer(plan: TodoPlan): Promise<void> {
  const { transport, broker, folder, listen, pressPath } = plan
  const log = createLog()
  const connect = facades[transport]
  const store = new Store(join(await madeFolder(folder), `todo-${transport}.json`))
  await store.load()
  await using running = new AsyncDisposableStack()
  const app = Fastify({ forceCloseConnections: true, bodyLimit: 1_024, requestTimeout: 30_000 })
  running.defer(async () => await app.close())
  await app.register(assets, { transport, pressPath })
  const facade = connect({ url: broker, http: app.server, log })
  running.use(await TodoServer.start({ facade, store, log }))
  try {
    await app.listen(listen)
  } catch (error) {
    throw listenFault(error, listen)
  }
  const { port } = app.server.address() as AddressInfo
  log.info('todo server ready', { transport, port })
  const why = await untilSignal()
  log.info(`the todo server stops: ${why}`)
}

async function madeFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    return folder
  } catch (cause) {
    throw new Fault('file_unwritable', `The folder ${folder} cannot be made.`, { cause })
  }
}
