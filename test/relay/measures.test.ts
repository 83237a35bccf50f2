/** Tests what is measured of a relay: where its streams are, and what was dropped or refused. */
import test from 'ava'
import { measure } from '../../relay/measures.ts'
import type { RelayMeasures } from '../../relay/metrics.ts'
import { Tally } from '../../relay/tally.ts'
import { lastWordsMax } from '../../shared/protocol/voice.ts'
import { Board } from '../support/board.ts'
import { Lone, openFrame } from '../support/lone.ts'
import { relayLimits } from '../support/relay-limits.ts'

/** A switch whose notices are counted, and a look at it. */
function stand(): { readonly board: Board; readonly look: () => RelayMeasures } {
  const board = new Board()
  const tally = new Tally()
  let told = 0
  const look = (): RelayMeasures => {
    for (const notice of board.notices.slice(told)) tally.heard(notice)
    told = board.notices.length
    return measure({
      core: { switch: board.switch, endpoint: new Lone(0).endpoint },
      consumers: { inside: 4 },
      handshakes: { pending: 1, shed: 2, timedOut: 3 },
      tally,
      limits: relayLimits,
      status: () => ({
        healthy: true,
        draining: false,
        agents: [],
        services: [],
        streams: 0,
        memoryBytes: 0,
      }),
    })
  }
  return { board, look }
}

test('a stream is led while both agents are there, held while one is away, or parked', (t) => {
  const { board, look } = stand()
  const { opener, acceptor } = board.routed()
  t.deepEqual(look().streams, { led: 1, held: 0, parked: 0 })
  acceptor.lost()
  t.deepEqual(look().streams, { led: 0, held: 1, parked: 0 })
  opener.says(openFrame({ id: 4, from: '' }))
  t.deepEqual(look().streams, { led: 0, held: 1, parked: 1 })
  board.again(acceptor)
  t.deepEqual(look().streams, { led: 2, held: 0, parked: 0 })
})

test('refusals and ends are counted by their code', (t) => {
  const { board, look } = stand()
  const { opener } = board.routed()
  for (const id of [4, 6]) opener.says(openFrame({ id, from: '', to: 'plant-1/secret' }))
  opener.says({ kind: 'reset', id: 2, code: 'shutdown' })
  const { refusals, streamsEnded } = look()
  t.deepEqual([...refusals.switch], [['denied_by_policy', 2]])
  t.deepEqual([...streamsEnded], [['shutdown', 1]])
})

test('last words that were dropped are counted also when their agent is gone', (t) => {
  const { board, look } = stand()
  const agent = board.agent('plant-1')
  agent.lost()
  for (let id = 0; id < lastWordsMax + 5; id += 1) agent.port.voice.sayLast({ kind: 'void', id })
  t.deepEqual(look().lastWords, { waiting: lastWordsMax, dropped: 5 })
  board.advance(90_000)
  t.is(board.switch.links.size, 0)
  t.deepEqual(look().lastWords, { waiting: 0, dropped: 5 })
})
