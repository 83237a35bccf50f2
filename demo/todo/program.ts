/**
 * The process of the todo server: its page, and the server behind it, on one loopback port.
 *
 * Invariant: it says where it listens in one line, when clients can come, and ends with whoever
 * started it: when its standard input ends, or at SIGTERM.
 */
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import Fastify from 'fastify'
import { z } from 'zod'
import { createLog } from '../../shared/io/log.ts'
import { untilSignal } from '../../shared/io/process.ts'
import { assets } from './assets.ts'
import { connect as connectAmqp } from './facade/amqp.ts'
import type { Connect } from './facade/facade.ts'
import { connect as connectMqtt } from './facade/mqtt.ts'
import { connect as connectSocketIo } from './facade/socket-io.ts'
import { type Transport, transports } from './page/settings.ts'
import { TodoServer } from './server.ts'
import { Store } from './store.ts'

/** The one line in which the transports differ. */
const facades: Readonly<Record<Transport, Connect>> = {
  'socket.io': connectSocketIo,
  mqtt: connectMqtt,
  amqp: connectAmqp,
}

const options = z.object({
  transport: z.enum(transports),
  /** The broker, `mqtt://…` or `amqp://…`; Socket.IO needs none. */
  broker: z.string().default(''),
  /** The folder of the list, which is there. */
  folder: z.string(),
  port: z.coerce.number().int().min(0).max(65_535).default(0),
  /** Where the page presses the button of a simulated device. */
  'press-path': z.string().optional(),
})

const { values } = parseArgs({
  options: Object.fromEntries(
    Object.keys(options.shape).map((name) => [name, { type: 'string' as const }]),
  ),
})
const { transport, broker: url, folder, port, 'press-path': pressPath } = options.parse(values)

const log = createLog({ format: 'json' })
await using scope = new AsyncDisposableStack()
const app = Fastify({ forceCloseConnections: true, bodyLimit: 1_024, requestTimeout: 30_000 })
await app.register(assets, { transport, pressPath })
scope.defer(async () => await app.close())
const facade = await facades[transport]({ url, http: app.server, log })
const store = new Store(join(folder, `todo-${transport}.json`))
scope.use(await TodoServer.start({ facade, store, log }))
await app.listen({ host: '127.0.0.1', port })
const place = app.server.address() as AddressInfo
log.info('todo server ready', { transport, port: place.port })

process.stdin.once('end', () => process.kill(process.pid, 'SIGTERM')).resume()
await untilSignal()
