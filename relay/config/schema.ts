/**
 * What may be written in relay.yaml: every key, its default, and each limit with the attack that
 * it stops.
 *
 * Invariant: this is the one place that knows the defaults; JSON Schema, flags, environment
 * variables and `--check --print` are derived from it.
 */
import { z } from 'zod'
import { type Expectation, parseExpectation } from '../../shared/expectation.ts'
import { roles } from '../../shared/identity.ts'
import { guessOf } from '../../shared/io/config/complaint.ts'
import {
  count,
  duration,
  filePath,
  hostName,
  listenAddress,
  serviceName,
  size,
  text,
} from '../../shared/io/config/schema.ts'
import { objectionToNetwork, type Reading } from '../../shared/io/config/values.ts'
import { parseSubject } from '../../shared/policy.ts'

/** Paths of the relay itself, and all paths below them: no service may take one. */
export const reservedPaths: readonly string[] = ['/sallyport', '/healthz']

const tls = z.strictObject({
  certificate: filePath()
    .prefault('pki/relay/{name}/certificate.pem')
    .describe("The relay's certificate; {name} stands for the name of the relay."),
  key: filePath()
    .prefault('pki/relay/{name}/key.pem')
    .describe('The private key of the certificate.'),
  authority: filePath()
    .prefault('pki/ca/certificate.pem')
    .describe('The certificate authority that agents and clients must come from.'),
  revocations: filePath()
    .prefault('pki/ca/crl.pem')
    .describe('The list of revoked certificates, signed by the authority.'),
})

const service = z.strictObject({
  tcp: listenAddress().optional().describe('Where unmodified TCP clients come in.'),
  websocket: text(readWebSocketPath, { pattern: '^/', examples: ['/mqtt'] })
    .optional()
    .describe('The path on which browsers and other WebSocket clients come in.'),
  origins: z
    .array(text(readOrigin, { examples: ['https://todo.example.com'] }))
    .min(1)
    .optional()
    .describe('The pages that may use the path. Without any, only clients that are no browser.'),
})

const rule = z.strictObject({
  rule: text(readRuleName, { examples: ['apps use the broker'] }).describe(
    'What the rule is for; logs and refusals quote it.',
  ),
  from: z
    .array(text(readSubject, { examples: ['10.0.0.0/16', 'agent/crm-1', 'client/crm'] }))
    .min(1)
    .describe('Who: networks and addresses, agents, clients.'),
  to: z.array(serviceName()).min(1).describe('Which services.'),
  limits: z
    .strictObject({
      streams: count(1, 1_000_000)
        .optional()
        .describe('Streams open under this rule at a time; stops one consumer from taking all.'),
    })
    .optional(),
})

const limits = z.strictObject({
  streamsMax: count(1, 1_000_000)
    .prefault(1000)
    .describe('Streams of one agent at a time; stops one agent from filling the tables.'),
  agentsMax: count(1, 1_000_000)
    .prefault(10_000)
    .describe('Agents, also those waited for; stops many certificates from filling the tables.'),
  carriersMax: count(1, 255)
    .prefault(16)
    .describe(
      'Carriers of one agent at a time, also dead ones that nobody has noticed yet, so that half ' +
        'as many serve; stops one certificate from holding all sockets.',
    ),
  connectionsMax: count(1, 1_000_000)
    .prefault(10_000)
    .describe('Sockets of consumers at a time; stops a flood from using up the descriptors.'),
  pendingHandshakesMax: count(1, 100_000)
    .prefault(256)
    .describe('Sockets not yet authenticated; stops a flood of half-made handshakes.'),
  pendingPerSourceMax: count(1, 100_000)
    .prefault(20)
    .describe('The same from one address; stops one address from taking every place.'),
  handshakeTimeout: duration('1s', '1m')
    .prefault('5s')
    .describe('TLS and the first request; stops sockets that say nothing (slowloris).'),
  liveness: duration('1s', '5m')
    .prefault('10s')
    .describe('Silence after which a carrier is dead; stops streams hanging on a black hole.'),
  resumeWindow: duration('0s', '1h')
    .prefault('90s')
    .describe('How long streams wait for their agent; stops detached streams from piling up.'),
  openTimeout: duration('1s', '5m')
    .prefault('15s')
    .describe('How long an opening may take; stops targets that never answer.'),
  park: duration('0s', '1m')
    .prefault('5s')
    .describe('How long an opening waits for an agent that is away; stops a queue without end.'),
  drain: duration('0s', '10m')
    .prefault('10s')
    .describe('How long streams have to end or to move when the relay stops; stops endless ends.'),
  relayWindow: size('16KiB', '16MiB')
    .prefault('1MiB')
    .describe('Bytes of one stream on their way through; stops a slow reader from being buffered.'),
  memoryBudget: size('16MiB', '64GiB')
    .prefault('512MiB')
    .describe('Bytes of all streams together; stops many slow readers from taking the memory.'),
})

const log = z.strictObject({
  level: z.enum(['error', 'warn', 'info', 'debug']).prefault('info').describe('What is logged.'),
  format: z
    .enum(['auto', 'json', 'text'])
    .prefault('auto')
    .describe('JSON lines or prose; auto is prose on a terminal and JSON elsewhere.'),
})

/** The whole file. */
export const relayFileSchema = z.strictObject({
  name: hostName().describe('What agents dial and what the certificate says.'),
  listen: listenAddress()
    .prefault('0.0.0.0:443')
    .describe('Where agents and browsers come in. Port 0 is any free port.'),
  admin: listenAddress()
    .prefault('127.0.0.1:9470')
    .describe(
      'Health, status, metrics; a loopback address, for nobody has to prove who he is there.',
    ),
  tls: tls.prefault({}).describe('Files in PEM form; paths are relative to this file.'),
  services: z
    .record(serviceName(), service)
    .prefault({})
    .describe('The services that agents expose, and how consumers come in.'),
  policy: z
    .array(rule)
    .prefault([])
    .describe('Who may reach what. Everything else is denied; the order means nothing.'),
  expect: z
    .array(text(readExpectation, { examples: ['allow client/crm -> plant-1/mqtt'] }))
    .prefault([])
    .describe('Tests of the policy; when one does not hold, the file is refused.'),
  limits: limits.prefault({}).describe('What nobody may exceed.'),
  log: log.prefault({}).describe('What the relay says.'),
})

/** The file as parsed. */
export type RelayFile = z.output<typeof relayFileSchema>

function readSubject(input: string): Reading<string> {
  if (parseSubject(input) !== undefined) return { value: input }
  const [role = '', ...rest] = input.split('/')
  if (/^[a-z]/i.test(role) && !role.includes(':')) {
    const guess = guessOf(role, roles).replace(/"\?$/, `/${rest.join('/')}"?`)
    const isRoleRight = role === 'agent' || role === 'client'
    const wanted = `"${input}" is not written as agent/name or client/name`
    return { wrong: isRoleRight ? wanted : `${wanted}${guess}` }
  }
  return { wrong: objectionToNetwork(input) }
}

function readExpectation(input: string): Reading<Expectation> {
  const value = parseExpectation(input)
  if (value !== undefined) return { value }
  const form = 'allow FROM -> SERVICE or deny FROM -> SERVICE'
  return { wrong: `"${input}" is not written as ${form}; FROM is an address, an agent or a client` }
}

function readRuleName(input: string): Reading<string> {
  if (input.trim() !== input || input === '') return { wrong: 'a rule says what it is for' }
  if (/\p{Cc}/u.test(input)) return { wrong: 'control characters have no place here' }
  return input.length <= 100 ? { value: input } : { wrong: 'longer than 100 characters' }
}

function readWebSocketPath(input: string): Reading<string> {
  if (!input.startsWith('/')) return { wrong: `"${input}" does not begin with "/"` }
  if (!/^\/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*(?:\/(?=.)|$))*$/.test(input)) {
    return { wrong: `"${input}" is not a plain path of a-z, A-Z, 0-9, ".", "_", "~" and "-"` }
  }
  const reserved = reservedPaths.find((path) => input === path || input.startsWith(`${path}/`))
  return reserved === undefined ? { value: input } : { wrong: `${reserved} is the relay's own` }
}

function readOrigin(input: string): Reading<string> {
  const url = URL.parse(input)
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (url === null || !isWeb) return { wrong: `"${input}" is not an origin: https://host[:port]` }
  if (url.origin === input) return { value: input }
  return { wrong: `"${input}" is not an exact origin; did you mean "${url.origin}"?` }
}
