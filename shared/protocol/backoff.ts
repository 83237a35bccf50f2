/**
 * When an agent dials again after a carrier was lost or refused.
 *
 * Invariant: it never gives up. While streams wait the pauses are 0, 0.1, 0.3, 1 and then 1.5
 * seconds (protocol rule 41: what MQTT survives is decided here, and how soon after its return a
 * killed relay's streams are known to be over); without waiting streams they grow to 30 seconds.
 * Every pause but the first is drawn at random between half and all of it, so that a thousand
 * agents do not return as one (X8).
 */

const firstPausesMs: readonly number[] = [0, 100, 300, 1_000]
/** Each pause behind the first ones, while streams wait. */
const urgentPauseMs = 1_500
/** The first of the pauses that grow, while none does. */
const growingPauseMs = 3_000
/** The longest pause once no stream waits for the carrier. */
export const idlePauseMsMax = 30_000
/** The least pause of a life that another life of the same identity has displaced. */
export const displacedPauseMs = 30_000

/** The pause before try number `tries` (0 is the first); `chance` gives a number in [0, 1). */
export function redialPauseMs(tries: number, streamsWait: boolean, chance: () => number): number {
  const later = Math.min(10, tries - firstPausesMs.length)
  const idlePauseMs = Math.min(idlePauseMsMax, growingPauseMs * 2 ** later)
  const fullMs = firstPausesMs[tries] ?? (streamsWait ? urgentPauseMs : idlePauseMs)
  return fullMs * (0.5 + chance() / 2)
}

/** A carrier that lasted this long was a good one: the next dial follows at once. */
const steadyMs = 1_000

/** When the next carrier of one link is to be dialled. */
export class Redial {
  readonly #chance: () => number
  #tries = 0
  #pauseMsMin = 0
  /** When to dial while no stream waits, and while one does. */
  #idleAt = 0
  #urgentAt = 0

  /** `chance` gives a number in [0, 1). */
  constructor(chance: () => number) {
    this.#chance = chance
  }

  /** The time to dial at; `streamsWait` is asked only where it matters. */
  at(streamsWait: () => boolean): number {
    return this.#urgentAt < this.#idleAt && streamsWait() ? this.#urgentAt : this.#idleAt
  }

  /** The carrier that is lost now was ready for so long. */
  served(forMs: number): void {
    this.#tries = forMs >= steadyMs ? 0 : 1
  }

  /** A dial has failed, or a carrier is lost. */
  pause(now: number): void {
    const drawn = this.#chance()
    const at = (streamsWait: boolean): number => {
      const pauseMs = redialPauseMs(this.#tries, streamsWait, () => drawn)
      return now + Math.max(pauseMs, this.#pauseMsMin)
    }
    this.#idleAt = at(false)
    this.#urgentAt = at(true)
    this.#tries += 1
  }

  /** Another life of this identity has taken over. */
  displaced(): void {
    this.#pauseMsMin = displacedPauseMs
  }

  /** The relay has taken this life in. */
  welcomed(): void {
    this.#pauseMsMin = 0
  }
}
