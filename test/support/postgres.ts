/**
 * A PostgreSQL server of the test's own: a fresh cluster in a temporary folder.
 *
 * The server refuses to run as root, so a test run by root gives the folder to the user `postgres`,
 * whom Debian's package makes, and starts the server as that user.
 */
import { chown } from 'node:fs/promises'
import { join } from 'node:path'
import { onFreePort } from './ports.ts'
import { Child, type ChildOptions, run } from './process.ts'
import { programPath } from './program.ts'
import { temporaryFolder } from './temporary.ts'

/** The running server; the user `postgres` needs no password. */
export interface Postgres extends AsyncDisposable {
  readonly port: number
}

/** Makes a cluster and starts it; resolves when it accepts clients. Needs `initdb`, `postgres`. */
export async function startPostgres(): Promise<Postgres> {
  await using started = new AsyncDisposableStack()
  const folder = started.use(await temporaryFolder())
  const owner = await serverOwner()
  if (owner.user !== undefined) await chown(folder.path, owner.user.uid, owner.user.gid)
  const cluster = join(folder.path, 'cluster')
  const options: ChildOptions = { folder: folder.path, ...owner }
  const initial = ['-D', cluster, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync']
  await run(programPath('initdb'), initial, { ...options, deadlineMs: 60_000 })
  const { port, server } = await onFreePort(async (port) => {
    await using starting = new AsyncDisposableStack()
    const listening = ['-h', '127.0.0.1', '-p', `${port}`, '-k', folder.path]
    const server = starting.use(
      new Child(programPath('postgres'), ['-D', cluster, '-F', ...listening], options),
    )
    await server.waitForLine(/ready to accept connections/, { deadlineMs: 30_000 })
    starting.move()
    return { port, server }
  })
  started.use(server)
  const stack = started.move()
  return { port, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

/** Whom the server runs as: `postgres` where the test is root, else the test's own user. */
async function serverOwner(): Promise<Pick<ChildOptions, 'user'>> {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = await Promise.all([
    run('id', ['-u', 'postgres']),
    run('id', ['-g', 'postgres']),
  ])
  return { user: { uid: Number(uid), gid: Number(gid) } }
}
