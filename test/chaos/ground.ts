/**
 * What a run of chaos stands on: a world of network namespaces where the system allows it, and
 * loopback elsewhere.
 *
 * Invariant: a world ends with the process that asked for it, however that one ends. No namespace
 * has a name: the kernel removes each with its last process, and all of them are in one process
 * namespace, which ends with its first process, which ends when its standard input does. So a
 * killed run leaves nothing that would have to be recognised and removed.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { findProgram, lackOf, type ProgramName, programPath } from '../support/installed.ts'
import { run } from '../support/process.ts'

const programs: readonly ProgramName[] = ['ip', 'nft', 'nsenter', 'unshare']
const mark = 'SALLYPORT_CHAOS_WORLD'
const killed = 137

/** Why there can be no world of namespaces here; nothing where there can be one. */
export async function whyNoWorld(): Promise<string | undefined> {
  const missing = programs.filter((name) => findProgram(name) === undefined)
  if (missing.length > 0) return lackOf(missing)
  const trial = [
    'sh',
    '-c',
    `${programPath('ip')} link set lo up && ${programPath('nft')} list tables`,
  ]
  try {
    await run(programPath('unshare'), [...unshareOptions(), ...trial])
    return undefined
  } catch (error) {
    return `namespaces are not to be had here: ${lastLineOf(error)}`
  }
}

/** True in a process that stands in a world of its own. */
export function isInWorld(): boolean {
  return process.env[mark] !== undefined
}

/** Runs this command again, in a world of its own; gives its exit status. */
export async function runInWorld(script: string, args: readonly string[]): Promise<number> {
  const again = [...unshareOptions(), process.execPath, script, ...args]
  const child = spawn(programPath('unshare'), again, {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...process.env, [mark]: 'own' },
  })
  const [status] = (await once(child, 'exit')) as [number | null]
  return status ?? killed
}

/** Prepares the world that this process stands in, and ends it with the one who asked for it. */
export async function settleInWorld(): Promise<void> {
  const { stdin } = process
  stdin.once('close', () => process.exit(killed)).resume()
  // It is heard as long as there is something to do, and is nothing to wait for.
  if ('unref' in stdin && typeof stdin.unref === 'function') stdin.unref()
  await run(programPath('ip'), ['link', 'set', 'lo', 'up'])
}

/** Networks and processes of its own; and, for one who is not root, root of nothing else. */
function unshareOptions(): readonly string[] {
  const namespaces = ['--net', '--pid', '--fork', '--kill-child', '--mount-proc']
  return process.getuid?.() === 0 ? namespaces : ['--user', '--map-root-user', ...namespaces]
}

function lastLineOf(error: unknown): string {
  return String(error).trimEnd().split('\n').at(-1) ?? ''
}
