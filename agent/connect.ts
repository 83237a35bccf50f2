/**
 * Connecting a stream to its target: the agent's own decision, on the very address it dials.
 *
 * Invariant: only a `DialAllowed` is dialled, and it is made after the lookup, from the file of
 * this agent alone: what the relay says cannot widen it (S1 to S3). Each way to fail has its own
 * code.
 */
import { promises as dns, type LookupAddress } from 'node:dns'
import { connect, type Socket } from 'node:net'
import { type DialAllowed, decideTarget } from '../shared/allowlist.ts'
import { parseServiceName } from '../shared/identity.ts'
import { type Log, logFault } from '../shared/io/log.ts'
import { Splice } from '../shared/io/splice.ts'
import type { EndpointAcceptor, EndpointEnd } from '../shared/protocol/endpoint.ts'
import { Fault, type FaultCode, faults, type WireCode } from '../shared/protocol/fault.ts'
import type { HearingEnd } from '../shared/protocol/hearing.ts'
import type { EndpointPort } from '../shared/protocol/port.ts'
import type { ExposedService } from './config.ts'

export interface ConnectorOptions {
  /** The agent's name: `plant-1`. */
  readonly name: string
  readonly expose: readonly ExposedService[]
  readonly dialTimeoutMs: number
  readonly log: Log
  /** Tests give another lookup. */
  readonly lookup?: (host: string) => Promise<readonly LookupAddress[]>
}

/** Connects the acceptors of one agent. */
export class Connector {
  readonly #options: ConnectorOptions
  readonly #services: ReadonlyMap<string, ExposedService>
  readonly #dials = new Map<EndpointEnd, AbortController>()

  constructor(options: ConnectorOptions) {
    this.#options = options
    this.#services = new Map(options.expose.map((service) => [service.name, service]))
  }

  /** A stream was opened to here: connects its target, or refuses with the reason. */
  dial(end: EndpointAcceptor): void {
    const controller = new AbortController()
    this.#dials.set(end, controller)
    void this.#dial(end, controller.signal).finally(() => this.#dials.delete(end))
  }

  /** The end is over: a dial for it that still runs is ended. */
  ended(end: EndpointEnd): void {
    this.#dials.get(end)?.abort()
  }

  async #dial(end: EndpointAcceptor, signal: AbortSignal): Promise<void> {
    const { log, dialTimeoutMs } = this.#options
    const timeout = AbortSignal.timeout(dialTimeoutMs)
    try {
      const service = this.#serviceOf(end.to)
      const socket = await this.#connect(service, AbortSignal.any([signal, timeout]), timeout)
      if (signal.aborted) return void socket.destroy()
      const splice = new Splice(socket, (code) => this.#streamEnded(end, code))
      splice.bind(end)
      end.connected(splice)
    } catch (error) {
      if (signal.aborted) return
      const fault =
        error instanceof Fault ? error : new Fault('internal', undefined, { cause: error })
      logFault(log, fault, { service: end.to, from: end.from, stream: end.key })
      end.refuse(fault.code === 'internal' ? 'target_unreachable' : (fault.code as WireCode))
    }
  }

  #serviceOf(to: string): ExposedService {
    const asked = parseServiceName(to)
    const service = asked?.agent === this.#options.name && this.#services.get(asked.service)
    if (!service) throw new Fault('unknown_service', `${to} was asked for and is not exposed here.`)
    return service
  }

  async #connect(
    service: ExposedService,
    signal: AbortSignal,
    timeout: AbortSignal,
  ): Promise<Socket> {
    const place = `${service.host}:${service.port}`
    const slow = (): Fault =>
      new Fault('target_timeout', `${place} did not answer in ${this.#options.dialTimeoutMs} ms.`)
    const addresses = await race(this.#lookup(service.host), signal).catch((cause: unknown) => {
      if (timeout.aborted) throw slow()
      throw new Fault('target_unresolved', `The name ${service.host} does not resolve.`, { cause })
    })
    let last = new Fault('target_unresolved', `The name ${service.host} has no address.`)
    for (const { address } of addresses) {
      const decision = decideTarget(service, address)
      if (!decision.allowed) {
        last = new Fault('target_denied', `${place} is not dialled: ${decision.reason}.`)
        continue
      }
      try {
        return await openSocket(decision, signal)
      } catch (cause) {
        if (timeout.aborted) throw slow()
        last = targetFault(place, cause)
      }
    }
    throw last
  }

  async #lookup(host: string): Promise<readonly LookupAddress[]> {
    const { lookup } = this.#options
    return lookup === undefined ? await dns.lookup(host, { all: true }) : await lookup(host)
  }

  #streamEnded(end: EndpointAcceptor, code: FaultCode): void {
    const { log } = this.#options
    const fields = { service: end.to, from: end.from, stream: end.key, code, ...journeyOf(end) }
    if (code === 'end' || code === 'connection_reset') log.info('stream ended', fields)
    else log.warn(`stream lost: ${faults[code].says}`, fields)
  }
}

/** What the log says of an end that is over: by which relay, and how many bytes it has carried. */
export function journeyOf(end: HearingEnd<EndpointPort>) {
  const { receive, send, via } = end
  return { relay: via?.name, bytesIn: receive.receivedBytes, bytesOut: send.written }
}

/** A connected, half-open socket to exactly this address. */
function openSocket({ address, port }: DialAllowed, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, allowHalfOpen: true, noDelay: true })
    const aborted = (): void => {
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', aborted, { once: true })
    socket.once('connect', () => {
      signal.removeEventListener('abort', aborted)
      socket.off('error', reject)
      // Between here and the splice nothing listens, and an error without a listener is a crash.
      socket.on('error', () => {})
      resolve(socket)
    })
    socket.once('error', reject)
  })
}

/** Rejects with the signal's reason as soon as it is aborted. */
async function race<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  signal.throwIfAborted()
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function targetFault(place: string, cause: unknown): Fault {
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  switch (reason) {
    case 'ECONNREFUSED':
      return new Fault(
        'target_refused',
        `${place} refused the connection: nothing listens there.`,
        { cause },
      )
    case 'ETIMEDOUT':
      return new Fault('target_timeout', `${place} did not answer.`, { cause })
    default:
      return new Fault('target_unreachable', `No route leads to ${place} (${reason}).`, { cause })
  }
}
