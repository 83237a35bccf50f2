/** A Redis server of the test's own, on a loopback port, nothing kept. */
import { onFreePort } from './ports.ts'
import { Child } from './process.ts'
import { programPath } from './program.ts'
import { temporaryFolder } from './temporary.ts'

/** The running server. */
export interface Redis extends AsyncDisposable {
  readonly port: number
}

/** Starts the server; resolves when it accepts clients. Needs `redis-server`. */
export async function startRedis(): Promise<Redis> {
  return await onFreePort(async (port) => {
    await using started = new AsyncDisposableStack()
    const folder = started.use(await temporaryFolder())
    const settings = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    const server = started.use(
      new Child(programPath('redis-server'), ['--port', `${port}`, ...settings], {
        folder: folder.path,
      }),
    )
    await server.waitForLine(/Ready to accept connections/)
    const stack = started.move()
    return { port, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  })
}
