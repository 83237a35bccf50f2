/**
 * What a run of chaos met, and what it cost.
 *
 * Invariant: nothing that was lost or wrong is left out, and each has a line that says where.
 */
import { residentBytes } from '../support/memory.ts'
import type { TransferEnd } from './transfers.ts'

/** How many of what went wrong are told in full. */
const storiesMax = 20

/** The memory of the processes of a fleet at one time. */
interface Sample {
  readonly atMs: number
  readonly bytes: number
}

export class Account {
  readonly #faults = new Map<string, number>()
  readonly #recoveriesMs: number[] = []
  readonly #stories: string[] = []
  readonly #samples: Sample[] = []
  #whole = 0
  #bytes = 0
  #lost = 0
  #wrong = 0
  #told = 0

  get faults(): number {
    return [...this.#faults.values()].reduce((sum, times) => sum + times, 0)
  }

  /** Nothing was lost, and nothing wrong. */
  get isClean(): boolean {
    return this.#lost === 0 && this.#wrong === 0
  }

  /** A fault is over; `recoveryMs` is how long it took until a beat came through, if one did. */
  fault(name: string, recoveryMs: number | undefined): void {
    this.#faults.set(name, (this.#faults.get(name) ?? 0) + 1)
    if (recoveryMs === undefined) this.lost(`no beat came through after ${name}`)
    else this.#recoveriesMs.push(recoveryMs)
  }

  /** A transfer is over. `mayEnd` when a relay ended that it had as its own way in. */
  transfer(end: TransferEnd, mayEnd: boolean): void {
    if (end.kind === 'whole') {
      this.#whole += 1
      this.#bytes += end.bytes
    } else if (end.kind === 'wrong') this.wrong(end.reason)
    else if (mayEnd) this.told()
    else this.lost(end.reason)
  }

  /** A stream ended with its relay, and its consumer was told so. */
  told(): void {
    this.#told += 1
  }

  lost(story: string): void {
    this.#lost += 1
    this.#tell(`lost: ${story}`)
  }

  wrong(story: string): void {
    this.#wrong += 1
    this.#tell(`wrong: ${story}`)
  }

  /** Looks at the memory of these processes together. */
  sample(atMs: number, pids: readonly number[]): void {
    const bytes = pids.reduce((sum, pid) => sum + residentBytes(pid), 0)
    this.#samples.push({ atMs, bytes })
  }

  /** One line while it runs. */
  get line(): string {
    const megabytes = Math.round(this.#bytes / 1e6)
    const memory = Math.round((this.#samples.at(-1)?.bytes ?? 0) / 1e6)
    return (
      `${this.faults} faults, ${this.#whole} transfers, ${megabytes} MB, ` +
      `${this.#lost} lost, ${this.#wrong} wrong, ${memory} MB resident`
    )
  }

  /** The whole report; the last line ends with a line feed. */
  report(rows: readonly (readonly [what: string, figure: string])[], seconds: number): string {
    const sorted = this.#recoveriesMs.toSorted((one, other) => one - other)
    const at = (part: number): string =>
      `${Math.round(sorted[Math.floor(part * (sorted.length - 1))] ?? 0)} ms`
    const table: readonly (readonly [string, string])[] = [
      ...[...this.#faults].map(([name, times]) => [`fault ${name}`, String(times)] as const),
      ['faults', `${this.faults} in ${Math.round(seconds)} s`],
      ['transfers', `${this.#whole}, ${Math.round(this.#bytes / 1e6)} MB`],
      ['recovery', `median ${at(0.5)}, 99 % ${at(0.99)}, longest ${at(1)}`],
      ...rows,
      ['memory', this.#memory()],
      ['ended with their relay', String(this.#told)],
      ['streams lost', String(this.#lost)],
      ['bytes wrong', String(this.#wrong)],
    ]
    const width = Math.max(...table.map(([what]) => what.length)) + 2
    const lines = table.map(([what, figure]) => `${what.padEnd(width)}${figure}`)
    return `${[...lines, ...this.#stories].join('\n')}\n`
  }

  /** The resident memory at the end beside that after a sixth of the run (5 minutes of 30). */
  #memory(): string {
    const last = this.#samples.at(-1)
    const early = this.#samples.find(({ atMs }) => atMs * 6 >= (last?.atMs ?? 0))
    if (last === undefined || early === undefined) return 'not measured'
    const percent = Math.round((last.bytes / early.bytes - 1) * 100)
    const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`
    return (
      `${megabytes(last.bytes)} at the end, ${megabytes(early.bytes)} after ` +
      `${Math.round(early.atMs / 1_000)} s (${percent >= 0 ? '+' : ''}${percent} %)`
    )
  }

  #tell(story: string): void {
    if (this.#stories.length < storiesMax) this.#stories.push(story)
  }
}
