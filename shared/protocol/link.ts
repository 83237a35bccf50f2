/**
 * The agent's side of a link: what it and one relay have across carriers, on one lane.
 *
 * Invariant: one carrier at a time, numbered by `attempt`; a frame of an older one is never
 * handled. Nothing but HELLO is said before WELCOME. The session that WELCOME minted is what the
 * next HELLO asks to resume; streams live in the endpoint and survive both.
 */
import { Redial } from './backoff.ts'
import { Fault, type FaultCode } from './fault.ts'
import { type Frame, type FrameOf, isStreamFrame, noSession } from './frame.ts'
import { checkWelcome, helloOf } from './greeting.ts'
import type { Beside, LanesOptions, OfLane } from './lanes.ts'
import { Notices } from './notices.ts'
import type { EndpointPort } from './port.ts'
import { Pulse } from './pulse.ts'

/** What its lanes give to a link. */
export type LinkOptions = LanesOptions &
  OfLane & {
    /** Which of the links to this relay it is, from 0. */
    readonly lane: number
    readonly beside: Beside
  }

/** The least silence that is believed, whatever WELCOME says: below it no carrier would live. */
const livenessMsMin = 1_000

type State =
  /** No carrier: one is dialled when it is time. */
  | { readonly kind: 'idle' }
  /** A carrier is being dialled. */
  | { readonly kind: 'dialling' }
  /** The carrier is up and HELLO is to be said, or was. */
  | { readonly kind: 'greeting'; helloSaid: boolean; readonly since: number }
  | { readonly kind: 'ready'; readonly since: number }

export class Link {
  readonly port: EndpointPort
  readonly #options: LinkOptions
  #state: State = { kind: 'idle' }
  readonly #redial: Redial
  #pulse: Pulse | undefined
  #attempt = 0
  #session = noSession
  #livenessMs: number
  readonly #goawaysHeard = new Set<FaultCode>()
  readonly #notices: Notices
  /** The relay has lost the carrier that is up. */
  #isGone = false

  constructor(options: LinkOptions) {
    this.#options = options
    this.#livenessMs = options.livenessMs
    this.#redial = new Redial(options.chance)
    this.#notices = new Notices(options.services)
    this.port = options.endpoint.addPort(options.name, options.wake)
  }

  get ready(): boolean {
    return this.#state.kind === 'ready'
  }

  get lane(): number {
    return this.#options.lane
  }

  /** The carrier's number: each new one of any lane counts one up, for the life of this process. */
  get attempt(): number {
    return this.#attempt
  }

  /** A carrier is up, as far as this side knows. */
  get hasCarrier(): boolean {
    return this.#pulse !== undefined
  }

  get roundTripMs(): number | undefined {
    return this.#pulse?.roundTripMs
  }

  /** When this side last had proof that the path carries something. */
  get heardAt(): number | undefined {
    return this.#pulse?.heardAt
  }

  /** When the next carrier is to be dialled: never while there is one. */
  dialAt(): number {
    const { beside, lane } = this.#options
    if (this.#state.kind !== 'idle' || !beside.mayDial(lane)) return Number.POSITIVE_INFINITY
    return this.#redial.at(() => this.#options.endpoint.waits)
  }

  /** A dial begins. */
  dialling(): void {
    this.#state = { kind: 'dialling' }
  }

  /** The dial has failed: another will follow. */
  dialFailed(now: number): void {
    this.#pause(now)
  }

  /** The carrier is up. */
  carrierUp(now: number): void {
    this.#attempt = this.#options.beside.nextAttempt()
    this.#isGone = false
    this.#livenessMs = this.#options.livenessMs
    this.#goawaysHeard.clear()
    this.#pulse = new Pulse(this.#livenessMs, now, this.#options.idleCut?.pingMsMax(now))
    this.#state = { kind: 'greeting', helloSaid: false, since: now }
    this.#options.wake()
  }

  /** The carrier is gone, or was given up. Its frames are handled no more. */
  carrierLost(now: number): void {
    if (this.#state.kind === 'ready') this.#redial.served(now - this.#state.since)
    // A relay that has said why it goes was not cut off.
    const silenceMs = this.#goawaysHeard.size > 0 ? undefined : this.#pulse?.fatalSilenceMs(now)
    this.#options.idleCut?.carrierLost(silenceMs, now)
    this.#pulse = undefined
    this.#notices.forget()
    this.#options.endpoint.portDown(this.port, now)
    this.#options.beside.lost(this.lane, this.#attempt)
    this.#pause(now)
  }

  /** The relay has lost the carrier that is up: `verdict` has it given up. */
  giveUp(): void {
    this.#isGone = true
    this.#options.wake()
  }

  /** Has the relay told that the carrier of another lane is lost. */
  sayGone(lane: number, attempt: number): void {
    if (!this.ready) return
    this.#notices.gone(lane, attempt)
    this.#options.wake()
  }

  /** A frame of the carrier that is up. Throws a fault that ends the carrier. */
  receive(frame: Frame, bytes: number, now: number): void {
    const pulse = this.#pulse
    if (pulse === undefined) return
    pulse.received(bytes, now)
    if (isStreamFrame(frame)) {
      if (!this.ready) throw new Fault('frame_unexpected', `${frame.kind} before WELCOME`)
      return this.#options.endpoint.receive(this.port, frame, now)
    }
    switch (frame.kind) {
      case 'welcome':
        return this.#welcome(frame, now)
      case 'ping':
        pulse.ping(frame)
        return this.#options.wake()
      case 'pong':
        pulse.pong(frame, now)
        this.port.roundTripMs = pulse.roundTripMs
        return this.#options.wake()
      case 'goaway':
        return this.#hearGoaway(frame.code, now)
      case 'gone':
        if (!this.ready) throw new Fault('frame_unexpected', 'gone before WELCOME')
        return this.#options.beside.gone(frame.attempt)
      case 'hello':
      case 'services':
        throw new Fault('frame_unexpected', `${frame.kind} from a relay`)
      default:
        frame satisfies never
    }
  }

  /** The next frame for the carrier. */
  pull(now: number): Frame | undefined {
    const pulse = this.#pulse
    if (pulse === undefined) return undefined
    if (this.#state.kind === 'greeting') {
      if (this.#state.helloSaid) return undefined
      this.#state.helloSaid = true
      return this.#hello()
    }
    const said = this.#notices.pull() ?? pulse.pull(now)
    return said ?? this.#options.endpoint.pull(this.port, pulse.room)
  }

  /** The bytes of a frame were given to the carrier. */
  sent(bytes: number): void {
    this.#pulse?.sent(bytes)
  }

  /** Says goodbye: the relay ends what it holds for this life at once. */
  bye(): void {
    this.#notices.bye()
    this.#options.wake()
  }

  /** Why the carrier is to be given up now, if it is. */
  verdict(now: number): Fault | undefined {
    if (this.#isGone) return new Fault('carrier_lost', 'the relay has lost this carrier')
    if (this.#state.kind === 'greeting' && now >= this.#state.since + this.#livenessMs) {
      return new Fault('carrier_silent', `no WELCOME within ${this.#livenessMs} ms`)
    }
    if (this.#pulse?.isDead(now) !== true) return undefined
    return new Fault('carrier_silent', `nothing was heard for ${this.#livenessMs} ms`)
  }

  /** When `pull` or `verdict` may have something new to say. */
  deadline(): number {
    if (this.#isGone && this.hasCarrier) return 0
    if (this.#state.kind === 'greeting') return this.#state.since + this.#livenessMs
    return this.#pulse?.deadline() ?? Number.POSITIVE_INFINITY
  }

  #welcome(frame: FrameOf<'welcome'>, now: number): void {
    if (this.#state.kind !== 'greeting') return
    checkWelcome(frame, this.#session)
    this.#session = frame.session
    const saidMs = Math.max(livenessMsMin, frame.livenessMs)
    this.#livenessMs = Math.min(this.#options.livenessMs, saidMs)
    this.#pulse?.believe(this.#livenessMs)
    this.#state = { kind: 'ready', since: now }
    this.#notices.services()
    this.#redial.welcomed()
    this.#options.beside.welcomed(frame.carriersMax)
    this.#options.endpoint.portUp(this.port, frame, now)
    this.#options.ready(frame)
    this.#options.wake()
  }

  #hearGoaway(code: FaultCode, now: number): void {
    if (this.#goawaysHeard.has(code)) return
    this.#goawaysHeard.add(code)
    if (code === 'displaced') this.#redial.displaced()
    if (code === 'drain') this.#options.endpoint.portLeaves(this.port, now)
    this.#options.goaway(code)
  }

  #hello(): Frame {
    const { beside, epoch, lane } = this.#options
    const attempt = this.#attempt
    const alive = beside.alive().filter((other) => other !== attempt)
    return helloOf({ epoch, session: this.#session, attempt, alive, lane })
  }

  #pause(now: number): void {
    this.#redial.pause(now)
    this.#state = { kind: 'idle' }
    this.#options.wake()
  }
}
