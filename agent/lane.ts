/**
 * One lane of an uplink: the link that it has with its relay, and the carrier that serves it now.
 *
 * Invariant: it never gives its relay up: whatever becomes of a carrier, another dial follows.
 */
import { Alarm, monotonicNow } from '../shared/io/alarm.ts'
import type { Carrier, CarrierListener } from '../shared/io/carrier.ts'
import { Drive } from '../shared/io/drive.ts'
import { Fault } from '../shared/protocol/fault.ts'
import type { Link } from '../shared/protocol/link.ts'

/** How long the goodbye may take to be written when the agent stops. */
const farewellMs = 200

export interface LaneOptions {
  readonly link: Link
  /** One attempt to reach the relay. */
  readonly dial: (listener: CarrierListener, signal: AbortSignal) => Promise<Carrier>
  /** A carrier that served is gone. */
  readonly lost: (fault: Fault) => void
  /** An attempt has failed: another follows. */
  readonly failed: (error: unknown) => void
}

export class Lane implements AsyncDisposable {
  readonly #options: LaneOptions
  readonly #link: Link
  readonly #alarm: Alarm
  readonly #stop = new AbortController()
  #drive: Drive | undefined

  constructor(options: LaneOptions) {
    this.#options = options
    this.#link = options.link
    this.#alarm = new Alarm(
      () => this.#link.dialAt(),
      () => void this.#dial(),
    )
  }

  /** Its link may have something to say, or to dial. */
  wake(): void {
    this.#drive?.wake()
    this.#alarm.set()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#alarm.end()
    this.#link.bye()
    const drive = this.#drive
    this.#stop.abort(new Fault('shutdown'))
    if (drive === undefined) return
    await new Promise((resolve) => setTimeout(resolve, farewellMs))
    drive.end('bye')
  }

  async #dial(): Promise<void> {
    this.#link.dialling()
    const drive = new Drive(this.#link, (fault) => this.#lost(drive, fault))
    try {
      const carrier = await this.#options.dial(drive, this.#stop.signal)
      this.#drive = drive
      this.#link.carrierUp(monotonicNow())
      drive.attach(carrier)
    } catch (error) {
      if (this.#stop.signal.aborted) return
      this.#options.failed(error)
      this.#link.dialFailed(monotonicNow())
    }
  }

  #lost(drive: Drive, fault: Fault): void {
    if (this.#drive !== drive) return
    this.#drive = undefined
    if (this.#stop.signal.aborted) return
    this.#link.carrierLost(monotonicNow())
    this.#options.lost(fault)
  }
}
