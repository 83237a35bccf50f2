/**
 * Middle boxes that close what is idle: they are known by how carriers die, and pinged past.
 *
 * Invariant: a carrier is evidence only when it died of the longest silence that it ever met. One
 * that outlived as long a silence before was cut by something else, and so was one that died while
 * it was busy. Two such deaths of about the same length, one after the other, are believed.
 */

/** Silences up to this ratio are about the same. */
const alikeRatio = 1.2
/** How much of the silence that was fatal may pass until the next PING. */
const safeShare = 3 / 4
/** The shortest pause between two PINGs that is ever learned. */
export const learnedPingMsMin = 1_000
/** A network is another one by then. */
const keptMs = 86_400_000

/** The silences of one carrier: how long nothing passed, either way. */
export class Silences {
  #passedAt: number
  /** The longest one behind which something was heard again. */
  #survivedMs = 0
  /** The longest one since then: this side has spoken, and nobody has answered yet. */
  #unansweredMs = 0

  constructor(now: number) {
    this.#passedAt = now
  }

  spoke(now: number): void {
    this.#unansweredMs = Math.max(this.#unansweredMs, now - this.#passedAt)
    this.#passedAt = now
  }

  heard(now: number): void {
    this.#survivedMs = Math.max(this.#survivedMs, this.#sinceHeardMs(now))
    this.#unansweredMs = 0
    this.#passedAt = now
  }

  /**
   * The silence that the carrier has died of by now, if it may have been one. Where an answer is
   * due the carrier was dead before it was asked for: what came later is no silence of the path.
   */
  fatalMs(now: number, answerIsDue: boolean): number | undefined {
    const lastMs = answerIsDue ? this.#unansweredMs : this.#sinceHeardMs(now)
    return lastMs > alikeRatio * this.#survivedMs ? lastMs : undefined
  }

  #sinceHeardMs(now: number): number {
    return Math.max(this.#unansweredMs, now - this.#passedAt)
  }
}

/** What is learned about the path to one relay, from carrier to carrier. */
export class IdleCut {
  readonly #learned: (idleMs: number, pingMs: number) => void
  /** The carrier before died of this silence, at this time. */
  #suspicion: { readonly idleMs: number; readonly at: number } | undefined
  #known: { readonly pingMs: number; readonly at: number } | undefined

  /** `learned` is told of each silence that is believed to be fatal, and what is done about it. */
  constructor(learned: (idleMs: number, pingMs: number) => void) {
    this.#learned = learned
  }

  /** No more time than this may pass between two PINGs. */
  pingMsMax(now: number): number {
    const known = this.#known
    const isKept = known !== undefined && now - known.at < keptMs
    return isKept ? known.pingMs : Number.POSITIVE_INFINITY
  }

  /** A carrier was lost, of this silence or of something else. */
  carrierLost(idleMs: number | undefined, now: number): void {
    const before = this.#suspicion
    this.#suspicion = idleMs === undefined ? undefined : { idleMs, at: now }
    if (idleMs === undefined || before === undefined || now - before.at >= keptMs) return
    const shorterMs = Math.min(idleMs, before.idleMs)
    if (Math.max(idleMs, before.idleMs) > alikeRatio * shorterMs) return
    const pingMs = Math.max(learnedPingMsMin, safeShare * shorterMs)
    // PINGs that came as often did not help: it is something else.
    if (pingMs >= shorterMs || pingMs >= this.pingMsMax(now)) return
    this.#known = { pingMs, at: now }
    this.#learned(shorterMs, pingMs)
  }
}
