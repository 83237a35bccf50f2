/** The switch's links: who resumes, who displaces whom, who is waited for and for how long. */
import test from 'ava'
import { Fault } from '../../../shared/protocol/fault.ts'
import type { StreamFrame } from '../../../shared/protocol/frame.ts'
import { Board } from '../../support/board.ts'
import { openFrame } from '../../support/lone.ts'

const windowMs = 90_000

test('WELCOME says the life of the relay, the session and the bounds', (t) => {
  const { welcome } = new Board().agent('plant-1')
  t.like(welcome, {
    ...{ version: 1, life: 'bbbbbbbbbbbbbbbb', session: '0000000000000001', resumed: false },
    ...{ routes: 0, resumeWindowMs: windowMs, livenessMs: 10_000, streamsMax: 10, carriersMax: 4 },
  })
})

test('an agent of another version is refused', (t) => {
  const board = new Board()
  t.throws(() => board.agent('plant-1', { version: 2 }), {
    instanceOf: Fault,
    code: 'version_unsupported',
  })
  t.is(board.switch.links.size, 0)
})

test('rule 3: the same session goes on; its ids and routes are named', (t) => {
  const board = new Board()
  const { acceptor } = board.routed()
  acceptor.lost()
  const back = board.again(acceptor)
  t.is(back.link, acceptor.link)
  t.true(back.welcome.resumed)
  t.is(back.welcome.routes, 1)
  t.is(back.welcome.session, acceptor.welcome.session)
})

test('rule 3: another session of the same life is VOID to the far legs, not RESET', (t) => {
  const board = new Board()
  const { opener, acceptor } = board.routed()
  acceptor.lost()
  opener.hears()
  const back = board.agent('plant-1')
  t.false(back.welcome.resumed)
  t.not(back.welcome.session, acceptor.welcome.session)
  t.deepEqual(opener.hears(), [{ kind: 'void', id: 2 }])
  t.is(board.switch.routes.size, 0)
})

test('rule 16: another life of the same identity ends the old one: RESET agent_restarted', (t) => {
  const board = new Board()
  const { opener, acceptor } = board.routed()
  board.agent('plant-1', { epoch: 'ffffffffffffffff' })
  t.deepEqual(acceptor.ended, ['displaced', 'displaced'])
  t.deepEqual(opener.hears().at(-1), { kind: 'reset', id: 2, code: 'agent_restarted' })
  t.true(board.noticed().includes('displaced'))
  t.is(board.switch.links.size, 2)
})

test('rule 32: a later carrier of a life takes over, and the older is destroyed first', (t) => {
  const board = new Board()
  const { acceptor } = board.routed()
  const later = board.again(acceptor)
  t.deepEqual(acceptor.ended, ['carrier_lost', undefined])
  t.true(later.welcome.resumed)
  acceptor.lost()
  t.true(later.port.up, 'the end of the older one takes nothing down')
})

test('rule 32: a HELLO that is not later is refused, and harms nobody', (t) => {
  const board = new Board()
  const first = board.agent('plant-1', { attempt: 5 })
  for (const attempt of [5, 4, 0]) {
    t.throws(() => board.agent('plant-1', { attempt }), {
      instanceOf: Fault,
      code: 'attempt_stale',
    })
  }
  t.is(first.ended, undefined)
  t.deepEqual(board.switch.linksOf('agent/plant-1'), [first.link])
})

test('R11: no more agents are in, or waited for, than may be', (t) => {
  const board = new Board({ agentsMax: 2 })
  const first = board.agent('plant-1')
  board.agent('plant-2').lost()
  t.throws(() => board.agent('plant-3'), { instanceOf: Fault, code: 'overloaded' })
  t.true(board.again(first).welcome.resumed)
  board.advance(windowMs)
  t.notThrows(() => board.agent('plant-3'))
})

test('rule 40: a session waits for its window; then its streams end with a code', (t) => {
  const board = new Board()
  const { opener, acceptor } = board.routed()
  acceptor.lost()
  opener.hears()
  t.is(board.switch.deadline(), windowMs)
  board.advance(windowMs - 1)
  t.is(board.switch.links.size, 2)
  board.advance(1)
  t.deepEqual(opener.hears(), [{ kind: 'reset', id: 2, code: 'expired' }])
  t.is(board.switch.links.size, 1)
  t.is(board.switch.deadline(), Number.POSITIVE_INFINITY)
  t.false(board.again(acceptor).welcome.resumed)
})

test('an agent that said goodbye is not waited for', (t) => {
  const board = new Board()
  const { opener, acceptor } = board.routed()
  board.switch.goaway(acceptor.link, 'bye', 0)
  t.is(board.switch.routes.size, 1, 'it may still have something to say')
  acceptor.lost()
  t.deepEqual(opener.hears().at(-1), { kind: 'reset', id: 2, code: 'agent_gone' })
  t.is(board.switch.links.size, 1)
})

test('rule 40: who is expelled is gone with all its streams, connected or detached', (t) => {
  for (const detached of [false, true]) {
    const board = new Board()
    const { opener, acceptor } = board.routed()
    if (detached) acceptor.lost()
    opener.hears()
    board.switch.expel('agent/plant-1', 'revoked', board.now)
    t.deepEqual(acceptor.ended, detached ? undefined : ['revoked', 'revoked'])
    t.deepEqual(opener.hears(), [{ kind: 'reset', id: 2, code: 'revoked' }])
    t.is(board.switch.links.size, 1)
    t.is(board.switch.routes.size, 0)
  }
})

test('expelling nobody is no fault', (t) => {
  const board = new Board()
  t.notThrows(() => board.switch.expel('agent/nobody', 'revoked', 0))
})

test("the relay's own endpoint is a port like any other, always up", (t) => {
  const board = new Board()
  const plant = board.agent('plant-1')
  board.switch.receive(board.local, openFrame({ id: 2, from: 'client/app' }), 0)
  t.like(plant.hears()[0], { kind: 'open', from: 'client/app' })
  plant.says({
    ...{ kind: 'accept', id: 1, received: 0, consumed: 0, limit: 100 },
    by: 'agent/plant-1',
  })
  t.like(board.localHears()[0], { kind: 'accept', id: 2 })
})

test('R11: a thousand sessions that nobody comes back for are gone with their window', (t) => {
  const board = new Board()
  for (let count = 0; count < 1_000; count += 1) board.agent(`a${count}`).lost()
  t.is(board.switch.links.size, 1_000)
  board.advance(windowMs)
  t.is(board.switch.links.size, 0)
})

test('the operator hears of links that come, go and are over', (t) => {
  const board = new Board()
  const plant = board.agent('plant-1')
  plant.lost()
  board.again(plant).lost()
  board.advance(windowMs)
  const expected = ['linkUp', 'linkDown', 'linkUp', 'linkDown', 'linkOver expired']
  t.deepEqual(board.noticed(), expected)
})

test('a relay that drains says so to every carrier, also to those that come in later', (t) => {
  const board = new Board()
  const { opener, acceptor } = board.routed()
  board.switch.drain(8_000, board.now)
  t.deepEqual([opener.drains, acceptor.drains], [8_000, 8_000])
  board.advance(3_000)
  const back = board.again(acceptor)
  t.true(back.welcome.resumed)
  t.is(back.drains, 5_000)
  t.is(board.switch.routes.size, 1)
})

test('a relay that drains leads what it leads, and nothing that is new', (t) => {
  const board = new Board()
  const { opener, acceptor } = board.routed()
  acceptor.hears()
  board.switch.drain(8_000, board.now)
  opener.says({ kind: 'data', id: 2, offset: 0, bytes: new Uint8Array(0) })
  for (const established of [false, true]) {
    const id = established ? 6 : 4
    opener.says(openFrame({ id, key: '1'.repeat(32), established, from: '' }))
    t.like(opener.hears().at(-1), { kind: 'refuse', id, code: 'drain' })
  }
  t.is(board.switch.routes.size, 1)
})

test('a stream that began at this relay is led on while it drains: it has no other', (t) => {
  const board = new Board()
  board.agent('plant-1')
  board.switch.drain(8_000, board.now)
  const from = 'client/app'
  const local = (frame: StreamFrame): void => board.switch.receive(board.local, frame, board.now)
  local(openFrame({ id: 4, key: '1'.repeat(32), established: false, from }))
  t.like(board.localHears().at(-1), { kind: 'refuse', id: 4, code: 'drain' })
  local(openFrame({ id: 6, key: '1'.repeat(32), established: true, from }))
  t.is(board.switch.routes.size, 1)
})
