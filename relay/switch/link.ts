/**
 * The relay's side of a link: what it remembers of one lane of one agent across carriers.
 *
 * Invariant: at most one carrier, that of the greatest attempt seen in this epoch; `session`
 * names the id space, and every WELCOME that does not resume mints another.
 */
import type { FaultCode, WireCode } from '../../shared/protocol/fault.ts'
import type { FrameOf } from '../../shared/protocol/frame.ts'
import { laneOf } from '../../shared/protocol/greeting.ts'
import { SwitchPort } from './port.ts'
import type { RoutingNotice } from './route.ts'

/** What becomes of links and streams, as the relay is told for its log and its status. */
export type SwitchNotice =
  | RoutingNotice
  | { readonly kind: 'linkUp'; readonly link: RelayLink; readonly resumed: boolean }
  /** `isHere`: another link of the agent is up, and streams go by that. */
  | { readonly kind: 'linkDown'; readonly link: RelayLink; readonly isHere: boolean }
  | { readonly kind: 'linkOver'; readonly link: RelayLink; readonly code: FaultCode }
  | { readonly kind: 'displaced'; readonly link: RelayLink }

/** What the switch asks of the carrier that serves a link now. */
export interface Carrier {
  /** The link has something to say. */
  wake(): void
  /** Another carrier takes over, or authority ends this one: destroy it, after GOAWAY if any. */
  end(code: FaultCode, goaway: WireCode | undefined): void
  /** Says that this relay is about to stop, in so many milliseconds. */
  drain(deadlineMs: number): void
  /** Says that the carrier of another lane is lost at this side. */
  gone(lane: number, attempt: number): void
}

export class RelayLink {
  readonly identity: string
  /** Which of the links of its agent it is, from 0. */
  readonly lane: number
  readonly port: SwitchPort
  readonly epoch: string
  session: string
  /** The number of the last carrier. */
  attempt: number
  carrier: Carrier | undefined
  /** What the agent says that it exposes. */
  services: ReadonlySet<string> = new Set()
  /** When the session is given up, while there is no carrier. */
  lostUntil = Number.POSITIVE_INFINITY
  /** How many carriers have served it: all but the last were lost, or displaced. */
  carriers = 0
  /** Bytes of frames, on all its carriers together. */
  receivedBytes = 0
  sentBytes = 0
  /** The agent said that it leaves for good. */
  saidBye = false

  constructor(identity: string, hello: FrameOf<'hello'>, session: string) {
    this.identity = identity
    this.lane = laneOf(hello)
    this.epoch = hello.epoch
    this.session = session
    this.attempt = hello.attempt
    this.port = new SwitchPort(identity, () => this.carrier?.wake())
  }

  /** A carrier serves it from now on. */
  serve(carrier: Carrier, attempt: number): void {
    this.attempt = attempt
    this.carrier = carrier
    this.carriers += 1
    this.lostUntil = Number.POSITIVE_INFINITY
    this.port.up = true
  }

  /** Its carrier is gone: whoever is on the other side of its routes is to hold. */
  lose(until: number): void {
    this.carrier = undefined
    this.lostUntil = until
    this.port.up = false
    this.port.voice.hush()
    for (const leg of this.port.legs.values()) {
      leg.hush()
      const { far } = leg
      if (far?.port.up !== true || !far.named) continue
      far.say.word = 'hold'
      far.speak()
    }
  }

  /** True when this HELLO goes on where the link stands. */
  resumes(hello: FrameOf<'hello'>): boolean {
    return hello.epoch === this.epoch && hello.session === this.session
  }
}
