/**
 * The keys of streams that are over, so that an OPEN which still wanders about does not dial again.
 *
 * Invariant: at most `countMax` are kept, each for `keptMs`; the oldest goes first (protocol rule
 * 6).
 */
import type { WireCode } from './fault.ts'

export class Tombstones {
  readonly #keptMs: number
  readonly #countMax: number
  /** In the order of their ends, which is the order of insertion. */
  readonly #graves = new Map<string, { readonly code: WireCode; readonly until: number }>()

  constructor(keptMs: number, countMax: number) {
    this.#keptMs = keptMs
    this.#countMax = countMax
  }

  get size(): number {
    return this.#graves.size
  }

  /** How the stream of this key ended, if that is still known. */
  get(key: string): WireCode | undefined {
    return this.#graves.get(key)?.code
  }

  add(key: string, code: WireCode, now: number): void {
    for (const oldest of this.#graves.keys()) {
      if (this.#graves.size < this.#countMax) break
      this.#graves.delete(oldest)
    }
    this.#graves.set(key, { code, until: now + this.#keptMs })
  }

  deadline(): number {
    for (const { until } of this.#graves.values()) return until
    return Number.POSITIVE_INFINITY
  }

  /** Forgets those whose time has passed. */
  bury(now: number): void {
    for (const [key, { until }] of this.#graves) {
      if (until > now) return
      this.#graves.delete(key)
    }
  }
}
