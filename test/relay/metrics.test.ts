/** Tests what Prometheus is told: the format, letter by letter, and that it has an end. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { metricsText, type RelayMeasures } from '../../relay/metrics.ts'
import type { AgentStatus } from '../../relay/status.ts'
import { Tally } from '../../relay/tally.ts'
import { type FaultCode, faults } from '../../shared/protocol/fault.ts'
import { readExposition } from '../support/exposition.ts'
import { relayLimits } from '../support/relay-limits.ts'
import { repository } from '../support/sources.ts'

const silent = {
  agent: 'agent/plant-1',
  carriers: 2,
  streams: 3,
  cuts: 4,
  receivedBytes: 5,
  sentBytes: 6,
  services: ['mqtt'],
}

const agent: AgentStatus = { ...silent, state: 'up', heardAgoMs: 1_500, roundTripMs: 2.5 }

function measuresOf(
  change: Partial<RelayMeasures> = {},
  agents: readonly AgentStatus[] = [agent],
): RelayMeasures {
  const service = { service: 'plant-1/mqtt', state: 'up' } as const
  const status = { healthy: true, draining: false, agents, services: [service], streams: 9 }
  return {
    status: { ...status, memoryBytes: 7 },
    limits: relayLimits,
    streams: { led: 1, held: 2, parked: 3 },
    consumers: 8,
    stalls: 9,
    lastWords: { waiting: 10, dropped: 11 },
    handshakes: { pending: 12, shed: 13, timedOut: 14 },
    refusals: { gate: new Map([['revoked', 15]]), door: new Map(), switch: new Map() },
    streamsEnded: new Map([['end', 16]]),
    carriersEnded: new Map([['carrier_lost', 17]]),
    ...change,
  }
}

test('each measure stands where its name says, in base units', (t) => {
  const read = readExposition(metricsText(measuresOf()))
  const value = (name: string, labels = {}): number | undefined =>
    read.get(`sallyport_${name}`)?.samples.get(JSON.stringify(labels))
  const ofAgent = { agent: 'agent/plant-1' }
  const expected: readonly (readonly [string, object, number])[] = [
    ['healthy', {}, 1],
    ['draining', {}, 0],
    ['service_up', { service: 'plant-1/mqtt' }, 1],
    ['memory_used_bytes', {}, 7],
    ['memory_limit_bytes', {}, 114],
    ['streams', { state: 'led' }, 1],
    ['streams', { state: 'held' }, 2],
    ['streams', { state: 'parked' }, 3],
    ['streams_ended_total', { code: 'end' }, 16],
    ['stalls_total', {}, 9],
    ['last_words', {}, 10],
    ['last_words_dropped_total', {}, 11],
    ['agents', { state: 'up' }, 1],
    ['agents', { state: 'silent' }, 0],
    ['agents', { state: 'away' }, 0],
    ['agents_limit', {}, 102],
    ['agent_streams', ofAgent, 3],
    ['agent_streams_limit', {}, 101],
    ['agent_carriers', ofAgent, 2],
    ['agent_cuts_total', ofAgent, 4],
    ['agent_received_bytes_total', ofAgent, 5],
    ['agent_sent_bytes_total', ofAgent, 6],
    ['agent_silence_seconds', ofAgent, 1.5],
    ['agent_round_trip_seconds', ofAgent, 0.0025],
    ['carriers_ended_total', { code: 'carrier_lost' }, 17],
    ['consumers', {}, 8],
    ['consumers_limit', {}, 104],
    ['handshakes_pending', {}, 12],
    ['handshakes_limit', {}, 105],
    ['handshakes_shed_total', {}, 13],
    ['handshakes_timed_out_total', {}, 14],
    ['refusals_total', { by: 'gate', code: 'revoked' }, 15],
  ]
  for (const [name, labels, wanted] of expected) t.is(value(name, labels), wanted, name)
  const told = [...read.values()].reduce((count, { samples }) => count + samples.size, 0)
  t.is(told, expected.length, 'nothing else is told')
})

test('what is not known of an agent that is away is not told', (t) => {
  const away = { ...silent, carriers: 0, state: 'away' } as const
  const read = readExposition(metricsText(measuresOf({}, [away])))
  t.is(read.get('sallyport_agents')?.samples.get('{"state":"away"}'), 1)
  t.is(read.get('sallyport_agent_silence_seconds')?.samples.size, 0)
  t.is(read.get('sallyport_agent_round_trip_seconds')?.samples.size, 0)
})

test('counters are named as such, and nothing else is', (t) => {
  for (const [name, { type }] of readExposition(metricsText(measuresOf()))) {
    t.regex(name, /^sallyport_[a-z_]+$/)
    t.is(name.endsWith('_total'), type === 'counter', name)
  }
})

test('any label comes back as it was, and any number', (t) => {
  const name = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom('"', '\\', '\n', 'n') }),
  )
  const numbers = fc.oneof(fc.nat(), fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }))
  const property = fc.property(fc.uniqueArray(name), numbers, (names, cuts) => {
    const agents = names.map((one) => ({ ...agent, agent: one, cuts }))
    const read = readExposition(metricsText(measuresOf({}, agents)))
    const samples = read.get('sallyport_agent_cuts_total')?.samples
    t.deepEqual(
      [...(samples ?? [])],
      names.map((one) => [JSON.stringify({ agent: one }), cuts]),
    )
  })
  fc.assert(property)
})

test('there are no more series than agents, services and codes allow', (t) => {
  const tally = new Tally()
  const codes = Object.keys(faults) as FaultCode[]
  for (let round = 0; round < 100; round += 1) {
    for (const code of codes) {
      for (const by of ['gate', 'door', 'switch'] as const) tally.refused(by, code)
      tally.carrierEnded(code)
    }
  }
  const { refusals, streamsEnded, carriersEnded } = tally
  const text = metricsText(measuresOf({ refusals, streamsEnded, carriersEnded }))
  const read = readExposition(text)
  t.is(read.get('sallyport_refusals_total')?.samples.size, 3 * codes.length)
  t.is(read.get('sallyport_carriers_ended_total')?.samples.size, codes.length)
})

test('docs/threats.md names every metric, and no other', (t) => {
  const page = readFileSync(join(repository, 'docs/threats.md'), 'utf8')
  const named = new Set([...page.matchAll(/`sallyport_(\w+)/g)].map(([, name = '']) => name))
  const told = [...readExposition(metricsText(measuresOf())).keys()]
  t.deepEqual([...named].sort(), told.map((name) => name.replace('sallyport_', '')).sort())
})

for (const [title, text] of [
  ['a sample without its family', 'sallyport_streams 1\n'],
  ['no line feed at the end', '# HELP a b\n# TYPE a gauge\na 1'],
  ['a quote that is not escaped', '# HELP a b\n# TYPE a gauge\na{x="""} 1\n'],
  ['a series that comes twice', '# HELP a b\n# TYPE a gauge\na 1\na 2\n'],
  ['a family that comes twice', '# HELP a b\n# TYPE a gauge\n# HELP a b\n# TYPE a gauge\n'],
  ['a value that is none', '# HELP a b\n# TYPE a gauge\na undefined\n'],
] as const) {
  test(`the reader that these tests believe refuses ${title}`, (t) => {
    t.throws(() => readExposition(text))
  })
}
