/**
 * The account of the demo: which promises were kept, and for those that were not, the evidence.
 *
 * Invariant: every step is counted once, as kept or as broken; one that was interrupted is neither.
 */
import { Fault } from '../shared/protocol/fault.ts'
import { countText, type Narrator, type Outcome, type Progress, secondsText } from './narration.ts'
import type { Processes } from './processes.ts'

export class Account {
  readonly #narrator: Narrator
  readonly #processes: Processes
  readonly #signal: AbortSignal
  readonly #start = performance.now()
  readonly #broken: string[] = []
  #kept = 0

  constructor(narrator: Narrator, processes: Processes, signal: AbortSignal) {
    this.#narrator = narrator
    this.#processes = processes
    this.#signal = signal
  }

  /** A step on which all others stand: throws when it fails. */
  async step<Value>(
    label: string,
    intent: string,
    work: (progress: Progress) => Promise<Outcome<Value>>,
  ): Promise<Value> {
    try {
      const value = await this.#narrator.step(label, intent, work)
      this.#kept += 1
      return value
    } catch (error) {
      if (!this.#signal.aborted) this.#showEvidence()
      this.#broken.push(intent)
      throw error
    }
  }

  /** A promise that stands for itself: the others are tried even if this one is broken. */
  async promise(intent: string, work: (progress: Progress) => Promise<string>): Promise<void> {
    try {
      await this.step('promise', intent, async (progress) => {
        return { text: await work(progress), value: undefined }
      })
    } catch (error) {
      if (this.#signal.aborted) throw error
    }
  }

  /** `10 of 10 promises kept in 12.3 s`. */
  get summary(): string {
    const total = countText(this.#kept + this.#broken.length)
    const took = secondsText(performance.now() - this.#start)
    return `${this.#kept} of ${total} promises kept in ${took}`
  }

  /** Throws `promise_broken` when there is one. */
  throwIfBroken(): void {
    if (this.#broken.length === 0) return
    throw new Fault('promise_broken', `Not kept: ${this.#broken.join('; ')}.`)
  }

  #showEvidence(): void {
    const show = (line: string): void => this.#narrator.say(this.#narrator.dim(`      ${line}`))
    for (const child of this.#processes.children) {
      show(`the last that ${child.name} said:`)
      for (const line of child.lastLines(linesShown)) show(line)
    }
  }
}

const linesShown = 6
