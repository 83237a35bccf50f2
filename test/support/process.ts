/**
 * A child process whose output a test can wait for.
 *
 * Invariant: no child outlives its test: leaving the scope of `await using` ends it, and the end of
 * the test process, whatever it is, kills it and its children. Every wait has a deadline and says
 * what the child had written.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { reapWithUs } from './reaper.ts'
import { patienceMs } from './within.ts'

/** How a child is started; the environment adds to that of the test. */
export interface ChildOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly folder?: string
  readonly user?: { readonly uid: number; readonly gid: number }
  /** What the child reads on its standard input, which is empty by default. */
  readonly input?: string | Uint8Array
  /** Its standard input stays open after that, for `type`. */
  readonly isTypedTo?: true
}

/** How a child ended: by itself, with a status, or by a signal. */
export interface Exit {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
}

/** How a wait looks and how long: `from` is a number of lines that are already known. */
export interface WaitOptions {
  readonly from?: number
  readonly deadlineMs?: number
}

/** One running child process. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #name: string
  readonly #lines: string[] = []
  readonly #standardOutput: string[] = []
  readonly #watchers = new Set<() => void>()
  readonly #exited: Promise<Exit>
  #exit: Exit | undefined

  /** Starts the program; a program that cannot be started shows in the first wait. */
  constructor(program: string, args: readonly string[], options: ChildOptions = {}) {
    this.#name = [program, ...args].join(' ')
    const child = spawn(program, args, {
      cwd: options.folder,
      env: { ...process.env, ...options.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
      // A process group of its own, so that its children can be ended with it.
      detached: true,
      ...options.user,
    })
    this.#process = child
    reapWithUs(child)
    child.stdin.on('error', () => {})
    child.stdin.write(options.input ?? '')
    if (options.isTypedTo !== true) child.stdin.end()
    const collected = Promise.all([
      this.#collect(child.stdout, this.#standardOutput),
      this.#collect(child.stderr),
    ])
    this.#exited = new Promise((resolve) => {
      const settle = (exit: Exit): void => {
        this.#exit = exit
        this.#changed()
        resolve(exit)
      }
      child.once('error', (error) => {
        this.#lines.push(error.message)
        settle({ status: null, signal: null })
      })
      child.once('exit', (status, signal) => {
        // A grandchild may hold the pipes open; then the last lines are worth a short wait only.
        const patience = setTimeout(() => settle({ status, signal }), 500)
        void collected.then(() => {
          clearTimeout(patience)
          settle({ status, signal })
        })
      })
    })
  }

  /** The process id. */
  get pid(): number {
    const { pid } = this.#process
    if (pid === undefined) throw this.#failure('was not started')
    return pid
  }

  /** Every line so far, of standard output and standard error, as they came. */
  get lines(): readonly string[] {
    return this.#lines
  }

  /** What came on standard output so far, its lines ended by a line feed each. */
  get output(): string {
    return this.#standardOutput.map((line) => `${line}\n`).join('')
  }

  /** True until the process has ended. */
  get isRunning(): boolean {
    return this.#exit === undefined
  }

  /** Writes a line to its standard input, as somebody at a keyboard would. */
  type(line: string): void {
    this.#process.stdin?.write(`${line}\n`)
  }

  /** The first line, from line `from` on, that matches. */
  async waitForLine(pattern: RegExp, options: WaitOptions = {}): Promise<RegExpExecArray> {
    return await this.waitFor((line) => pattern.exec(line) ?? undefined, `${pattern}`, options)
  }

  /** The first answer that `read` gives for a line, from line `from` on. */
  async waitFor<Answer>(
    read: (line: string) => Answer | undefined,
    what: string,
    { from = 0, deadlineMs = patienceMs }: WaitOptions = {},
  ): Promise<Answer> {
    let at = from
    const deadline = AbortSignal.timeout(deadlineMs)
    for (;;) {
      for (; at < this.#lines.length; at += 1) {
        const answer = read(this.#lines[at] ?? '')
        if (answer !== undefined) return answer
      }
      if (this.#exit !== undefined) throw this.#failure(`ended before ${what}`)
      if (deadline.aborted) throw this.#failure(`did not say ${what} within ${deadlineMs} ms`)
      await this.#nextChange(deadline)
    }
  }

  /** How the process ended. */
  async waitForExit(deadlineMs = patienceMs): Promise<Exit> {
    const deadline = AbortSignal.timeout(deadlineMs)
    while (this.#exit === undefined) {
      if (deadline.aborted) throw this.#failure(`still runs after ${deadlineMs} ms`)
      await this.#nextChange(deadline)
    }
    return this.#exit
  }

  /** Sends a signal, such as SIGSTOP. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name)
  }

  /** Asks the process to end, wakes it if it is stopped, and kills it after `graceMs`. */
  async end(graceMs = 2_000): Promise<Exit> {
    if (this.#exit !== undefined) return this.#exit
    this.signal('SIGTERM')
    this.signal('SIGCONT')
    const kill = setTimeout(() => this.signal('SIGKILL'), graceMs)
    const exit = await this.#exited
    clearTimeout(kill)
    return exit
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end()
  }

  async #collect(stream: NodeJS.ReadableStream, also?: string[]): Promise<void> {
    for await (const line of createInterface({ input: stream })) {
      this.#lines.push(line)
      also?.push(line)
      this.#changed()
    }
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher()
  }

  async #nextChange(deadline: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = (): void => resolve()
    this.#watchers.add(wake)
    deadline.addEventListener('abort', wake)
    await promise
    deadline.removeEventListener('abort', wake)
    this.#watchers.delete(wake)
  }

  #failure(what: string): Error {
    return new Error(`${this.#name} ${what}; it wrote:\n${this.#lines.slice(-40).join('\n')}`)
  }
}

/** Runs a program to its end and gives its standard output. Throws unless its status is 0. */
export async function run(
  program: string,
  args: readonly string[],
  { deadlineMs = 2 * patienceMs, ...options }: ChildOptions & { readonly deadlineMs?: number } = {},
): Promise<string> {
  await using child = new Child(program, args, options)
  const { status, signal } = await child.waitForExit(deadlineMs)
  if (status === 0) return child.output
  const ending = signal === null ? `status ${status}` : `signal ${signal}`
  throw new Error(`${program} ended with ${ending}; it wrote:\n${child.lines.join('\n')}`)
}
