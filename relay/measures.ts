/**
 * Measures: what the parts of a running relay know of themselves, put together at one moment.
 *
 * Invariant: nothing is kept between two looks, and a look changes nothing.
 */
import type { RelayLimits } from './config.ts'
import type { Core } from './core.ts'
import type { PendingTotals } from './gate/pending.ts'
import type { Consumers } from './ingress/index.ts'
import type { RelayMeasures, StreamState } from './metrics.ts'
import type { RelayStatus } from './status.ts'
import type { Route } from './switch/route.ts'
import type { Tally } from './tally.ts'

/** Who is asked. */
export interface Measured {
  readonly core: Pick<Core, 'switch' | 'endpoint'>
  readonly consumers: Pick<Consumers, 'inside'>
  readonly handshakes: PendingTotals
  readonly tally: Tally
  readonly limits: RelayLimits
  readonly status: () => RelayStatus
}

/** Looks at everything once. */
export function measure({ core, consumers, handshakes, tally, ...rest }: Measured): RelayMeasures {
  const voices = [...core.switch.links.values()].map(({ port }) => port.voice)
  const { refusals, streamsEnded, carriersEnded } = tally
  return {
    status: rest.status(),
    limits: rest.limits,
    streams: streamsByState(core.switch.routes),
    consumers: consumers.inside,
    stalls: core.endpoint.stalls,
    lastWords: {
      waiting: sum(voices, (voice) => voice.lastWordsWaiting),
      dropped: tally.lastWordsDropped + sum(voices, (voice) => voice.lastWordsDropped),
    },
    handshakes,
    refusals,
    streamsEnded,
    carriersEnded,
  }
}

function streamsByState(routes: Iterable<Route>): Readonly<Record<StreamState, number>> {
  const counts = { led: 0, held: 0, parked: 0 }
  for (const { opener, acceptor } of routes) {
    if (acceptor === undefined) counts.parked += 1
    else if (opener.port.up && acceptor.port.up) counts.led += 1
    else counts.held += 1
  }
  return counts
}

function sum<One>(all: readonly One[], read: (one: One) => number): number {
  return all.reduce((total, one) => total + read(one), 0)
}
