/**
 * The relay's side of one carrier: what is said and heard on one WebSocket of a proved agent.
 *
 * Invariant: the first frame is HELLO, in time, and nothing is said before it came (X4); a
 * carrier that was fenced handles no further frame.
 */
import { Fault, type FaultCode, type WireCode } from '../../shared/protocol/fault.ts'
import { type Frame, type FrameOf, isStreamFrame } from '../../shared/protocol/frame.ts'
import { Pulse } from '../../shared/protocol/pulse.ts'
import type { Carrier, RelayLink } from './link.ts'
import type { Switch } from './switch.ts'

/** How long a carrier may take until its HELLO. */
export const helloTimeoutMs = 5_000

export interface AgentCarrierOptions {
  readonly switch: Switch
  /** The verified name: `agent/plant-1`. */
  readonly identity: string
  readonly livenessMs: number
  readonly now: number
  readonly wake: () => void
  /** The carrier is to be destroyed; frames that are pulled first go out before. */
  readonly end: (code: FaultCode) => void
}

export class AgentCarrier implements Carrier {
  readonly #options: AgentCarrierOptions
  readonly #pulse: Pulse
  readonly #since: number
  #link: RelayLink | undefined
  #welcome: FrameOf<'welcome'> | undefined
  #goaway: FrameOf<'goaway'> | undefined
  /** The carriers of other lanes that the agent is to give up: the last one of each. */
  readonly #gone = new Map<number, number>()
  #fenced = false

  constructor(options: AgentCarrierOptions) {
    this.#options = options
    this.#since = options.now
    this.#pulse = new Pulse(options.livenessMs, options.now)
  }

  get link(): RelayLink | undefined {
    return this.#link
  }

  get roundTripMs(): number | undefined {
    return this.#pulse.roundTripMs
  }

  /** When something was last heard: the last proof that the path carries anything. */
  get heardAt(): number {
    return this.#pulse.heardAt
  }

  wake(): void {
    this.#options.wake()
  }

  end(code: FaultCode, goaway: WireCode | undefined): void {
    this.#fenced = true
    if (goaway !== undefined) this.#goaway = { kind: 'goaway', code: goaway, deadlineMs: 0 }
    this.#options.end(code)
  }

  drain(deadlineMs: number): void {
    this.#goaway = { kind: 'goaway', code: 'drain', deadlineMs }
    this.#options.wake()
  }

  gone(lane: number, attempt: number): void {
    this.#gone.set(lane, attempt)
    this.#options.wake()
  }

  /** A frame of the agent. Throws a fault that ends the carrier. */
  receive(frame: Frame, bytes: number, now: number): void {
    if (this.#fenced) return
    this.#pulse.received(bytes, now)
    const link = this.#link
    if (link === undefined) return this.#greet(frame, now)
    link.receivedBytes += bytes
    if (isStreamFrame(frame)) return this.#options.switch.receive(link.port, frame, now)
    switch (frame.kind) {
      case 'hello':
        // The same frame may be said twice (law 1).
        return
      case 'ping':
        this.#pulse.ping(frame)
        return this.#options.wake()
      case 'pong':
        this.#pulse.pong(frame, now)
        return this.#options.wake()
      case 'services':
        link.services = new Set(frame.names)
        return
      case 'goaway':
        return this.#options.switch.goaway(link, frame.code, now)
      case 'gone':
        return this.#options.switch.gone(link, frame.attempt, now)
      case 'welcome':
        throw new Fault('frame_unexpected', `${frame.kind} from an agent`)
      default:
        frame satisfies never
    }
  }

  pull(now: number): Frame | undefined {
    if (this.#welcome !== undefined && !this.#fenced) {
      const welcome = this.#welcome
      this.#welcome = undefined
      return welcome
    }
    if (this.#goaway !== undefined) {
      const goaway = this.#goaway
      this.#goaway = undefined
      return goaway
    }
    if (this.#link === undefined || this.#fenced) return undefined
    for (const [lane, attempt] of this.#gone) {
      this.#gone.delete(lane)
      return { kind: 'gone', attempt }
    }
    return this.#pulse.pull(now) ?? this.#link.port.pull(this.#pulse.room)
  }

  sent(bytes: number): void {
    this.#pulse.sent(bytes)
    if (this.#link !== undefined) this.#link.sentBytes += bytes
  }

  verdict(now: number): Fault | undefined {
    if (this.#link === undefined) {
      if (now < this.#since + helloTimeoutMs) return undefined
      return new Fault('carrier_silent', `no HELLO within ${helloTimeoutMs} ms`)
    }
    if (!this.#pulse.isDead(now)) return undefined
    return new Fault('carrier_silent', `nothing was heard for ${this.#options.livenessMs} ms`)
  }

  deadline(): number {
    return this.#link === undefined ? this.#since + helloTimeoutMs : this.#pulse.deadline()
  }

  /** The WebSocket is gone. */
  lost(now: number): void {
    this.#fenced = true
    if (this.#link !== undefined) this.#options.switch.carrierLost(this.#link, this, now)
  }

  #greet(frame: Frame, now: number): void {
    if (frame.kind !== 'hello') {
      throw new Fault('frame_unexpected', `${frame.kind} before HELLO`)
    }
    const answer = this.#options.switch.hello(this.#options.identity, frame, this, now)
    this.#link = answer.link
    this.#welcome = answer.welcome
    this.#options.wake()
  }
}
