/**
 * Short runs of `npm run chaos`: kinds of every sort, in turn, and nothing lost. The long ones are
 * a command. How soon things happen is judged there, and not on a machine that is busy with tests.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { Child } from '../support/process.ts'
import { serialTestWith } from '../support/program.ts'
import { repository } from '../support/sources.ts'
import { whyNoWorld } from './ground.ts'

const script = join(repository, 'test', 'chaos', 'main.ts')
/** A command that runs it, the run, and below it two agents, their networks, and two relays. */
const processes = 8
const exitMs = 280_000

const testWithNamespaces = serialTestWith('ip', 'nft', 'nsenter', 'unshare')

testWithNamespaces('streams outlive faults of real networks, where they may be made', async (t) => {
  t.timeout(exitMs + 10_000)
  const obstacle = await whyNoWorld()
  if (obstacle !== undefined) t.log(`loopback proxies only: ${obstacle}`)
  const kernel = ['half-open', 'link-down', 'lossy', 'unheard']
  const kinds = ['reset', 'tls-torn', 'suspend', 'relay-kill']
  await nothingIsLost(t, obstacle === undefined ? [...kernel, ...kinds] : kinds, 'auto')
})

test.serial('streams outlive what a proxy can do to them', async (t) => {
  t.timeout(exitMs + 10_000)
  const kinds = [
    'everywhere',
    'finish',
    'black-hole',
    'slow',
    'flapping',
    'idle-close',
    'relay-stop',
  ]
  await nothingIsLost(t, kinds, 'proxies')
})

test.serial(
  'a kind that cannot be made here is refused, and not left out in silence',
  async (t) => {
    await using chaos = run('--network', 'proxies', '--kinds', 'reset,link-down')
    t.is((await chaos.waitForExit()).status, 2)
    t.regex(chaos.lines.join('\n'), /^link-down: only with network namespaces\.$/m)
  },
)

testWithNamespaces('a run that is killed leaves no process and no namespace', async (t) => {
  if ((await whyNoWorld()) !== undefined) return void t.pass('no world to leave')
  await using chaos = run('--kinds', 'reset')
  await chaos.waitForLine(/^Seed /, { deadlineMs: 60_000 })
  await until(() => descendants(chaos.pid).length >= processes)
  const left = descendants(chaos.pid)
  chaos.signal('SIGKILL')
  await chaos.waitForExit()
  await until(() => left.every((pid) => !existsSync(`/proc/${pid}`)))
  t.pass()
})

function run(...args: readonly string[]): Child {
  return new Child(process.execPath, [script, ...args])
}

async function nothingIsLost(
  t: ExecutionContext,
  kinds: readonly string[],
  network: string,
): Promise<void> {
  const limits = ['--minutes', '4', '--seed', '1', '--idle-seconds', '1']
  await using chaos = run('--network', network, '--in-turn', '--kinds', kinds.join(), ...limits)
  await chaos.waitForExit(exitMs)
  const text = chaos.lines.join('\n')
  t.regex(text, /^streams lost +0$/m, text)
  t.regex(text, /^bytes wrong +0$/m, text)
  t.notRegex(text, /never/, text)
  for (const name of kinds) t.regex(text, new RegExp(`^fault ${name} +1,`, 'm'), text)
}

/** Every process below this one. */
function descendants(pid: number): readonly number[] {
  const ids = childrenOf(pid).split(' ').filter(Boolean).map(Number)
  return ids.flatMap((child) => [child, ...descendants(child)])
}

/** None of one that has just ended: what sets a network up comes and goes. */
function childrenOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  } catch {
    return ''
  }
}

/** Resolves when it is so. */
async function until(isSo: () => boolean): Promise<void> {
  const deadline = AbortSignal.timeout(60_000)
  while (!isSo()) {
    deadline.throwIfAborted()
    await pause(20)
  }
}
