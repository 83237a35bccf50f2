/**
 * The lives of agents that another life of the same identity has displaced.
 *
 * Invariant: a life is remembered for as long as it is obliged to stay away, and no longer: what
 * comes from it until then was under way when it ended (protocol rule 16).
 */
import { displacedPauseMs } from '../../shared/protocol/backoff.ts'

export class DisplacedLives {
  readonly #until = new Map<string, number>()

  add(identity: string, epoch: string, now: number): void {
    for (const [life, until] of this.#until) {
      if (until > now) break
      this.#until.delete(life)
    }
    this.#until.set(`${identity} ${epoch}`, now + displacedPauseMs)
  }

  has(identity: string, epoch: string, now: number): boolean {
    return (this.#until.get(`${identity} ${epoch}`) ?? 0) > now
  }
}
