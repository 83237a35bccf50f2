/**
 * The driver of one carrier: one mutation, then drain.
 *
 * Invariant: the pure side is pulled only while the carrier has room, in one turn of the loop
 * after whatever changed, so that all that was read in a turn goes out in one write. A carrier
 * that is over is heard no more.
 */
import { setImmediate } from 'node:timers'
import { Fault, type FaultCode } from '../protocol/fault.ts'
import { decode, encode, type Frame } from '../protocol/frame.ts'
import { Alarm, monotonicNow } from './alarm.ts'
import type { Carrier, CarrierListener } from './carrier.ts'

/** The pure side of one carrier: the agent's link, or the relay's side of it. */
export interface Speaker {
  /** Throws a fault that ends the carrier. */
  receive(frame: Frame, bytes: number, now: number): void
  pull(now: number): Frame | undefined
  sent(bytes: number): void
  verdict(now: number): Fault | undefined
  deadline(): number
}

/** What may wait in the carrier's socket; more would only wait there instead of here. */
export const carrierBufferBytesMax = 256 * 1024

export class Drive implements CarrierListener {
  readonly #speaker: Speaker
  readonly #onClosed: (fault: Fault) => void
  readonly #alarm: Alarm
  #carrier: Carrier | undefined
  #scheduled = false
  #over = false

  /** `onClosed` is called once, when the carrier is gone, for whatever reason. */
  constructor(speaker: Speaker, onClosed: (fault: Fault) => void) {
    this.#speaker = speaker
    this.#onClosed = onClosed
    this.#alarm = new Alarm(
      () => speaker.deadline(),
      (now) => this.#judge(now),
    )
  }

  /** The carrier is there. */
  attach(carrier: Carrier): void {
    this.#carrier = carrier
    this.wake()
  }

  /** There may be something to send: it is pulled once this turn of the loop is over. */
  wake = (): void => {
    if (this.#scheduled || this.#over) return
    this.#scheduled = true
    setImmediate(this.#drain)
  }

  message(bytes: Uint8Array): void {
    if (this.#over) return
    this.#speaker.receive(decode(bytes), bytes.length, monotonicNow())
    this.#alarm.set()
  }

  drained(): void {
    this.wake()
  }

  closed(fault: Fault): void {
    if (this.#over) return
    this.#over = true
    this.#alarm.end()
    this.#onClosed(fault)
  }

  /** Gives the carrier up at once, after what is still to be said. */
  end(code: FaultCode): void {
    if (this.#over) return
    this.#say()
    const fault = new Fault(code)
    this.#carrier?.close(4_000, code)
    this.closed(fault)
  }

  readonly #drain = (): void => {
    this.#scheduled = false
    if (this.#over) return
    try {
      this.#say()
    } catch (cause) {
      return this.#fail(cause)
    }
    this.#alarm.set()
  }

  #say(): void {
    const carrier = this.#carrier
    if (carrier === undefined) return
    const now = monotonicNow()
    while (carrier.bufferedBytes < carrierBufferBytesMax) {
      const frame = this.#speaker.pull(now)
      if (frame === undefined) break
      this.#speaker.sent(encode(frame, carrier.place).length)
    }
    carrier.flush()
  }

  /** What cannot be said ends this carrier, as what cannot be heard does, and no other. */
  #fail(cause: unknown): void {
    const fault = new Fault('internal', undefined, { cause })
    this.#carrier?.destroy(fault)
    this.closed(fault)
  }

  #judge(now: number): void {
    const fault = this.#speaker.verdict(now)
    if (fault === undefined) return this.wake()
    this.#carrier?.destroy(fault)
    this.closed(fault)
  }
}
