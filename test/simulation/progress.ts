/**
 * How far a run is, on standard error: one line that is written over on a terminal, and a line
 * every ten seconds elsewhere.
 *
 * Invariant: what is shown is what has come back, and nothing is estimated.
 */
import type { Numbers } from './report.ts'
import { number } from './table.ts'

const everyMs = 10_000

export class Progress implements Disposable {
  readonly #seeds: number
  readonly #say: (text: string) => void
  readonly #isTerminal: boolean
  readonly #since = performance.now()
  #saidAt = performance.now()

  constructor(seeds: number, say: (text: string) => void, isTerminal: boolean) {
    this.#seeds = seeds
    this.#say = say
    this.#isTerminal = isTerminal
  }

  show({ worlds, cuts }: Numbers): void {
    const now = performance.now()
    const seconds = ((now - this.#since) / 1_000).toFixed(0)
    const line =
      `${number(worlds)} of ${number(this.#seeds)} seeds, ${number(cuts)} cuts, ` + `${seconds} s`
    if (this.#isTerminal) this.#say(`\r\u001b[K${line}`)
    else if (now - this.#saidAt >= everyMs) {
      this.#saidAt = now
      this.#say(`${line}\n`)
    }
  }

  /** Leaves the line to whoever writes next. */
  end(): void {
    if (this.#isTerminal) this.#say('\r\u001b[K')
  }

  [Symbol.dispose](): void {
    this.end()
  }
}
