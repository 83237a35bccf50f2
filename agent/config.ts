/**
 * agent.yaml, loaded: the configuration that an agent runs on.
 *
 * Invariant: everything here is checked and resolved. Paths are absolute, durations milliseconds,
 * sizes bytes. `expose` is all that the agent will ever dial; the relay cannot widen it.
 */
import { formatAddress, parseAddress } from '../shared/address.ts'
import { decideTarget, type Target } from '../shared/allowlist.ts'
import type { Origin } from '../shared/io/config/effective.ts'
import { type Option, optionsOf } from '../shared/io/config/options.ts'
import { type JsonSchema, jsonSchemaOf } from '../shared/io/config/schema.ts'
import { type HostPort, readListenAddress } from '../shared/io/config/values.ts'
import { type CheckContext, type ConfigSource, loadConfig } from '../shared/io/config.ts'
import { type AgentFile, agentFileSchema } from './config/schema.ts'

export { describeEffective } from '../shared/io/config/effective.ts'
export type { ConfigSource } from '../shared/io/config.ts'

/** What nobody may exceed. */
export interface AgentLimits {
  /** Streams at a time, in and out; stops a relay or a consumer from filling the tables. */
  readonly streamsMax: number
  /** Carriers to each relay; a packet that is lost on one stalls only the streams on it. */
  readonly carriers: number
  /** Name lookup and connection to a target; stops targets that never answer. */
  readonly dialTimeoutMs: number
  /** How long the opening of a forwarded stream may take; stops a path that never answers. */
  readonly openTimeoutMs: number
  /** TCP, TLS, upgrade and WELCOME of a carrier; stops a relay that says nothing. */
  readonly handshakeTimeoutMs: number
  /** How long silence is believed; the smaller of this and the relay's own holds. */
  readonly livenessMs: number
  /** How long streams wait for their relay; the smaller of this and the relay's own holds. */
  readonly resumeWindowMs: number
  /** Bytes of one stream and direction; stops a slow socket from being buffered without end. */
  readonly windowBytes: number
  /** Bytes of all streams together; stops many slow sockets from taking the memory. */
  readonly memoryBudgetBytes: number
}

/** One service that the agent offers. */
export interface ExposedService extends Target {
  /** The second half of `plant-1/mqtt`. */
  readonly name: string
}

/** A local listener that leads to a service elsewhere. */
export interface Forward {
  readonly listen: HostPort
  /** `plant-2/postgres`. */
  readonly service: string
}

/** The configuration of an agent. */
export interface AgentConfig {
  /** At least one, the best first; a link is kept to each. */
  readonly relays: readonly HostPort[]
  /** Must equal the name in the certificate. */
  readonly name: string
  /** Absolute paths of PEM files. */
  readonly tls: { readonly certificate: string; readonly key: string; readonly authority: string }
  readonly expose: readonly ExposedService[]
  readonly forward: readonly Forward[]
  readonly limits: AgentLimits
  readonly log: AgentFile['log']
  /** For `describeEffective`. */
  readonly origin: Origin
}

/** Loads agent.yaml. Throws `config_invalid` with every fault of it, or `file_unreadable`. */
export function loadAgentConfig(source: ConfigSource): AgentConfig {
  const { value, origin, resolvePath } = loadConfig(
    {
      schema: agentFileSchema,
      nouns: { expose: 'service', forward: 'forward' },
      starter: 'sallyport agent init --relay RELAY --name NAME',
      check: checkAgentFile,
    },
    source,
  )
  const { name, relay, limits, log, tls } = value
  const path = (text: string): string => resolvePath(text.replaceAll('{name}', name))
  return {
    relays: relaysOf(relay),
    name,
    tls: {
      certificate: path(tls.certificate),
      key: path(tls.key),
      authority: path(tls.authority),
    },
    expose: Object.entries(value.expose).map(([service, written]) => ({
      name: service,
      ...targetOf(written),
    })),
    forward: Object.entries(value.forward).map(([text, service]) => ({
      listen: listenOf(text),
      service,
    })),
    limits: {
      streamsMax: limits.streamsMax,
      carriers: limits.carriers,
      dialTimeoutMs: limits.dialTimeout,
      openTimeoutMs: limits.openTimeout,
      handshakeTimeoutMs: limits.handshakeTimeout,
      livenessMs: limits.liveness,
      resumeWindowMs: limits.resumeWindow,
      windowBytes: limits.window,
      memoryBudgetBytes: limits.memoryBudget,
    },
    log,
    origin,
  }
}

/** The JSON Schema (draft-07) of agent.yaml, for `--schema`. */
export function agentSchema(): JsonSchema {
  return jsonSchemaOf(agentFileSchema)
}

/** The options of agent.yaml that a flag or an environment variable may set. */
export function agentOptions(): readonly Option[] {
  return optionsOf(agentSchema())
}

/** Complains about everything that does not go together. */
function checkAgentFile(file: AgentFile, { complain, lineOf }: CheckContext): void {
  const places = relaysOf(file.relay).map(({ host, port }) => `${host.toLowerCase()} ${port}`)
  for (const [index, place] of places.entries()) {
    const first = places.indexOf(place)
    if (first < index) complain(['relay', index], `the same relay as entry ${first + 1}`)
  }
  for (const [name, written] of Object.entries(file.expose)) {
    const target = targetOf(written)
    const literal = parseAddress(target.host)
    if (literal === undefined || decideTarget(target, target.host).allowed) continue
    const address = formatAddress(literal)
    complain(['expose', name, 'within'], `${address} lies outside, so it could never be dialled`)
  }
  const listeners = new Map<string, string>()
  for (const text of Object.keys(file.forward)) {
    const { host, port } = listenOf(text)
    const address = parseAddress(host)
    const key = `${address === undefined ? host : formatAddress(address)} ${port}`
    const other = listeners.get(key)
    if (other === undefined) listeners.set(key, text)
    else if (port !== 0) {
      const line = lineOf(['forward', other])
      complain(['forward', text], `the same address as ${other} (line ${line})`, 'key')
    }
  }
  if (file.limits.window > file.limits.memoryBudget) {
    complain(['limits', 'window'], 'more than memoryBudget')
  }
}

function relaysOf(written: AgentFile['relay']): readonly HostPort[] {
  return 'host' in written ? [written] : written
}

function targetOf(written: AgentFile['expose'][string]): Target {
  if ('port' in written) return written
  const { target, within } = written
  return { ...target, ...(within && { within }) }
}

function listenOf(text: string): HostPort {
  const reading = readListenAddress(text)
  if ('wrong' in reading) throw new TypeError(reading.wrong)
  return reading.value
}
