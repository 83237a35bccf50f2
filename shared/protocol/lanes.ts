/**
 * The links of an agent to one relay, side by side: one carrier each, so that a packet that is lost
 * on one stalls only the streams that go by it, and a carrier that dies leaves them another way.
 *
 * Invariant: each lane is a link of its own, with a session and ids of its own; a stream is on one
 * of them, both ways, and moves as it moves to another relay. Carriers of all lanes are numbered
 * in one sequence, so that a number names one carrier of this life. Before the first WELCOME only
 * lane 0 dials, and never more than the relay takes.
 */
import type { Endpoint } from './endpoint.ts'
import type { FaultCode } from './fault.ts'
import type { FrameOf } from './frame.ts'
import type { IdleCut } from './idle-cut.ts'
import { Link } from './link.ts'

/** What a link asks of the others to the same relay, and tells them. */
export interface Beside {
  /** The number of a new carrier: one sequence for all of them. */
  nextAttempt(): number
  /** The numbers of the carriers that are believed in. */
  alive(): readonly number[]
  /** True while the relay takes a carrier on this lane. */
  mayDial(lane: number): boolean
  /** The relay takes so many carriers of one agent. */
  welcomed(carriersMax: number): void
  /** The carrier of this lane is lost at this side: the relay is to hear of it by another. */
  lost(lane: number, attempt: number): void
  /** The relay has lost this carrier: it is to be given up. */
  gone(attempt: number): void
}

/** What is the same for all links to a relay. */
export interface LanesOptions {
  /** The relay's name, as the agent's list has it. */
  readonly name: string
  readonly endpoint: Endpoint
  /** One life of the agent process: 8 random bytes in hexadecimal. */
  readonly epoch: string
  /** The services that this agent exposes. */
  readonly services: readonly string[]
  /** How long silence is believed; the smaller of this and what WELCOME says. */
  readonly livenessMs: number
  /** A number in [0, 1). */
  readonly chance: () => number
}

/** What each of them has for itself. */
export interface OfLane {
  /** What is known of the path to this relay, across the carriers of this lane. */
  readonly idleCut?: IdleCut
  /** The link may have something to send, or to dial. */
  readonly wake: () => void
  /** The session is up: `resumed` tells whether streams went on by it. */
  readonly ready: (welcome: FrameOf<'welcome'>) => void
  /** The relay said GOAWAY with this code for the first time on this carrier. */
  readonly goaway: (code: FaultCode) => void
}

export class Lanes implements Beside {
  readonly links: readonly Link[]
  #attempt = 0
  #carriersMax = 1

  /** `count` lanes, 1 to `lanesMax`. */
  constructor(count: number, options: LanesOptions, ofLane: (lane: number) => OfLane) {
    this.links = Array.from(
      { length: count },
      (_, lane) => new Link({ ...options, ...ofLane(lane), lane, beside: this }),
    )
  }

  /** Some link is up. */
  get ready(): boolean {
    return this.links.some(({ ready }) => ready)
  }

  nextAttempt(): number {
    this.#attempt += 1
    return this.#attempt
  }

  alive(): readonly number[] {
    return this.links.filter(({ hasCarrier }) => hasCarrier).map(({ attempt }) => attempt)
  }

  mayDial(lane: number): boolean {
    return lane < this.#carriersMax
  }

  welcomed(carriersMax: number): void {
    this.#carriersMax = Math.max(1, carriersMax)
  }

  lost(lane: number, attempt: number): void {
    for (const link of this.links) if (link.lane !== lane) link.sayGone(lane, attempt)
  }

  gone(attempt: number): void {
    for (const link of this.links) {
      if (link.hasCarrier && link.attempt === attempt) link.giveUp()
    }
  }
}
