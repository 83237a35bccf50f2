/**
 * A running agent: one endpoint, a link to its relay, what it exposes and what it forwards.
 *
 * Invariant: it dials out and listens on nothing, but for its forwards; it never gives its relay
 * up. Streams live in the endpoint: carriers come and go below them.
 */
import { randomBytes } from 'node:crypto'
import { identityName } from '../shared/identity.ts'
import { Alarm, monotonicNow } from '../shared/io/alarm.ts'
import type { HostPort } from '../shared/io/config/values.ts'
import { type OwnCredentials, readCredentials } from '../shared/io/credentials.ts'
import { Drive } from '../shared/io/drive.ts'
import { type Log, logFault } from '../shared/io/log.ts'
import { placeText } from '../shared/io/network-fault.ts'
import { Budget } from '../shared/protocol/budget.ts'
import { Endpoint } from '../shared/protocol/endpoint.ts'
import { Fault, type FaultCode, faults } from '../shared/protocol/fault.ts'
import { Link } from '../shared/protocol/link.ts'
import type { AgentConfig } from './config.ts'
import { Connector } from './connect.ts'
import { dial } from './dial.ts'
import { openForward } from './forward.ts'

/** What one direction of a stream may hold even when the budget is spent. */
const guaranteedBytes = 16_384
/** How long a candidate relay may stay silent while another is ready. */
const candidateMs = 2_000
/** Until the relay says otherwise. */
const livenessMs = 10_000
/** How long the goodbye may take to be written when the agent stops. */
const farewellMs = 200

export interface Agent extends AsyncDisposable {
  /** Where its forwards listen, by service. */
  readonly forwards: readonly { readonly service: string; readonly listen: HostPort }[]
}

/**
 * Starts an agent. Throws the fault of whatever keeps it from starting; a relay that is away is
 * none.
 */
export async function openAgent(config: AgentConfig, log: Log): Promise<Agent> {
  await using starting = new AsyncDisposableStack()
  const own = await readCredentials(config.tls, 'agent')
  if (own.identity.name !== config.name) {
    const message = `${config.tls.certificate} is for ${own.identity.name}, not for ${config.name}.`
    throw new Fault('identity_mismatch', message)
  }
  const { limits } = config
  const connector = new Connector({
    name: config.name,
    expose: config.expose,
    dialTimeoutMs: limits.dialTimeoutMs,
    log,
  })
  const from = identityName(own.identity)
  const endpoint = new Endpoint({
    limits: {
      streamsMax: limits.streamsMax,
      windowBytes: limits.windowBytes,
      resumeWindowMs: limits.resumeWindowMs,
      openTimeoutMs: limits.openTimeoutMs,
      candidateMs,
    },
    budget: new Budget(limits.memoryBudgetBytes, guaranteedBytes),
    identity: from,
    mintKey: () => randomBytes(16).toString('hex'),
    wake: () => alarm.set(),
    dial: (end) => connector.dial(end),
    ended: (end) => connector.ended(end),
  })
  const alarm = starting.adopt(
    new Alarm(
      () => endpoint.deadline(),
      (now) => endpoint.tick(now),
    ),
    (over) => over.end(),
  )
  const uplink = starting.use(new Uplink(config, own, endpoint, log))
  const forwards = []
  for (const forward of config.forward) {
    const { streamsMax } = limits
    const listener = starting.use(await openForward({ forward, endpoint, from, streamsMax, log }))
    forwards.push({ service: forward.service, listen: listener.address })
  }
  uplink.start()
  // Before the goodbye, so that the reason of each stream goes out with it.
  starting.defer(() => endpoint.endAll('shutdown'))
  const running = starting.move()
  return { forwards, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

/** The link to the relay, and the carrier that serves it now. */
class Uplink implements AsyncDisposable {
  readonly #config: AgentConfig
  readonly #own: OwnCredentials
  readonly #log: Log
  readonly #link: Link
  readonly #alarm: Alarm
  readonly #stop = new AbortController()
  #drive: Drive | undefined
  /** The code of the last failure: the same one again is not worth a line. */
  #lastFault: FaultCode | undefined

  constructor(config: AgentConfig, own: OwnCredentials, endpoint: Endpoint, log: Log) {
    this.#config = config
    this.#own = own
    this.#log = log
    this.#link = new Link({
      name: placeText(config.relay),
      endpoint,
      epoch: randomBytes(8).toString('hex'),
      services: config.expose.map(({ name }) => name),
      livenessMs,
      chance: Math.random,
      wake: () => this.#wake(),
      ready: ({ resumed }) => this.#ready(resumed),
      goaway: (code) => this.#log.warn(`the relay says: ${faults[code].says}`, { code }),
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
    const { relay, limits } = this.#config
    this.#link.dialling()
    const drive = new Drive(this.#link, (fault) => this.#lost(drive, fault))
    try {
      const carrier = await dial({
        relay,
        trustDomain: this.#own.identity.trustDomain,
        credentials: this.#own.credentials,
        listener: drive,
        signal: this.#stop.signal,
        deadlineMs: limits.handshakeTimeoutMs,
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
    const place = placeText(this.#config.relay)
    logFault(this.#log, fault, { relay: place, consequence: 'streams are held' })
    this.#link.carrierLost(monotonicNow())
  }

  #ready(resumed: boolean): void {
    this.#lastFault = undefined
    const { attempt } = this.#link
    this.#log.info('link ready', { relay: placeText(this.#config.relay), resumed, attempt })
  }

  #failed(error: unknown): void {
    const code = error instanceof Fault ? error.code : 'internal'
    const isNews = code !== this.#lastFault
    this.#lastFault = code
    const fields = { relay: placeText(this.#config.relay), consequence: 'it is tried again' }
    if (isNews) logFault(this.#log, error, fields)
    else if (this.#log.isDebugEnabled) logFault(this.#log, error, fields, 'debug')
  }
}
