/**
 * What a link has to say of itself, beside streams and its pulse: GOAWAY, GONE, SERVICES.
 *
 * Invariant: state and not a queue: of each lane the last carrier that was lost, and no other, for
 * whoever has dialled again since has told the relay by that.
 */
import type { Frame } from './frame.ts'

export class Notices {
  readonly #names: readonly string[]
  readonly #gone = new Map<number, number>()
  #sayBye = false
  #sayServices = false

  /** `names` are the services that SERVICES lists. */
  constructor(names: readonly string[]) {
    this.#names = names
  }

  /** The agent leaves for good. */
  bye(): void {
    this.#sayBye = true
  }

  /** The services are to be said. */
  services(): void {
    this.#sayServices = true
  }

  /** The carrier of another lane is lost. */
  gone(lane: number, attempt: number): void {
    this.#gone.set(lane, attempt)
  }

  /** The carrier is lost: whoever was to hear of another one will hear it by the next HELLO. */
  forget(): void {
    this.#gone.clear()
  }

  /** The next frame, or undefined. */
  pull(): Frame | undefined {
    if (this.#sayBye) {
      this.#sayBye = false
      return { kind: 'goaway', code: 'bye', deadlineMs: 0 }
    }
    for (const [lane, attempt] of this.#gone) {
      this.#gone.delete(lane)
      return { kind: 'gone', attempt }
    }
    if (!this.#sayServices) return undefined
    this.#sayServices = false
    return { kind: 'services', revision: 1, names: this.#names }
  }
}
