/**
 * The waits of all ends of one endpoint, judged by one coarse tick.
 *
 * Invariant: no end waits without a limit for a way, an answer or a last word; only an application
 * that is silent on a good path may be silent for ever. A stream on which nothing moves although
 * something should is made to restate itself: a safety net, counted, and never needed unless a
 * frame of a live route was dropped in silence.
 */

import type { Phase } from './life.ts'
import { Opener, seekPauseMs } from './opener.ts'
import type { End } from './stream.ts'

/** How long a little consumption may go without CREDIT. */
export const creditDelayMs = 100
/** How often every end is looked at. */
const scanEveryMs = 500
/** The first and the greatest pause without progress before a stream restates itself. */
const stallMs = 5_000
const stallMaxMs = 60_000

interface Limits {
  readonly resumeWindowMs: number
  readonly openTimeoutMs: number
}

interface Watched {
  phase: Phase
  phaseAt: number
  /** Since when there is no attachment to speak on. */
  lostAt: number | undefined
  progress: number
  progressAt: number
  patienceMs: number
}

export class Watch<Port> {
  readonly #limits: Limits
  readonly #watched = new Map<End<Port>, Watched>()
  readonly #owed = new Set<End<Port>>()
  #creditAt = Number.POSITIVE_INFINITY
  #scanAt = Number.POSITIVE_INFINITY
  #stalls = 0
  #waited = false
  #resumeWindowMs: number

  constructor(limits: Limits) {
    this.#limits = limits
    this.#resumeWindowMs = limits.resumeWindowMs
  }

  /** The relays of now wait no longer than this: the smaller window holds (protocol rule 15). */
  narrowWindow(resumeWindowMs: number): void {
    this.#resumeWindowMs = Math.min(this.#limits.resumeWindowMs, resumeWindowMs)
  }

  /** How often a stream was made to restate itself because nothing moved. */
  get stalls(): number {
    return this.#stalls
  }

  /** Some stream has no way on which it could speak now. */
  get waits(): boolean {
    for (const { current } of this.#watched.keys()) if (current?.ready !== true) return true
    return false
  }

  /** The same, once for each time that it begins: relays that are away are wanted sooner. */
  beginsToWait(): boolean {
    const waited = this.#waited
    this.#waited = this.waits
    return this.#waited && !waited
  }

  add(end: End<Port>, now: number): void {
    this.#watched.set(end, {
      phase: end.phase,
      phaseAt: now,
      lostAt: undefined,
      progress: 0,
      progressAt: now,
      patienceMs: stallMs,
    })
    if (this.#watched.size === 1) this.#scanAt = now + seekPauseMs
  }

  delete(end: End<Port>): void {
    this.#watched.delete(end)
    this.#owed.delete(end)
  }

  /** True when this brings the deadline nearer. */
  owesCredit(end: End<Port>, now: number): boolean {
    const isFirst = this.#owed.size === 0
    if (isFirst) this.#creditAt = now + creditDelayMs
    this.#owed.add(end)
    return isFirst
  }

  deadline(): number {
    const credit = this.#owed.size === 0 ? Number.POSITIVE_INFINITY : this.#creditAt
    const scan = this.#watched.size === 0 ? Number.POSITIVE_INFINITY : this.#scanAt
    return Math.min(credit, scan)
  }

  tick(now: number): void {
    if (this.#owed.size > 0 && now >= this.#creditAt) {
      const owed = [...this.#owed]
      this.#owed.clear()
      for (const end of owed) end.sayOwedCredit()
    }
    if (now < this.#scanAt) return
    let unsettled = false
    for (const [end, watched] of [...this.#watched]) {
      this.#judge(end, watched, now)
      if (end instanceof Opener && !end.settled) {
        end.seek()
        unsettled = true
      }
    }
    this.#scanAt = now + (unsettled ? seekPauseMs : scanEveryMs)
  }

  #judge(end: End<Port>, watched: Watched, now: number): void {
    if (watched.phase !== end.phase) {
      watched.phase = end.phase
      watched.phaseAt = now
    }
    const attached = end.current?.ready === true
    if (attached) watched.lostAt = undefined
    else {
      watched.lostAt ??= now
      // Only time on a good path counts as time without progress.
      watched.progressAt = now
    }
    const inPhaseMs = now - watched.phaseAt
    const lostMs = watched.lostAt === undefined ? 0 : now - watched.lostAt
    const { openTimeoutMs } = this.#limits
    const resumeWindowMs = this.#resumeWindowMs
    switch (end.phase) {
      case 'opening':
      case 'dialling':
        if (inPhaseMs >= openTimeoutMs) end.expire('open_timeout')
        return
      case 'open':
        if (lostMs >= resumeWindowMs) return end.expire('expired')
        break
      case 'aborting':
        if (lostMs >= resumeWindowMs || inPhaseMs >= 2 * resumeWindowMs)
          return end.expire('expired')
        break
      case 'aborted':
      case 'lingering':
        if (inPhaseMs >= resumeWindowMs) return end.expire('expired')
        break
      case 'closed':
        return
      default:
        end.phase satisfies never
    }
    if (attached) this.#judgeProgress(end, watched, now)
  }

  #judgeProgress(end: End<Port>, watched: Watched, now: number): void {
    const { send, receive } = end
    const progress = send.acked + send.reached + send.limit + receive.received + receive.consumed
    const moved = progress !== watched.progress
    if (moved || !shouldMove(end)) {
      watched.progress = progress
      watched.progressAt = now
      watched.patienceMs = stallMs
      return
    }
    if (now - watched.progressAt < watched.patienceMs) return
    watched.progressAt = now
    watched.patienceMs = Math.min(watched.patienceMs * 2, stallMaxMs)
    this.#stalls += 1
    end.restate()
    end.say('resync')
  }
}

function shouldMove<Port>(end: End<Port>): boolean {
  if (end.phase === 'lingering' || end.phase === 'aborting') return true
  return end.phase === 'open' && (end.send.waiting || end.send.written >= end.send.limit)
}
