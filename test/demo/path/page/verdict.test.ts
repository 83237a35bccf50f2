/** Tests the sentence above the picture: the worst cause first, and never well too early. */
import test from 'ava'
import { bytesText, countText, secondsText } from '../../../../demo/path/page/number.ts'
import { verdictOf } from '../../../../demo/path/page/verdict.ts'
import type { AgentState, PathState } from '../../../../demo/path/state.ts'

const agent: AgentState = {
  agent: 'agent/plant-1',
  state: 'up',
  streams: 3,
  cuts: 0,
  receivedBytes: 0,
  sentBytes: 0,
}

const well: PathState = {
  relay: 'up',
  relayLives: 1,
  agents: [agent, { ...agent, agent: 'agent/office-1' }],
  streams: 3,
  broker: 'aedes',
  messages: { sent: 4, heard: 4, longestPauseMs: 0, pauseMs: 0, streamsLost: 0 },
  broken: 0,
  breakables: [],
  events: [],
}

test('all is well only when every link is up and nothing waits', (t) => {
  t.deepEqual(verdictOf(well), { kind: 'well', text: 'all well: 2 agents, 3 streams' })
  const waiting = { ...well, messages: { ...well.messages, pauseMs: 1_400 } }
  t.deepEqual(verdictOf(waiting), {
    kind: 'held',
    text: 'nothing was heard for 1.4 s; streams are held',
  })
  const away = { ...well, agents: [agent, { ...agent, state: 'away' as const }] }
  t.is(verdictOf(away).text, 'agent plant-1 is away; its streams are held')
  t.is(verdictOf({ ...well, agents: [] }).kind, 'held')
  const dead = { ...waiting, relay: 'down' as const, agents: [] }
  t.is(verdictOf(dead).text, 'the relay is dead; streams between agents are held for 1.4 s')
})

test('numbers are told as people read them', (t) => {
  t.deepEqual([0, 999, 1_000, 12_345, 1_234_567].map(bytesText), [
    '0 B',
    '999 B',
    '1.0 kB',
    '12.3 kB',
    '1.2 MB',
  ])
  t.is(secondsText(412), '0.4 s')
  t.is(countText(10_000), '10,000')
})
