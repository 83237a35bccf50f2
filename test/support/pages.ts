/**
 * The todo page in a test: a server of the test's own, on Socket.IO.
 *
 * Invariant: nothing outlives the test.
 */
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify from 'fastify'
import { assets } from '../../demo/todo/assets.ts'
import { connect } from '../../demo/todo/facade/socket-io.ts'
import { TodoServer } from '../../demo/todo/server.ts'
import { Store } from '../../demo/todo/store.ts'
import { temporaryFolder } from './temporary.ts'
import { recordedLog } from './todo.ts'

/** A todo server with its page. */
export interface TodoSite extends AsyncDisposable {
  readonly url: string
  readonly server: TodoServer
  /** What it is told to press. */
  readonly presses: readonly string[]
}

/** Starts a server whose page has a button for the device. */
export async function startTodoSite({ leaseMs = 10_000 } = {}): Promise<TodoSite> {
  await using starting = new AsyncDisposableStack()
  const { path } = starting.use(await temporaryFolder())
  const { log } = recordedLog()
  const app = Fastify({ forceCloseConnections: true })
  await app.register(assets, { transport: 'socket.io', pressPath: '/press' })
  const presses: string[] = []
  app.post('/press', async (request, reply) => {
    presses.push((request.body as { readonly clientId: string }).clientId)
    return await reply.code(204).send()
  })
  const facade = connect({ url: '', http: app.server, log })
  const store = new Store(join(path, 'todo.json'))
  const server = await TodoServer.start({ facade, store, log, leaseMs })
  starting.use(server)
  await app.listen({ host: '127.0.0.1', port: 0 })
  starting.defer(async () => await app.close())
  const { port } = app.server.address() as AddressInfo
  const running = starting.move()
  return {
    url: `http://localhost:${port}`,
    server,
    presses,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
