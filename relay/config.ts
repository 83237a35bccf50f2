/**
 * relay.yaml, loaded: the configuration that the relay runs on.
 *
 * Invariant: everything here is checked and resolved. Paths are absolute, durations milliseconds,
 * sizes bytes, the policy is parsed and its expectations hold; nobody reads the file again.
 */
import type { Expectation } from '../shared/expectation.ts'
import type { Origin } from '../shared/io/config/effective.ts'
import { type Option, optionsOf } from '../shared/io/config/options.ts'
import { type JsonSchema, jsonSchemaOf } from '../shared/io/config/schema.ts'
import type { HostPort } from '../shared/io/config/values.ts'
import { type ConfigSource, loadConfig } from '../shared/io/config.ts'
import type { Policy } from '../shared/policy.ts'
import { checkRelayFile, policyOf } from './config/check.ts'
import { type RelayFile, relayFileSchema } from './config/schema.ts'

export { describeEffective } from '../shared/io/config/effective.ts'
export type { ConfigSource } from '../shared/io/config.ts'

/** A service and the ways in which consumers reach it; without any, only agents' forwards do. */
export interface RelayService {
  /** `plant-1/mqtt`. */
  readonly name: string
  readonly tcp?: HostPort
  readonly websocket?: {
    readonly path: string
    /** Exact origins; empty when only clients without an Origin header may come in. */
    readonly origins: readonly string[]
  }
}

/** What nobody may exceed; relay/config/schema.ts names the attack that each limit stops. */
export interface RelayLimits {
  /** Streams of one agent. */
  readonly streamsMax: number
  /** Agents, connected or waited for. */
  readonly agentsMax: number
  /** Carriers of one agent. */
  readonly carriersMax: number
  /** Sockets of consumers, TCP and WebSocket together. */
  readonly connectionsMax: number
  /** Sockets that have not proved who they are, in all and from one address. */
  readonly pendingHandshakesMax: number
  readonly pendingPerSourceMax: number
  /** From the TCP connection to the last header of its request. */
  readonly handshakeTimeoutMs: number
  readonly livenessMs: number
  readonly resumeWindowMs: number
  readonly openTimeoutMs: number
  /** How long an OPEN waits for an agent that is away. */
  readonly parkMs: number
  /** From SIGTERM to the end, at the most. */
  readonly drainMs: number
  /** Bytes of one stream and direction that the relay holds. */
  readonly relayWindowBytes: number
  /** Bytes of all streams together. */
  readonly memoryBudgetBytes: number
}

/** The configuration of a relay. */
export interface RelayConfig {
  readonly name: string
  readonly listen: HostPort
  /** A loopback address. */
  readonly admin: HostPort
  /** Absolute paths of PEM files. */
  readonly tls: {
    readonly certificate: string
    readonly key: string
    readonly authority: string
    readonly revocations: string
  }
  readonly services: readonly RelayService[]
  readonly policy: Policy
  readonly expectations: readonly Expectation[]
  readonly limits: RelayLimits
  readonly log: RelayFile['log']
  /** For `describeEffective`. */
  readonly origin: Origin
}

/** Loads relay.yaml. Throws `config_invalid` with every fault of it, or `file_unreadable`. */
export function loadRelayConfig(source: ConfigSource): RelayConfig {
  const { value, origin, lineOf, resolvePath } = loadConfig(
    {
      schema: relayFileSchema,
      nouns: { services: 'service', policy: 'rule', expect: 'expectation' },
      starter: 'sallyport relay init NAME',
      check: checkRelayFile,
    },
    source,
  )
  const path = (text: string): string => resolvePath(text.replaceAll('{name}', value.name))
  return {
    name: value.name,
    listen: value.listen,
    admin: value.admin,
    tls: {
      certificate: path(value.tls.certificate),
      key: path(value.tls.key),
      authority: path(value.tls.authority),
      revocations: path(value.tls.revocations),
    },
    services: Object.entries(value.services).map(([name, { tcp, websocket, origins = [] }]) => ({
      name,
      ...(tcp && { tcp }),
      ...(websocket && { websocket: { path: websocket, origins } }),
    })),
    policy: policyOf(value, lineOf),
    expectations: value.expect,
    limits: limitsOf(value.limits),
    log: value.log,
    origin,
  }
}

/** The JSON Schema (draft-07) of relay.yaml, for `--schema`. */
export function relaySchema(): JsonSchema {
  return jsonSchemaOf(relayFileSchema)
}

/** The options of relay.yaml that a flag or an environment variable may set. */
export function relayOptions(): readonly Option[] {
  return optionsOf(relaySchema())
}

function limitsOf(limits: RelayFile['limits']): RelayLimits {
  return {
    streamsMax: limits.streamsMax,
    agentsMax: limits.agentsMax,
    carriersMax: limits.carriersMax,
    connectionsMax: limits.connectionsMax,
    pendingHandshakesMax: limits.pendingHandshakesMax,
    pendingPerSourceMax: limits.pendingPerSourceMax,
    handshakeTimeoutMs: limits.handshakeTimeout,
    livenessMs: limits.liveness,
    resumeWindowMs: limits.resumeWindow,
    openTimeoutMs: limits.openTimeout,
    parkMs: limits.park,
    drainMs: limits.drain,
    relayWindowBytes: limits.relayWindow,
    memoryBudgetBytes: limits.memoryBudget,
  }
}
