/**
 * A child process of the demo, and what it logs.
 *
 * Invariant: it does not outlive this process. Its last lines are kept, a bounded number, so that a
 * promise can wait for a record and a failure can show the evidence.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Fault } from '../shared/protocol/fault.ts'
import { Changes } from './waiting.ts'

/** One line of a log in JSON. */
export type LogRecord = Readonly<Record<string, unknown>>

/** How a process is started. */
export interface ProcessPlan {
  /** What people call it: `relay`, `agent plant-1`. */
  readonly name: string
  readonly program: string
  readonly args: readonly string[]
  /** Adds to the environment. */
  readonly environment?: Readonly<Record<string, string>>
}

/** A running child process and what it logs. */
export class Child {
  readonly name: string
  /** Resolves with the fault if it ends although nobody has ended it. */
  readonly fallen: Promise<Fault>
  readonly #process: ChildProcess
  readonly #signal: AbortSignal
  readonly #ended: Promise<void>
  readonly #lines: string[] = []
  readonly #changes = new Changes()
  #forgotten = 0
  #running = true
  #isWanted = true

  constructor(
    { name, program, args, environment }: ProcessPlan,
    folder: string,
    signal: AbortSignal,
  ) {
    this.name = name
    this.#signal = signal
    // A group of its own: Ctrl-C is for the demo, which ends its children in order.
    const child = spawn(program, args, {
      cwd: folder,
      env: { ...ownEnvironment(), ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    this.#process = child
    left.add(child)
    child.stdin.on('error', () => {})
    const read = [this.#listen(child.stdout), this.#listen(child.stderr)]
    const { promise, resolve } = Promise.withResolvers<void>()
    child.once('error', (error) => {
      this.#hear(error.message)
      resolve()
    })
    child.once('exit', () => void Promise.all(read).then(() => resolve()))
    this.#ended = promise.then(() => {
      left.delete(child)
      this.#running = false
      this.#changes.tell()
    })
    this.fallen = new Promise((resolve) => {
      void this.#ended.then(() => {
        if (this.#isWanted) resolve(this.#ending('ended by itself'))
      })
    })
  }

  /** The process id. Throws when the program could not be started. */
  get pid(): number {
    const { pid } = this.#process
    if (pid === undefined) throw new Fault('promise_broken', `${this.name} was not started.`)
    return pid
  }

  get isRunning(): boolean {
    return this.#running
  }

  /** A place in the log, for waits that look only behind it. */
  get here(): number {
    return this.#forgotten + this.#lines.length
  }

  /** The last lines that it wrote. */
  lastLines(count: number): readonly string[] {
    return this.#lines.slice(-count)
  }

  /** The first record, behind the place, of which `matches` is true. */
  async said(
    what: string,
    matches: (record: LogRecord) => boolean,
    { after = 0, withinMs = 60_000 } = {},
  ): Promise<LogRecord> {
    return await this.heard(
      what,
      (line) => {
        const record = recordIn(line)
        return record !== undefined && matches(record) ? record : undefined
      },
      { after, withinMs },
    )
  }

  /** The first answer that `read` gives for a line behind the place. */
  async heard<Answer>(
    what: string,
    read: (line: string) => Answer | undefined,
    { after = 0, withinMs = 60_000 } = {},
  ): Promise<Answer> {
    let at = after
    const look = (): Answer | undefined => {
      for (at = Math.max(at, this.#forgotten); at < this.here; at += 1) {
        const answer = read(this.#lines[at - this.#forgotten] ?? '')
        if (answer !== undefined) return answer
      }
      if (this.#running) return undefined
      throw this.#ending(`ended before ${what}`)
    }
    const patience = { withinMs, signal: this.#signal }
    return await this.#changes.until(`${this.name}: ${what}`, patience, look)
  }

  /** Writes a line to its standard input. */
  tell(line: string): void {
    this.#process.stdin?.write(`${line}\n`)
  }

  /** Ends it as a power failure would. */
  async kill(): Promise<void> {
    this.#isWanted = false
    this.#process.kill('SIGKILL')
    await this.#ended
  }

  /** Asks it to end, and kills it when it does not. */
  async stop(): Promise<void> {
    if (!this.#running) return
    this.#isWanted = false
    this.#process.kill('SIGTERM')
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), graceMs)
    await this.#ended
    clearTimeout(timer)
  }

  #ending(how: string): Fault {
    const last = this.lastLines(1).join('').trim()
    const isPortTaken = /port_in_use|Address already in use/.test(last)
    const code = isPortTaken ? 'port_in_use' : 'promise_broken'
    const message = recordIn(last)?.message
    const said = typeof message === 'string' ? message : last
    return new Fault(code, `${this.name} ${how}; the last it said: ${said}`)
  }

  async #listen(stream: NodeJS.ReadableStream): Promise<void> {
    for await (const line of createInterface({ input: stream })) this.#hear(line)
  }

  #hear(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length > linesKept) {
      this.#lines.shift()
      this.#forgotten += 1
    }
    this.#changes.tell()
  }
}

const linesKept = 1_000
const graceMs = 5_000

/** Children that still run; when this process ends in whatever way it can notice, so do they. */
const left = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of left) child.kill('SIGKILL')
})

/**
 * The demo's files alone decide: what the user has set for a relay of his own means nothing here.
 */
function ownEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env)
  return Object.fromEntries(entries.filter(([name]) => !name.startsWith('SALLYPORT_')))
}

function recordIn(line: string): LogRecord | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as LogRecord
  } catch {
    return undefined
  }
}
