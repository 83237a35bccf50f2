/**
 * The time between the word to stop and the end: streams leave, or end by themselves.
 *
 * Invariant: it is over when no stream is led any more, and at its deadline in any case.
 */

export class Drainage {
  readonly #streams: () => number
  readonly #emptied = Promise.withResolvers<void>()
  #isOpen = false

  /** `streams` tells how many are led now. */
  constructor(streams: () => number) {
    this.#streams = streams
  }

  /** True once it has begun. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** A stream has left. */
  look(): void {
    if (this.#isOpen && this.#streams() === 0) this.#emptied.resolve()
  }

  /** Resolves when the last stream has left, or after so long; gives how many are left. */
  async run(deadlineMs: number): Promise<number> {
    this.#isOpen = true
    this.look()
    const deadline = setTimeout(() => this.#emptied.resolve(), deadlineMs)
    await this.#emptied.promise
    clearTimeout(deadline)
    return this.#streams()
  }
}
