/** The command `sallyport` as a child process, its log read as the records that it is. */
import { join } from 'node:path'
import { Child, type Exit, type WaitOptions } from './process.ts'
import { repository } from './sources.ts'
import { patienceMs } from './within.ts'

/** One line of the log. */
export type LogRecord = Readonly<Record<string, unknown>>

/** The file that runs Sallyport. */
export const entryPoint: string = join(repository, 'bin', 'sallyport.js')

/** A relay or an agent that runs until it is ended. */
export class Sallyport implements AsyncDisposable {
  readonly #child: Child

  /** Starts the command, such as `relay --config FILE`; what `enter` says runs it, if anything. */
  constructor(args: readonly string[], folder: string, enter: readonly string[] = []) {
    const [program = process.execPath, ...rest] = [...enter, process.execPath, entryPoint, ...args]
    this.#child = new Child(program, rest, { folder })
  }

  /** The process id. */
  get pid(): number {
    return this.#child.pid
  }

  /** True until the process has ended. */
  get isRunning(): boolean {
    return this.#child.isRunning
  }

  /** How many lines it has logged: a place from which a wait may look. */
  get here(): number {
    return this.#child.lines.length
  }

  /** Every record so far. */
  get records(): readonly LogRecord[] {
    return this.#child.lines.map(recordIn).filter((record) => record !== undefined)
  }

  /** The first record with this message. */
  async waitForMessage(message: string, options?: WaitOptions): Promise<LogRecord> {
    return await this.waitForRecord((record) => record.message === message, message, options)
  }

  /** The first record with this code of the closed list. */
  async waitForCode(code: string, options?: WaitOptions): Promise<LogRecord> {
    const isMeant = (record: LogRecord): boolean => record.code === code
    return await this.waitForRecord(isMeant, `a record with ${code}`, options)
  }

  /** The first record that matches; `what` names it where none comes. */
  async waitForRecord(
    matches: (record: LogRecord) => boolean,
    what: string,
    options?: WaitOptions,
  ): Promise<LogRecord> {
    const read = (line: string): LogRecord | undefined => {
      const record = recordIn(line)
      return record !== undefined && matches(record) ? record : undefined
    }
    return await this.#child.waitFor(read, what, options)
  }

  /** Sends a signal, such as SIGSTOP. */
  signal(name: NodeJS.Signals): void {
    this.#child.signal(name)
  }

  /** Waits for the process to end by itself. */
  async waitForExit(deadlineMs?: number): Promise<Exit> {
    return await this.#child.waitForExit(deadlineMs)
  }

  /** Asks the process to end. */
  async end(): Promise<Exit> {
    return await this.#child.end(patienceMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.end()
  }
}

function recordIn(line: string): LogRecord | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as LogRecord
  } catch {
    return undefined
  }
}
