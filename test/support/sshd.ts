/** An OpenSSH server of the test's own: own host key, own client key, own configuration. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { onFreePort } from './ports.ts'
import { Child, run } from './process.ts'
import { programPath } from './program.ts'
import { temporaryFolder } from './temporary.ts'

/** The running server. */
export interface SecureShell extends AsyncDisposable {
  readonly port: number
  /** The arguments of an `ssh` that reaches this server through the given loopback port. */
  clientArguments(port: number): readonly string[]
}

/** Starts the server; resolves when it listens. Needs `sshd`, `ssh-keygen` and `ssh`. */
export async function startSecureShell(): Promise<SecureShell> {
  await using started = new AsyncDisposableStack()
  const { path } = started.use(await temporaryFolder())
  const [hostKey, clientKey] = [join(path, 'host_key'), join(path, 'client_key')]
  for (const file of [hostKey, clientKey]) {
    await run(programPath('ssh-keygen'), ['-q', '-t', 'ed25519', '-N', '', '-f', file])
  }
  const hostPublicKey = await readFile(`${hostKey}.pub`, 'utf8')
  const knownHosts = join(path, 'known_hosts')
  await writeFile(knownHosts, `plant ${hostPublicKey}`)
  await allowSeparation()
  const { port, server } = await onFreePort(async (port) => {
    await using starting = new AsyncDisposableStack()
    const configuration = join(path, 'sshd_config')
    await writeFile(configuration, serverConfiguration(port, hostKey, `${clientKey}.pub`))
    const server = starting.use(new Child(programPath('sshd'), ['-D', '-e', '-f', configuration]))
    await server.waitForLine(/Server listening on/)
    starting.move()
    return { port, server }
  })
  started.use(server)
  const stack = started.move()
  return {
    port,
    clientArguments: (through) => clientArguments(through, clientKey, knownHosts),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** Run by root, sshd wants the empty folder that its service would have made. */
async function allowSeparation(): Promise<void> {
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
}

function serverConfiguration(port: number, hostKey: string, authorizedKeys: string): string {
  return [
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${hostKey}`,
    `AuthorizedKeysFile ${authorizedKeys}`,
    'PidFile none',
    'UsePAM no',
    'StrictModes no',
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PrintMotd no',
    'PrintLastLog no',
    '',
  ].join('\n')
}

function clientArguments(port: number, key: string, knownHosts: string): readonly string[] {
  const options = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${knownHosts}`,
    'HostKeyAlias=plant',
  ].flatMap((option) => ['-o', option])
  const { username } = userInfo()
  return ['-F', 'none', '-i', key, '-p', `${port}`, ...options, `${username}@127.0.0.1`]
}
