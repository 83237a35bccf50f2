/**
 * What may be written in agent.yaml: every key and its default.
 *
 * Invariant: this is the one place that knows the defaults; JSON Schema, flags, environment
 * variables and `--check --print` are derived from it.
 */
import { z } from 'zod'
import * as field from '../../shared/io/config/schema.ts'
import {
  type HostPort,
  type Reading,
  readHostPort,
  readListenAddress,
} from '../../shared/io/config/values.ts'
import { lanesMax } from '../../shared/protocol/greeting.ts'

/** The port of a relay that is written without one. */
const relayPort = 443
/** The most relays of one agent; stops a list that costs more to keep up than it can save. */
const relaysMax = 8

/** The whole file. */
export const agentFileSchema = z.strictObject({
  relay: z
    .union([relayAddress(), z.array(relayAddress()).min(1).max(relaysMax)])
    .describe(
      'The relay, or a list of them, the best first: host, host:port or wss://host:port; ' +
        'the port is 443 if there is none.',
    ),
  name: field.name().describe('The name of this agent; it must equal the certificate.'),
  tls: z
    .strictObject({
      certificate: field
        .filePath()
        .prefault('pki/agent/{name}/certificate.pem')
        .describe('The certificate; {name} stands for the name of the agent.'),
      key: field
        .filePath()
        .prefault('pki/agent/{name}/key.pem')
        .describe('The private key of the certificate.'),
      authority: field
        .filePath()
        .prefault('pki/ca/certificate.pem')
        .describe('The certificate authority that the relay must come from.'),
    })
    .prefault({})
    .describe('Files in PEM form; paths are relative to this file.'),
  expose: z
    .record(
      field.name(),
      z.union([
        field.targetAddress(),
        z.strictObject({
          target: field.targetAddress().describe('The address of the service.'),
          within: z
            .array(field.network())
            .min(1)
            .optional()
            .describe('The only networks in which its address may lie, after the lookup.'),
        }),
      ]),
    )
    .prefault({})
    .describe('The services that this agent offers, and all that it will ever dial.'),
  forward: z
    .record(field.text(readForwardKey, { examples: ['127.0.0.1:5432'] }), field.serviceName())
    .prefault({})
    .describe('Local addresses that lead to services of other agents.'),
  limits: z
    .strictObject({
      streamsMax: field.count(1, 1_000_000).prefault(1000).describe('Streams at a time.'),
      carriers: field
        .count(1, lanesMax)
        .prefault(2)
        .describe('Connections to each relay: a packet lost on one stalls only its own streams.'),
      dialTimeout: field
        .duration('100ms', '5m')
        .prefault('10s')
        .describe('Lookup of a target and connection to it.'),
      openTimeout: field
        .duration('1s', '5m')
        .prefault('15s')
        .describe('How long the opening of a forwarded stream may take.'),
      handshakeTimeout: field
        .duration('1s', '5m')
        .prefault('10s')
        .describe('How long the connection to the relay may take.'),
      liveness: field
        .duration('1s', '5m')
        .prefault('10s')
        .describe("How long silence is believed; the smaller of this and the relay's own holds."),
      resumeWindow: field
        .duration('0s', '1h')
        .prefault('90s')
        .describe('How long streams wait for their relay.'),
      window: field.size('16KiB', '16MiB').prefault('1MiB').describe('Bytes of one stream.'),
      memoryBudget: field
        .size('1MiB', '64GiB')
        .prefault('256MiB')
        .describe('Bytes of all streams together.'),
    })
    .prefault({})
    .describe('What nobody may exceed.'),
  log: z
    .strictObject({
      level: z.enum(['error', 'warn', 'info', 'debug']).prefault('info').describe('What to log.'),
      format: z
        .enum(['auto', 'json', 'text'])
        .prefault('auto')
        .describe('JSON lines or prose; auto is prose on a terminal and JSON elsewhere.'),
    })
    .prefault({})
    .describe('What the agent says.'),
})

/** The file as parsed. */
export type AgentFile = z.output<typeof agentFileSchema>

/** A key of `forward` stays text; `listenOf` reads it once it is known to be good. */
function readForwardKey(text: string): Reading<string> {
  const reading = readListenAddress(text)
  return 'wrong' in reading ? reading : { value: text }
}

function relayAddress() {
  return field.text(readRelay, { examples: ['relay.example.com', 'relay.example.com:8443'] })
}

function readRelay(text: string): Reading<HostPort> {
  const bare = text.replace(/^wss:\/\//, '').replace(/\/$/, '')
  if (/^[a-z]+:\/\//i.test(bare)) return { wrong: `"${text}" is not written as wss://host:port` }
  const hasPort = /:\d+$/.test(bare) && (!bare.startsWith('[') || bare.includes(']:'))
  return readHostPort(hasPort ? bare : `${bare}:${relayPort}`)
}
