/**
 * The pulse of one carrier: is it alive, how long is its round trip, how much may be in flight.
 *
 * Invariant: any frame received is proof of life. A carrier is dead when nothing was heard for
 * `livenessMs` while a PING was out, or when a PING stayed unanswered for three times that (a
 * path that is black in one direction only). No more bytes are in flight than twice what the path
 * carries in a round trip: what the socket accepts beyond it would only wait below it, in front
 * of every keystroke (protocol rule 34).
 */
import type { Frame, FrameOf } from './frame.ts'
import { Silences } from './idle-cut.ts'

/** The least that may always be in flight. */
export const flightBytesMin = 65_536
/** Added to the least round trip, so that a short path is not starved by a busy process. */
const slackMs = 20
/** PINGs that may be unanswered at once. */
const pingsMax = 16
/** The best rate of the last one to two of these spans is the rate. */
const rateSpanMs = 5_000
/** By so much no silence outlasts the pause between two PINGs, unless the process stood still. */
const lateRatio = 1.5

export class Pulse {
  #livenessMs: number
  readonly #pingMsMax: number
  readonly #silences: Silences
  /** When whatever is sent next was pulled. */
  #pulledAt: number
  /** PINGs without an answer, oldest first. */
  #pings: { readonly echo: number; readonly at: number }[] = []
  #nextEcho = 1
  #pong: FrameOf<'pong'> | undefined
  #heardAt: number
  #pingedAt: number
  #bytesSent = 0
  #bytesSentAtPing = 0
  #bytesReceived = 0
  #bytesArrived = 0
  #arrivedAt: number
  #roundTripMs: number | undefined
  #roundTripMsMin = Number.POSITIVE_INFINITY
  #rate = { now: 0, before: 0, since: 0 }

  /** `pingMsMax` is learned: no more time may pass between two PINGs on this path. */
  constructor(livenessMs: number, now: number, pingMsMax = Number.POSITIVE_INFINITY) {
    this.#livenessMs = livenessMs
    this.#pingMsMax = pingMsMax
    this.#silences = new Silences(now)
    this.#pulledAt = now
    this.#heardAt = now
    this.#pingedAt = Number.NEGATIVE_INFINITY
    this.#arrivedAt = now
    this.#rate.since = now
  }

  /** How long silence is believed from now on. */
  believe(livenessMs: number): void {
    this.#livenessMs = livenessMs
  }

  /** The last measured round trip, in milliseconds. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs
  }

  /** When something was last heard. */
  get heardAt(): number {
    return this.#heardAt
  }

  /**
   * The silence that the carrier has died of by now, if it may have been one: it came as far as its
   * first PING, and the next was not late.
   */
  fatalSilenceMs(now: number): number | undefined {
    const silenceMs =
      this.#silences.fatalMs(now, this.#pings.length > 0) ?? Number.POSITIVE_INFINITY
    const isKept = Number.isFinite(this.#pingedAt) && silenceMs <= lateRatio * this.#pingEveryMs()
    return isKept ? silenceMs : undefined
  }

  /** How many bytes may be in flight. */
  get flightBytesMax(): number {
    const rate = Math.max(this.#rate.now, this.#rate.before)
    if (rate === 0) return flightBytesMin
    return Math.max(flightBytesMin, 2 * rate * (this.#roundTripMsMin + slackMs))
  }

  /** False while enough bytes are in flight: control may still be said, bytes may not. */
  get room(): boolean {
    return this.#bytesSent - this.#bytesArrived < this.flightBytesMax
  }

  sent(bytes: number): void {
    this.#bytesSent += bytes
    this.#silences.spoke(this.#pulledAt)
  }

  received(bytes: number, now: number): void {
    this.#bytesReceived += bytes
    this.#silences.heard(now)
    this.#heardAt = now
  }

  /** A PING came: the newest is answered, for the counts in it are absolute (law 1). */
  ping(frame: FrameOf<'ping'>): void {
    this.#pong = { kind: 'pong', echo: frame.echo, bytesReceived: this.#bytesReceived }
  }

  /** A PONG came. One that answers no PING of ours is ignored. */
  pong(frame: FrameOf<'pong'>, now: number): void {
    const index = this.#pings.findIndex(({ echo }) => echo === frame.echo)
    const ping = this.#pings[index]
    if (ping === undefined || frame.bytesReceived > this.#bytesSent) return
    this.#pings.splice(0, index + 1)
    this.#roundTripMs = now - ping.at
    this.#roundTripMsMin = Math.min(this.#roundTripMsMin, this.#roundTripMs)
    const arrived = frame.bytesReceived - this.#bytesArrived
    if (arrived <= 0) return
    const tookMs = now - Math.max(this.#arrivedAt, ping.at - this.#roundTripMs)
    this.#measured(arrived / Math.max(1, tookMs), now)
    this.#bytesArrived = frame.bytesReceived
    this.#arrivedAt = now
  }

  /** The next PONG or PING to say, or undefined. */
  pull(now: number): Frame | undefined {
    this.#pulledAt = now
    const pong = this.#pong
    if (pong !== undefined) {
      this.#pong = undefined
      return pong
    }
    if (!this.#pingDue(now) || this.#pings.length >= pingsMax) return undefined
    const echo = this.#nextEcho
    this.#nextEcho += 1
    this.#pings.push({ echo, at: now })
    this.#pingedAt = now
    this.#bytesSentAtPing = this.#bytesSent
    return { kind: 'ping', echo, bytesSent: this.#bytesSent }
  }

  /** True when this carrier is dead. */
  isDead(now: number): boolean {
    const oldest = this.#pings[0]
    if (oldest === undefined) return false
    return now >= this.#deathAt(oldest.at)
  }

  /** When `pull` or `isDead` will have something new to say, if nothing is heard until then. */
  deadline(): number {
    const nextPing =
      this.#pings.length < pingsMax
        ? this.#pingedAt + this.#pingEveryMs()
        : Number.POSITIVE_INFINITY
    const oldest = this.#pings[0]
    if (oldest === undefined) return nextPing
    return Math.min(nextPing, this.#deathAt(oldest.at))
  }

  #pingEveryMs(): number {
    return Math.min(this.#livenessMs / 3, this.#pingMsMax)
  }

  #pingDue(now: number): boolean {
    const bytesSincePing = this.#bytesSent - this.#bytesSentAtPing
    const isTime = now >= this.#pingedAt + this.#pingEveryMs()
    return isTime || bytesSincePing * 4 >= this.flightBytesMax
  }

  // The same sums as in `deadline`: a difference may fall short of it by the last bit, and whoever
  // waits for the deadline would turn in a loop there.
  #deathAt(oldestPingAt: number): number {
    return Math.min(this.#heardAt + this.#livenessMs, oldestPingAt + 3 * this.#livenessMs)
  }

  #measured(bytesPerMs: number, now: number): void {
    if (now - this.#rate.since >= rateSpanMs) {
      this.#rate = { now: 0, before: this.#rate.now, since: now }
    }
    this.#rate.now = Math.max(this.#rate.now, bytesPerMs)
  }
}
