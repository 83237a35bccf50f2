/**
 * What every example stands on: an authority, a relay and agents on the files that a user would
 * write, in a folder of their own.
 *
 * Invariant: everything listens on loopback; whatever the end, all processes are ended and the
 * folder is gone.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { initStore, issuePair, type Store } from '../../certs/store.ts'
import type { Role } from '../../shared/identity.ts'
import { Fault } from '../../shared/protocol/fault.ts'
import type { Child, LogRecord } from '../child.ts'
import { listenForInterruption } from '../interruption.ts'
import { messageOf, Narrator, type Progress } from '../narration.ts'
import { Network } from '../network.ts'
import { Processes } from '../processes.ts'

/** An example: what it is about, and the play itself. */
export interface Example {
  /** One line for people: what is shown. */
  readonly about: string
  readonly play: (stage: Stage) => Promise<void>
}

/** A relay that serves; its agents reach it through `network`, which can be cut. */
export interface StagedRelay {
  readonly process: Child
  readonly listenPort: number
  readonly network: Network
  /** The TCP ingress of a service. */
  portOf(service: string): number
}

/** The parts of relay.yaml that differ from example to example. */
export interface RelayPlan {
  readonly services: Readonly<Record<string, object>>
  readonly policy: readonly object[]
}

export class Stage {
  readonly folder: string
  readonly processes: Processes
  readonly signal: AbortSignal
  readonly store: Store
  readonly scope: AsyncDisposableStack
  readonly #narrator: Narrator

  constructor(
    parts: Pick<Stage, 'folder' | 'processes' | 'signal' | 'store' | 'scope'>,
    narrator: Narrator,
  ) {
    this.folder = parts.folder
    this.processes = parts.processes
    this.signal = parts.signal
    this.store = parts.store
    this.scope = parts.scope
    this.#narrator = narrator
  }

  /** One line of the story: told with ✓ when its work is done, with ✗ when it failed. */
  async step<Value>(
    label: string,
    work: (progress: Progress) => Promise<readonly [text: string, value: Value]>,
  ): Promise<Value> {
    return await this.#narrator.step(label, 'tried', async (progress) => {
      const [text, value] = await work(progress)
      return { text, value }
    })
  }

  async issue(role: Exclude<Role, 'relay'>, name: string): Promise<void> {
    await issuePair(this.store, { role, name })
  }

  /** Starts a relay, and the network before it. */
  async startRelay({ services, policy }: RelayPlan): Promise<StagedRelay> {
    const loopback = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }
    await issuePair(this.store, { role: 'relay', name: 'localhost', ...loopback })
    const places = { listen: '127.0.0.1:0', admin: '127.0.0.1:0' }
    const text = stringify({ name: 'localhost', ...places, services, policy })
    await writeFile(join(this.folder, 'relay.yaml'), text)
    const process = this.processes.startSallyport('relay', 'relay', '--config', 'relay.yaml')
    const ready = await process.said('relay ready', ({ message }) => message === 'relay ready')
    const listenPort = portIn(ready.listen)
    const network = this.scope.use(await Network.before(listenPort))
    return { process, listenPort, network, portOf: (service) => ingressPort(ready, service) }
  }

  /** Starts an agent on its file; `certificateOf` gives it another one's certificate. */
  async startAgent(
    { network }: StagedRelay,
    name: string,
    body: object,
    certificateOf = name,
  ): Promise<Child> {
    const folder = `pki/agent/${certificateOf}`
    const tls = { certificate: `${folder}/certificate.pem`, key: `${folder}/key.pem` }
    const file = `${name}-as-${certificateOf}.yaml`
    const text = stringify({ relay: `127.0.0.1:${network.port}`, name, tls, ...body })
    await writeFile(join(this.folder, file), text)
    return this.processes.startSallyport(`agent ${name}`, 'agent', '--config', file)
  }
}

/** Plays an example, and takes everything down. Throws what the example throws. */
export async function perform({ about, play }: Example): Promise<void> {
  const narrator = new Narrator(process.stderr)
  narrator.say(`  ${about}`)
  using interruption = listenForInterruption()
  await using scope = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-example-'))
  scope.defer(async () => await rm(folder, { recursive: true, force: true }))
  const { signal } = interruption
  const processes = scope.use(new Processes(folder, signal))
  const directory = join(folder, 'pki')
  const now = (): Date => new Date()
  const store = await initStore({ directory, trustDomain: 'example.internal', now })
  const inner = scope.use(new AsyncDisposableStack())
  await play(new Stage({ folder, processes, signal, store, scope: inner }, narrator))
}

/** The same for `node demo/examples/NAME.ts`: says a fault in one line, and how it ended. */
export async function performAsProgram(example: Example): Promise<void> {
  try {
    await perform(example)
  } catch (error) {
    process.stderr.write(`✗ ${messageOf(error)}\n`)
    process.exitCode = 1
  }
}

/** Ends the example: a promise was not kept. */
export function broken(what: string): Fault {
  return new Fault('promise_broken', what)
}

function ingressPort({ services }: LogRecord, service: string): number {
  const all = services as Readonly<Record<string, { readonly tcp?: unknown } | undefined>>
  return portIn(all[service]?.tcp)
}

function portIn(place: unknown): number {
  const port = Number(/:(\d+)$/.exec(String(place))?.[1])
  if (!Number.isInteger(port)) throw broken(`There is no port in ${String(place)}.`)
  return port
}
