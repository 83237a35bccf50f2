/**
 * The agent's side of a link: what it and one relay have across carriers.
 *
 * Invariant: one carrier at a time, numbered by `attempt`; a frame of an older one is never
 * handled. Nothing but HELLO is said before WELCOME. The session that WELCOME minted is what the
 * next HELLO asks to resume; streams live in the endpoint and survive both.
 */
import { Redial } from './backoff.ts'
import type { Endpoint } from './endpoint.ts'
import { Fault, type FaultCode } from './fault.ts'
import { type Frame, type FrameOf, isStreamFrame, noSession, protocolVersion } from './frame.ts'
import type { IdleCut } from './idle-cut.ts'
import type { EndpointPort } from './port.ts'
import { Pulse } from './pulse.ts'

export interface LinkOptions {
  /** The relay's name, as the agent's list has it. */
  readonly name: string
  readonly endpoint: Endpoint
  /** One life of the agent process: 8 random bytes in hexadecimal. */
  readonly epoch: string
  /** The services that this agent exposes. */
  readonly services: readonly string[]
  /** How long silence is believed; the smaller of this and what WELCOME says. */
  readonly livenessMs: number
  /** What is known of the path to this relay, across carriers. */
  readonly idleCut?: IdleCut
  /** A number in [0, 1). */
  readonly chance: () => number
  /** The link may have something to send, or to dial. */
  readonly wake: () => void
  /** The session is up: `resumed` tells whether streams went on by it. */
  readonly ready: (welcome: FrameOf<'welcome'>) => void
  /** The relay said GOAWAY with this code for the first time on this carrier. */
  readonly goaway: (code: FaultCode) => void
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
  #sayServices = false
  #sayGoaway: FrameOf<'goaway'> | undefined

  constructor(options: LinkOptions) {
    this.#options = options
    this.#livenessMs = options.livenessMs
    this.#redial = new Redial(options.chance)
    this.port = options.endpoint.addPort(options.name, options.wake)
  }

  get ready(): boolean {
    return this.#state.kind === 'ready'
  }

  /** The carrier's number: each new one counts one up, for the life of this process. */
  get attempt(): number {
    return this.#attempt
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
    if (this.#state.kind !== 'idle') return Number.POSITIVE_INFINITY
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
    this.#attempt += 1
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
    this.#options.endpoint.portDown(this.port, now)
    this.#pause(now)
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
      case 'hello':
      case 'gone':
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
    const goaway = this.#sayGoaway
    if (goaway !== undefined) {
      this.#sayGoaway = undefined
      return goaway
    }
    const beat = pulse.pull(now)
    if (beat !== undefined) return beat
    if (this.#sayServices) {
      this.#sayServices = false
      return { kind: 'services', revision: 1, names: this.#options.services }
    }
    return this.#options.endpoint.pull(this.port, pulse.room)
  }

  /** The bytes of a frame were given to the carrier. */
  sent(bytes: number): void {
    this.#pulse?.sent(bytes)
  }

  /** Says goodbye: the relay ends what it holds for this life at once. */
  bye(): void {
    this.#sayGoaway = { kind: 'goaway', code: 'bye', deadlineMs: 0 }
    this.#options.wake()
  }

  /** Why the carrier is to be given up now, if it is. */
  verdict(now: number): Fault | undefined {
    if (this.#state.kind === 'greeting' && now >= this.#state.since + this.#livenessMs) {
      return new Fault('carrier_silent', `no WELCOME within ${this.#livenessMs} ms`)
    }
    if (this.#pulse?.isDead(now) !== true) return undefined
    return new Fault('carrier_silent', `nothing was heard for ${this.#livenessMs} ms`)
  }

  /** When `pull` or `verdict` may have something new to say. */
  deadline(): number {
    if (this.#state.kind === 'greeting') return this.#state.since + this.#livenessMs
    return this.#pulse?.deadline() ?? Number.POSITIVE_INFINITY
  }

  #welcome(frame: FrameOf<'welcome'>, now: number): void {
    if (frame.version !== protocolVersion) {
      throw new Fault('version_unsupported', `the relay speaks version ${frame.version}`)
    }
    if (this.#state.kind !== 'greeting') return
    if (frame.resumed && frame.session !== this.#session) {
      throw new Fault('frame_unexpected', 'WELCOME resumes a session that was not asked for')
    }
    this.#session = frame.session
    const saidMs = Math.max(livenessMsMin, frame.livenessMs)
    this.#livenessMs = Math.min(this.#options.livenessMs, saidMs)
    this.#pulse?.believe(this.#livenessMs)
    this.#state = { kind: 'ready', since: now }
    this.#sayServices = true
    this.#redial.welcomed()
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
    return {
      kind: 'hello',
      version: protocolVersion,
      epoch: this.#options.epoch,
      session: this.#session,
      attempt: this.#attempt,
      alive: [],
      attributes: [],
    }
  }

  #pause(now: number): void {
    this.#redial.pause(now)
    this.#state = { kind: 'idle' }
    this.#options.wake()
  }
}
