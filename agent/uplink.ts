/**
 * The link to one relay, and the carrier that serves it now.
 *
 * Invariant: it never gives its relay up: whatever becomes of a carrier, another dial follows.
 */
import { Alarm, monotonicNow } from '../shared/io/alarm.ts'
import type { HostPort } from '../shared/io/config/values.ts'
import type { OwnCredentials } from '../shared/io/credentials.ts'
import { Drive } from '../shared/io/drive.ts'
import { type Log, logFault } from '../shared/io/log.ts'
import { placeText } from '../shared/io/network-fault.ts'
import type { Endpoint } from '../shared/protocol/endpoint.ts'
import { Fault, type FaultCode, faults } from '../shared/protocol/fault.ts'
import { IdleCut } from '../shared/protocol/idle-cut.ts'
import { Link } from '../shared/protocol/link.ts'
import { dial } from './dial.ts'

/** How long the goodbye may take to be written when the agent stops. */
const farewellMs = 200

export interface UplinkOptions {
  readonly relay: HostPort
  /** The list has no other relay. */
  readonly isOnly: boolean
  readonly own: OwnCredentials
  readonly endpoint: Endpoint
  /** One life of this process: 8 random bytes in hexadecimal, the same for every relay. */
  readonly epoch: string
  /** The services that this agent exposes. */
  readonly services: readonly string[]
  readonly handshakeTimeoutMs: number
  /** How long silence is believed; the smaller of this and what the relay says. */
  readonly livenessMs: number
  readonly log: Log
}

export class Uplink implements AsyncDisposable {
  readonly #options: UplinkOptions
  /** The relay as logs name it. */
  readonly #relay: string
  readonly #link: Link
  readonly #alarm: Alarm
  readonly #stop = new AbortController()
  #drive: Drive | undefined
  /** The code of the last failure: the same one again is not worth a line. */
  #lastFault: FaultCode | undefined

  constructor(options: UplinkOptions) {
    const { endpoint, epoch, services, livenessMs, log } = options
    this.#options = options
    this.#relay = placeText(options.relay)
    this.#link = new Link({
      name: this.#relay,
      endpoint,
      epoch,
      services,
      livenessMs,
      idleCut: new IdleCut((idleMs, pingMs) => this.#idleCutSeen(idleMs, pingMs)),
      chance: Math.random,
      wake: () => this.#wake(),
      ready: ({ resumed }) => this.#ready(resumed),
      goaway: (code) =>
        log.warn(`the relay says: ${faults[code].says}`, { relay: this.#relay, code }),
    })
    this.#alarm = new Alarm(
      () => this.#link.dialAt(),
      () => void this.#dial(),
    )
  }

  start(): void {
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

  #wake(): void {
    this.#drive?.wake()
    this.#alarm.set()
  }

  async #dial(): Promise<void> {
    const { relay, own, handshakeTimeoutMs } = this.#options
    this.#link.dialling()
    const drive = new Drive(this.#link, (fault) => this.#lost(drive, fault))
    try {
      const carrier = await dial({
        relay,
        trustDomain: own.identity.trustDomain,
        credentials: own.credentials,
        listener: drive,
        signal: this.#stop.signal,
        deadlineMs: handshakeTimeoutMs,
      })
      this.#drive = drive
      this.#link.carrierUp(monotonicNow())
      drive.attach(carrier)
    } catch (error) {
      if (this.#stop.signal.aborted) return
      this.#failed(error)
      this.#link.dialFailed(monotonicNow())
    }
  }

  #lost(drive: Drive, fault: Fault): void {
    if (this.#drive !== drive) return
    this.#drive = undefined
    if (this.#stop.signal.aborted) return
    const { log, isOnly } = this.#options
    const consequence = isOnly ? 'streams are held' : 'streams go by another relay, or are held'
    logFault(log, fault, { relay: this.#relay, consequence })
    this.#link.carrierLost(monotonicNow())
  }

  #ready(resumed: boolean): void {
    this.#lastFault = undefined
    const { attempt } = this.#link
    this.#options.log.info('link ready', { relay: this.#relay, resumed, attempt })
  }

  #idleCutSeen(idleMs: number, pingMs: number): void {
    const closes = `closes connections that are idle for about ${secondsText(idleMs)}`
    this.#options.log.warn(
      `something between here and the relay ${closes}: ` +
        `a PING goes out every ${secondsText(pingMs)} from now on`,
      { relay: this.#relay, code: 'idle_cut' satisfies FaultCode },
    )
  }

  #failed(error: unknown): void {
    const { log } = this.#options
    const code = error instanceof Fault ? error.code : 'internal'
    const isNews = code !== this.#lastFault
    this.#lastFault = code
    const fields = { relay: this.#relay, consequence: 'it is tried again' }
    if (isNews) logFault(log, error, fields)
    else if (log.isDebugEnabled) logFault(log, error, fields, 'debug')
  }
}

/** `2 s`, `45 s`, `1.5 s`. */
function secondsText(milliseconds: number): string {
  return `${Number((milliseconds / 1_000).toFixed(1))} s`
}
