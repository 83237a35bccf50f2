/** Several links of one agent at the switch: where streams go, and what the loss of one does. */
import test from 'ava'
import { Fault } from '../../../shared/protocol/fault.ts'
import { type FrameOf, noSession } from '../../../shared/protocol/frame.ts'
import { helloOf } from '../../../shared/protocol/greeting.ts'
import { type Agent, Board } from '../../support/board.ts'
import { openFrame } from '../../support/lone.ts'

const windowMs = 90_000

/** The HELLO of a lane, as the agent's side would say it. */
function onLane(lane: number, change: Partial<FrameOf<'hello'>> = {}) {
  const greeting = { epoch: 'e'.repeat(16), session: noSession, attempt: 0, alive: [], lane }
  const { attributes } = helloOf(greeting)
  return { attributes, ...change }
}

/** An agent with two carriers, and another one that opens a stream to it by the first lane. */
function twoLanes() {
  const board = new Board()
  const first = board.agent('plant-1')
  const opener = board.agent('crm-1')
  const key = (at: number): string => at.toString(16).padStart(32, '0')
  const open = (at: number, by: Agent): void => {
    opener.says(openFrame({ id: 2 * at, key: key(at), from: '' }))
    const id = by.hears().flatMap((frame) => (frame.kind === 'open' ? [frame.id] : []))[0] ?? 0
    const numbers = { received: 0, consumed: 0, limit: 1_000 }
    by.says({ kind: 'accept', id, ...numbers, by: 'agent/plant-1' })
    opener.hears()
  }
  open(1, first)
  const alive = [first.link.attempt]
  const second = board.agent('plant-1', onLane(1, { alive }))
  return { board, first, second, opener, open }
}

test('a second lane is a link of its own: the first one goes on', (t) => {
  const { board, first, second } = twoLanes()
  t.is(first.ended, undefined)
  t.not(second.welcome.session, first.welcome.session)
  t.deepEqual(board.switch.linksOf('agent/plant-1'), [first.link, second.link])
  t.is(board.switch.routes.size, 1)
})

test('a new stream goes by the lane that carries the fewest', (t) => {
  const { first, second, open } = twoLanes()
  open(2, second)
  t.deepEqual([first.port.legs.size, second.port.legs.size], [1, 1])
})

test('streams of all lanes count as streams of their agent', (t) => {
  const { board, opener } = twoLanes()
  for (let at = 2; at < 14; at += 1) {
    const key = at.toString(16).padStart(32, '0')
    opener.says(openFrame({ id: 2 * at, key, from: '' }))
  }
  const refused = opener.hears().filter(({ kind }) => kind === 'refuse')
  t.is(board.switch.routes.size, 10)
  t.is(refused.length, 3)
})

test('a lost carrier: the opener is told VOID, and the other carrier of the loss', (t) => {
  const { board, first, second, opener } = twoLanes()
  first.lost()
  t.deepEqual(opener.hears(), [{ kind: 'void', id: 2 }])
  t.is(board.switch.routes.size, 0)
  t.deepEqual(second.gones, [[0, first.link.attempt]])
  t.like(board.notices.at(-1), { kind: 'linkDown', isHere: true })
})

test('a lost carrier of an opener: the acceptor holds, and nobody else is told', (t) => {
  const { board, opener, first } = twoLanes()
  board.agent('crm-1', onLane(1, { alive: [opener.link.attempt] }))
  opener.lost()
  t.deepEqual(first.hears(), [{ kind: 'hold', id: 1 }])
  t.is(board.switch.routes.size, 1)
})

test('the last carrier lost: streams are held, and the first lane that is back takes them', (t) => {
  const { board, first, second, opener } = twoLanes()
  second.lost()
  first.lost()
  t.deepEqual(opener.hears(), [{ kind: 'hold', id: 2 }])
  t.like(board.notices.at(-1), { kind: 'linkDown', isHere: false })
  board.agent('plant-1', onLane(1, { session: second.welcome.session }))
  t.deepEqual(opener.hears(), [{ kind: 'void', id: 2 }])
})

test('rule 8: a resumed lane names what it lost to another one by a last word', (t) => {
  const { board, first, second } = twoLanes()
  first.lost()
  const alive = [second.link.attempt]
  const back = board.agent('plant-1', { session: first.welcome.session, alive })
  t.true(back.welcome.resumed)
  t.is(back.welcome.routes, 1)
  t.deepEqual(back.hears(), [{ kind: 'void', id: 1 }])
})

test('GONE: the agent has lost a carrier that still stands here, and it is destroyed', (t) => {
  const { board, first, second, opener } = twoLanes()
  board.switch.gone(second.link, first.link.attempt, board.now)
  t.deepEqual(first.ended, ['carrier_lost', undefined])
  t.deepEqual(opener.hears(), [{ kind: 'void', id: 2 }])
  t.deepEqual(second.gones, [], 'who has said it need not hear it')
})

test('GONE of a carrier of its own, of another agent, or of none changes nothing', (t) => {
  const { board, second, first, opener } = twoLanes()
  for (const attempt of [second.link.attempt, opener.link.attempt, 99]) {
    board.switch.gone(second.link, attempt, board.now)
  }
  t.deepEqual([first.ended, second.ended, opener.ended], [undefined, undefined, undefined])
})

test('HELLO fences what its agent does not believe in any longer, but no later carrier', (t) => {
  const { board, first, second } = twoLanes()
  board.agent('plant-1', onLane(2, { alive: [second.link.attempt] }))
  t.deepEqual(first.ended, ['carrier_lost', undefined])
  t.is(second.ended, undefined)
  board.agent('plant-1', onLane(3, { attempt: 0, alive: [] }))
  t.is(second.ended, undefined, 'a HELLO that was long under way knows nothing of it')
})

test('rule 16: another life ends all lanes at once: RESET, not VOID', (t) => {
  const { board, first, second, opener } = twoLanes()
  board.agent('plant-1', { epoch: 'f'.repeat(16) })
  t.deepEqual(first.ended, ['displaced', 'displaced'])
  t.deepEqual(second.ended, ['displaced', 'displaced'])
  t.deepEqual(opener.hears(), [{ kind: 'reset', id: 2, code: 'agent_restarted' }])
  t.is(board.noticed().filter((kind) => kind === 'displaced').length, 1)
})

test('rule 16: a late HELLO of a displaced life is refused on every lane', (t) => {
  const { board } = twoLanes()
  board.agent('plant-1', { epoch: 'f'.repeat(16) })
  for (const lane of [0, 1, 2]) {
    t.throws(() => board.agent('plant-1', onLane(lane)), {
      instanceOf: Fault,
      code: 'attempt_stale',
    })
  }
})

test('a lane beyond what the relay takes is refused', (t) => {
  const { board } = twoLanes()
  t.notThrows(() => board.agent('plant-1', onLane(3)))
  t.throws(() => board.agent('plant-1', onLane(4)), { instanceOf: Fault, code: 'overloaded' })
})

test('a lane that never comes back is forgotten, and costs the agent nothing', (t) => {
  const { board, first, second, opener } = twoLanes()
  first.lost()
  opener.hears()
  board.advance(windowMs)
  t.deepEqual(board.switch.linksOf('agent/plant-1'), [second.link])
  t.deepEqual(opener.hears(), [])
})

test('who says goodbye leaves on every lane', (t) => {
  const { board, first, second, opener } = twoLanes()
  first.lost()
  board.switch.goaway(second.link, 'bye', board.now)
  t.deepEqual(board.switch.linksOf('agent/plant-1'), [second.link])
  second.lost()
  t.deepEqual(board.switch.linksOf('agent/plant-1'), [])
  t.is(opener.hears().filter(({ kind }) => kind === 'reset').length, 0, 'it had been told VOID')
})

test('rule 40: who is expelled is gone on every lane', (t) => {
  const { board, first, second, opener } = twoLanes()
  board.switch.expel('agent/plant-1', 'revoked', board.now)
  t.deepEqual(
    [first.ended, second.ended],
    [
      ['revoked', 'revoked'],
      ['revoked', 'revoked'],
    ],
  )
  t.deepEqual(opener.hears(), [{ kind: 'reset', id: 2, code: 'revoked' }])
  t.deepEqual(board.switch.linksOf('agent/plant-1'), [])
})
