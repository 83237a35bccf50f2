/**
 * What the relay tells Prometheus: each of its bounds, and how near it is, in text format 0.0.4.
 *
 * Invariant: how many lines there are is bounded: labels are agents (`agentsMax`), services of the
 * file, and codes of the closed list. No value is kept here: a record comes in, text goes out.
 */
import type { FaultCode } from '../shared/protocol/fault.ts'
import type { RelayLimits } from './config.ts'
import type { RelayStatus } from './status.ts'
import type { Refuser } from './tally.ts'

/** The media type of what `metricsText` gives. */
export const metricsType = 'text/plain; version=0.0.4; charset=utf-8'

/** Where the streams through the relay are: led, waiting for one of their agents, not yet led. */
export type StreamState = 'led' | 'held' | 'parked'

type Counts<Key extends string> = ReadonlyMap<Key, number>

/** All that is told. */
export interface RelayMeasures {
  readonly status: RelayStatus
  readonly limits: RelayLimits
  readonly streams: Readonly<Record<StreamState, number>>
  readonly consumers: number
  readonly stalls: number
  readonly lastWords: { readonly waiting: number; readonly dropped: number }
  readonly handshakes: {
    readonly pending: number
    readonly shed: number
    readonly timedOut: number
  }
  readonly refusals: Readonly<Record<Refuser, Counts<FaultCode>>>
  readonly streamsEnded: Counts<FaultCode>
  readonly carriersEnded: Counts<FaultCode>
}

interface Sample {
  readonly labels?: Readonly<Record<string, string>>
  readonly value: number
}

interface Family {
  readonly name: string
  readonly type: 'gauge' | 'counter'
  readonly help: string
  readonly samples: readonly Sample[]
}

/** The whole answer to `GET /metrics`. */
export function metricsText(measures: RelayMeasures): string {
  const families = [...ofRelay(measures), ...ofAgents(measures), ...ofDoors(measures)]
  return families.map(familyText).join('')
}

function ofRelay({ status, limits, ...measures }: RelayMeasures): readonly Family[] {
  const { lastWords, stalls, streams, streamsEnded } = measures
  return [
    gauge('healthy', 'Whether every service is up, and nothing drains.', Number(status.healthy)),
    gauge('draining', 'Whether the relay is about to stop.', Number(status.draining)),
    gauge(
      'service_up',
      'Whether the agent of a service is heard, and exposes it.',
      status.services.map(({ service, state }) => ({
        labels: { service },
        value: Number(state === 'up'),
      })),
    ),
    gauge('memory_used_bytes', 'What all streams hold, as it is charged.', status.memoryBytes),
    gauge('memory_limit_bytes', 'limits.memoryBudget.', limits.memoryBudgetBytes),
    gauge(
      'streams',
      'Streams: led, held for an agent that is away, parked before they were led.',
      Object.entries(streams).map(([state, value]) => ({ labels: { state }, value })),
    ),
    counter('streams_ended_total', 'Streams that are over.', byCode(streamsEnded)),
    counter('stalls_total', 'Streams of its own doors that had to be restated.', stalls),
    gauge('last_words', 'Ids whose end is still to be told to agents.', lastWords.waiting),
    counter('last_words_dropped_total', 'Ends beyond lastWordsMax of an agent.', lastWords.dropped),
  ]
}

function ofAgents({ status, limits, carriersEnded }: RelayMeasures): readonly Family[] {
  const { agents } = status
  const states = ['up', 'silent', 'away'] as const
  const inState = (wanted: string): number => agents.filter(({ state }) => state === wanted).length
  /** One sample for each agent of which the value is known. */
  const each = (read: (agent: (typeof agents)[number]) => number | undefined) =>
    agents.flatMap((one): readonly Sample[] => {
      const value = read(one)
      return value === undefined ? [] : [{ labels: { agent: one.agent }, value }]
    })
  return [
    gauge(
      'agents',
      'Agents: heard within the liveness time, silent for longer, away and waited for.',
      states.map((state) => ({ labels: { state }, value: inState(state) })),
    ),
    gauge('agents_limit', 'limits.agentsMax.', limits.agentsMax),
    gauge(
      'agent_streams',
      'Streams of an agent.',
      each(({ streams }) => streams),
    ),
    gauge('agent_streams_limit', 'limits.streamsMax, for each agent.', limits.streamsMax),
    gauge(
      'agent_carriers',
      'Carriers that serve an agent now.',
      each(({ carriers }) => carriers),
    ),
    counter(
      'agent_cuts_total',
      'Carriers of an agent that were lost.',
      each(({ cuts }) => cuts),
    ),
    counter(
      'agent_received_bytes_total',
      'Bytes of frames from an agent.',
      each(({ receivedBytes }) => receivedBytes),
    ),
    counter(
      'agent_sent_bytes_total',
      'Bytes of frames to an agent.',
      each(({ sentBytes }) => sentBytes),
    ),
    gauge(
      'agent_silence_seconds',
      'Time since an agent that is not away was last heard.',
      each(({ heardAgoMs }) => seconds(heardAgoMs)),
    ),
    gauge(
      'agent_round_trip_seconds',
      'The last round trip that was measured to an agent.',
      each(({ roundTripMs }) => seconds(roundTripMs)),
    ),
    counter('carriers_ended_total', 'Carriers that are over.', byCode(carriersEnded)),
  ]
}

function ofDoors({ limits, handshakes, consumers, refusals }: RelayMeasures): readonly Family[] {
  const { pending, shed, timedOut } = handshakes
  return [
    gauge('consumers', 'Consumers at the ports and paths of the relay.', consumers),
    gauge('consumers_limit', 'limits.connectionsMax.', limits.connectionsMax),
    gauge('handshakes_pending', 'Connections that have yet to say who they are.', pending),
    gauge('handshakes_limit', 'limits.pendingHandshakesMax.', limits.pendingHandshakesMax),
    counter('handshakes_shed_total', 'Connections for which there was no place.', shed),
    counter('handshakes_timed_out_total', 'Connections gone after handshakeTimeout.', timedOut),
    counter(
      'refusals_total',
      'Refusals: of upgrades by the gate, of consumers at a door, of openings by the switch.',
      Object.entries(refusals).flatMap(([by, counts]) => byCode(counts, { by })),
    ),
  ]
}

function gauge(name: string, help: string, value: number | readonly Sample[]): Family {
  return { name, help, type: 'gauge', samples: typeof value === 'number' ? [{ value }] : value }
}

function counter(name: string, help: string, value: number | readonly Sample[]): Family {
  return { ...gauge(name, help, value), type: 'counter' }
}

function byCode(counts: Counts<FaultCode>, more: Sample['labels'] = {}): readonly Sample[] {
  return [...counts].map(([code, value]) => ({ labels: { ...more, code }, value }))
}

function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1_000
}

function familyText({ name: bare, type, help, samples }: Family): string {
  const name = `sallyport_${bare}`
  const lines = samples.map(({ labels = {}, value }) => `${name}${labelsText(labels)} ${value}\n`)
  return [`# HELP ${name} ${help}\n`, `# TYPE ${name} ${type}\n`, ...lines].join('')
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replace(/[\\"\n]/g, (char) => (char === '\n' ? '\\n' : `\\${char}`))
}
