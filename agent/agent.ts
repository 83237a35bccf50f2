/**
 * A running agent: one endpoint, a link to each of its relays, what it exposes and forwards.
 *
 * Invariant: it dials out and listens on nothing, but for its forwards. Streams live in the
 * endpoint: carriers and relays come and go below them.
 */
import { randomBytes } from 'node:crypto'
import { identityName } from '../shared/identity.ts'
import { Alarm } from '../shared/io/alarm.ts'
import type { HostPort } from '../shared/io/config/values.ts'
import { readCredentials } from '../shared/io/credentials.ts'
import type { Log } from '../shared/io/log.ts'
import { Budget } from '../shared/protocol/budget.ts'
import { Endpoint } from '../shared/protocol/endpoint.ts'
import { Fault } from '../shared/protocol/fault.ts'
import type { AgentConfig } from './config.ts'
import { Connector } from './connect.ts'
import { openForward } from './forward.ts'
import { Uplink } from './uplink.ts'

/** What one direction of a stream may hold even when the budget is spent. */
const guaranteedBytes = 16_384
/** How long a candidate relay may stay silent while another is ready. */
const candidateMs = 2_000

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
  const epoch = randomBytes(8).toString('hex')
  const services = config.expose.map(({ name }) => name)
  const { carriers, handshakeTimeoutMs, livenessMs } = limits
  const isOnly = config.relays.length === 1
  const waits = { handshakeTimeoutMs, livenessMs }
  const shared = { carriers, isOnly, own, endpoint, epoch, services, ...waits, log }
  const uplinks = config.relays.map((relay) => new Uplink({ ...shared, relay }))
  starting.defer(async () => {
    await Promise.all(uplinks.map((uplink) => uplink[Symbol.asyncDispose]()))
  })
  const forwards = []
  for (const forward of config.forward) {
    const { streamsMax } = limits
    const listener = starting.use(await openForward({ forward, endpoint, from, streamsMax, log }))
    forwards.push({ service: forward.service, listen: listener.address })
  }
  for (const uplink of uplinks) uplink.start()
  // Before the goodbye, so that the reason of each stream goes out with it.
  starting.defer(() => endpoint.endAll('shutdown'))
  const running = starting.move()
  return { forwards, [Symbol.asyncDispose]: () => running.disposeAsync() }
}
