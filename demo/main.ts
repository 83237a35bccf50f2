/**
 * `sallyport demo`: the whole story on this machine, in real processes, each line of it checked.
 *
 * Invariant: what has a ✓ was measured in this run. Whatever the end, finished, failed or
 * interrupted, every process is ended and the folder is gone, unless it is to be kept.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Account } from './account.ts'
import type { BrokerKind } from './broker.ts'
import { isRabbitMqInstalled } from './brokers/rabbitmq.ts'
import { listenForInterruption } from './interruption.ts'
import { Narrator } from './narration.ts'
import { play } from './play.ts'
import { Processes } from './processes.ts'
import { keepPromises } from './promises/all.ts'
import { openScene } from './story.ts'
import type { Transport } from './todo/page/settings.ts'
import { chooseTransports } from './transports.ts'

/** How the demo is run. */
export interface DemoOptions {
  /** Ends when every promise is checked, instead of staying to be played with. */
  readonly check: boolean
  /** By default Mosquitto where it is installed, the embedded broker elsewhere. */
  readonly broker?: BrokerKind | undefined
  /** By default all in a check, and MQTT otherwise. */
  readonly transport?: Transport | undefined
  /** Leaves the folder with the certificates and the configuration. */
  readonly keep?: boolean | undefined
}

/**
 * Runs the demo. Throws `promise_broken` when a promise is not kept, `shutdown` when interrupted.
 */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { check, keep = false } = options
  const choice = chooseTransports({ ...options, hasRabbitMq: isRabbitMqInstalled() })
  const narrator = new Narrator(process.stderr)
  using interruption = listenForInterruption()
  await using scope = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-demo-'))
  scope.defer(async () => {
    if (keep) narrator.point('Files', folder)
    else await rm(folder, { recursive: true, force: true })
  })
  const { signal } = interruption
  const processes = scope.use(new Processes(folder, signal))
  const account = new Account(narrator, processes, signal)
  try {
    const { broker, transports, notRun } = choice
    const plan = { folder, processes, broker, transports, wishPorts: !check, signal }
    const scene = await openScene(plan, account, scope)
    if (notRun !== undefined) narrator.point('Not run', notRun)
    await keepPromises(scene, account)
    account.throwIfBroken()
    if (!check) await play(scene, narrator, interruption)
  } finally {
    if (check) process.stdout.write(`${account.summary}\n`)
  }
}
