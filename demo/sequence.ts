/**
 * Numbered messages from one client through the tunnel to another, and the account of them.
 *
 * Invariant: every message that was sent is heard or under way; one that is heard twice is counted
 * as doubled, one that is heard behind a later one as out of order. No more than `aheadMax` are
 * under way: what a broker keeps for a subscriber is bounded too.
 */
import { Fault } from '../shared/protocol/fault.ts'
import { countText, messageOf } from './narration.ts'
import { Changes, type Patience } from './waiting.ts'

/** Whatever can carry a message; `acknowledged` is called when the broker has it. */
export interface Sender {
  publish(topic: string, payload: string, acknowledged: () => void): void
}
export interface Receiver {
  subscribe(topic: string, hear: (payload: string) => void): Promise<void>
}

export interface SequencePlan {
  readonly from: Sender
  readonly to: Receiver
  readonly topic: string
  /** What each message begins with; other messages on the topic are not counted. */
  readonly word: string
  readonly aheadMax: number
}

/** Somebody who asked for the pauses of a time of his own. */
interface Watch {
  readonly since: number
  longestMs: number
}

export class Sequence {
  readonly #plan: SequencePlan
  readonly #underWay = new Set<number>()
  readonly #changes = new Changes()
  #wanted = 0
  #sent = 0
  #heard = 0
  #acknowledged = 0
  #doubled = 0
  #disordered = 0
  #latest = -1
  /** Since when something is under way and nothing was heard. */
  #quietSince = 0
  #longestPauseMs = 0
  readonly #watches = new Set<Watch>()

  private constructor(plan: SequencePlan) {
    this.#plan = plan
  }

  /** Subscribes the receiver; nothing is sent yet. */
  static async open(plan: SequencePlan): Promise<Sequence> {
    const sequence = new Sequence(plan)
    await plan.to.subscribe(plan.topic, (payload) => sequence.#hear(payload))
    return sequence
  }

  get sent(): number {
    return this.#sent
  }

  get heard(): number {
    return this.#heard
  }

  get doubled(): number {
    return this.#doubled
  }

  get disordered(): number {
    return this.#disordered
  }

  /** The longest time in which something was under way and nothing was heard, in milliseconds. */
  get longestPauseMs(): number {
    return Math.max(this.#longestPauseMs, this.pauseMs)
  }

  /** How long nothing was heard by now, although something is under way. */
  get pauseMs(): number {
    return this.#underWay.size === 0 ? 0 : performance.now() - this.#quietSince
  }

  /** Gives the longest pause, in milliseconds, from now until the answer is asked for. */
  beginWatch(): () => number {
    const watch: Watch = { since: performance.now(), longestMs: 0 }
    this.#watches.add(watch)
    return () => {
      this.#watches.delete(watch)
      return Math.max(watch.longestMs, this.#pauseSince(watch.since))
    }
  }

  /** Sends so many more, as fast as they are heard. */
  send(count: number): void {
    this.#wanted += count
    this.#pump()
  }

  /** Sends no more than were sent by now. */
  stop(): void {
    this.#wanted = this.#sent
  }

  /** Waits until so many were heard. */
  async reaches(count: number, patience: Patience): Promise<void> {
    const isThere = (): true | undefined => this.#heard >= count || undefined
    await this.#until(`message ${count}`, patience, isThere)
  }

  /** `9,998 of 10,000 heard, 9,999 acknowledged, 1 doubled, 0 out of order`. */
  get account(): string {
    const heard = `${countText(this.#heard)} of ${countText(this.#sent)} heard`
    const acknowledged = `${countText(this.#acknowledged)} acknowledged`
    return `${heard}, ${acknowledged}, ${this.#doubled} doubled, ${this.#disordered} out of order`
  }

  /** Waits until all that was sent was heard, and the broker has said that it has it. */
  async settles(patience: Patience): Promise<void> {
    const isSettled = (): true | undefined =>
      (this.#heard === this.#wanted && this.#acknowledged === this.#wanted) || undefined
    await this.#until(`all ${this.#wanted} messages`, patience, isSettled)
  }

  /** A wait that ends in vain tells the account. */
  async #until(what: string, patience: Patience, isSo: () => true | undefined): Promise<void> {
    try {
      await this.#changes.until(what, patience, isSo)
    } catch (cause) {
      patience.signal.throwIfAborted()
      throw new Fault('promise_broken', `${messageOf(cause)} ${this.account}.`, { cause })
    }
  }

  #pauseSince(since: number): number {
    if (this.#underWay.size === 0) return 0
    return performance.now() - Math.max(this.#quietSince, since)
  }

  #pump(): void {
    const { from, topic, word, aheadMax } = this.#plan
    while (this.#sent < this.#wanted && this.#underWay.size < aheadMax) {
      if (this.#underWay.size === 0) this.#quietSince = performance.now()
      this.#underWay.add(this.#sent)
      from.publish(topic, `${word} ${this.#sent}`, () => {
        this.#acknowledged += 1
        this.#changes.tell()
      })
      this.#sent += 1
    }
  }

  #hear(payload: string): void {
    const [word, digits] = payload.split(' ')
    const number = Number(digits)
    if (word !== this.#plan.word || !(number < this.#sent)) return
    if (!this.#underWay.delete(number)) {
      this.#doubled += 1
      return
    }
    if (number < this.#latest) this.#disordered += 1
    this.#latest = Math.max(this.#latest, number)
    this.#heard += 1
    const now = performance.now()
    for (const watch of this.#watches) {
      const pauseMs = now - Math.max(this.#quietSince, watch.since)
      watch.longestMs = Math.max(watch.longestMs, pauseMs)
    }
    this.#longestPauseMs = Math.max(this.#longestPauseMs, now - this.#quietSince)
    this.#quietSince = now
    this.#pump()
    this.#changes.tell()
  }
}
