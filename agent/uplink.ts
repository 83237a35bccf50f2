/**
 * All that an agent has with one relay: a few lanes side by side, and what the log says of them.
 *
 * Invariant: the log tells of the relay and not of each carrier: it is reached, streams are held,
 * it cannot be reached. What befalls one carrier beside another is told in one line.
 */
import type { HostPort } from '../shared/io/config/values.ts'
import type { OwnCredentials } from '../shared/io/credentials.ts'
import { type Log, logFault } from '../shared/io/log.ts'
import { placeText } from '../shared/io/network-fault.ts'
import type { Endpoint } from '../shared/protocol/endpoint.ts'
import { Fault, type FaultCode, faults } from '../shared/protocol/fault.ts'
import { IdleCut } from '../shared/protocol/idle-cut.ts'
import { Lanes } from '../shared/protocol/lanes.ts'
import type { Link } from '../shared/protocol/link.ts'
import { dial } from './dial.ts'
import { Lane } from './lane.ts'

export interface UplinkOptions {
  readonly relay: HostPort
  /** Carriers to keep to this relay, if it takes so many. */
  readonly carriers: number
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
  readonly #links: Lanes
  readonly #lanes: readonly Lane[]
  /** The code of the last failure: the same one again is not worth a line. */
  #lastFault: FaultCode | undefined

  constructor(options: UplinkOptions) {
    const { carriers, endpoint, epoch, services, livenessMs } = options
    this.#options = options
    this.#relay = placeText(options.relay)
    const shared = { name: this.#relay, endpoint, epoch, services, livenessMs }
    this.#links = new Lanes(carriers, { ...shared, chance: Math.random }, (lane) => ({
      idleCut: new IdleCut((idleMs, pingMs) => this.#idleCutSeen(lane, idleMs, pingMs)),
      wake: () => this.#lanes[lane]?.wake(),
      ready: ({ resumed }) => this.#ready(lane, resumed),
      goaway: (code) => this.#goaway(lane, code),
    }))
    this.#lanes = this.#links.links.map((link) => this.#laneOf(link))
  }

  start(): void {
    for (const lane of this.#lanes) lane.wake()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane[Symbol.asyncDispose]()))
  }

  #laneOf(link: Link): Lane {
    const { relay, own, handshakeTimeoutMs: deadlineMs } = this.#options
    const { credentials, identity } = own
    const { trustDomain } = identity
    return new Lane({
      link,
      dial: (listener, signal) =>
        dial({ relay, trustDomain, credentials, listener, signal, deadlineMs }),
      lost: (fault) => this.#lost(link.lane, fault),
      failed: (error) => this.#failed(error),
    })
  }

  #ready(lane: number, resumed: boolean): void {
    this.#lastFault = undefined
    const { log } = this.#options
    const attempt = this.#links.links[lane]?.attempt
    const isFirst = this.#links.links.filter(({ ready }) => ready).length === 1
    const fields = { relay: this.#relay, resumed, lane, attempt }
    if (isFirst) log.info('link ready', fields)
    else if (log.isDebugEnabled) log.debug('another carrier is ready', fields)
    // The relay may have taken in more carriers now.
    this.start()
  }

  #goaway(lane: number, code: FaultCode): void {
    const { log } = this.#options
    // Each carrier is told, and one line is enough.
    if (lane > 0 && this.#links.links[0]?.ready === true) return
    log.warn(`the relay says: ${faults[code].says}`, { relay: this.#relay, code })
  }

  #lost(lane: number, fault: Fault): void {
    const { log, isOnly } = this.#options
    const held = isOnly ? 'streams are held' : 'streams go by another relay, or are held'
    const consequence = this.#links.ready ? 'streams go by another carrier' : held
    logFault(log, fault, { relay: this.#relay, lane, consequence })
  }

  #idleCutSeen(lane: number, idleMs: number, pingMs: number): void {
    const closes = `closes connections that are idle for about ${secondsText(idleMs)}`
    this.#options.log.warn(
      `something between here and the relay ${closes}: ` +
        `a PING goes out every ${secondsText(pingMs)} from now on`,
      { relay: this.#relay, lane, code: 'idle_cut' satisfies FaultCode },
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
