/**
 * What ends the children of a test process that had no time to: one that was killed, or got stuck.
 *
 * Invariant: it lives as long as the test process and no longer, however that ends: it waits for
 * the end of a pipe that only the test process holds.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'

/** Each line adds a process group to those that live, or takes it away. */
const script = `
trap '' HUP INT TERM
live=' '
while read -r change group; do
  case $change in
    +) live="$live$group " ;;
    -) live="\${live%% $group *} \${live#* $group }" ;;
  esac
done
for group in $live; do kill -s KILL -- "-$group"; done
`

let reaper: ChildProcess | undefined

/** Has this child, the leader of its process group, and its children end with this process. */
export function reapWithUs(child: ChildProcess): void {
  const { pid } = child
  if (pid === undefined) return
  say(`+ ${pid}`)
  child.once('exit', () => say(`- ${pid}`))
}

function say(line: string): void {
  reaper ??= start()
  reaper.stdin?.write(`${line}\n`)
}

function start(): ChildProcess {
  const child = spawn('sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  child.stdin.on('error', () => {})
  // It must not keep the test process from its end.
  child.unref()
  const pipe = child.stdin as Socket
  pipe.unref()
  return child
}
