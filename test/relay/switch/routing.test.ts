/** Routing: which OPEN makes a route, where each frame goes, and what the legs hear at the end. */
import test from 'ava'
import { parsePolicy } from '../../../shared/policy.ts'
import type { WireCode } from '../../../shared/protocol/fault.ts'
import { attributeTags, type FrameOf } from '../../../shared/protocol/frame.ts'
import { type Agent, Board, openPolicy } from '../../support/board.ts'
import { samples } from '../../support/frames.ts'
import { openFrame } from '../../support/lone.ts'

const otherKey = 'f'.repeat(32)
const grant = { received: 0, consumed: 0, limit: 1_000_000 }

/** The OPEN of crm-1 as it says it: what it claims to be is not believed. */
const openOf = (change: Partial<FrameOf<'open'>> = {}) =>
  openFrame({ id: 2, from: 'agent/somebody-else', ...change })

test('rule 21: an OPEN that is said again behind the end of its way begins no other', (t) => {
  const board = new Board()
  const { opener } = board.routed()
  board.agent('plant-1', { epoch: 'f'.repeat(16) })
  // The carrier dies with the word that the stream is over; the OPEN had been under way.
  opener.hears()
  opener.says(openFrame({ id: 2, from: '' }))
  t.deepEqual(opener.hears(), [{ kind: 'void', id: 2 }])
  t.is(board.switch.routes.size, 0)
  opener.says(openFrame({ id: 4, attachment: 2, from: '' }))
  t.is(board.switch.routes.size, 1)
})

test('an OPEN that is admitted goes to the agent, under another id and in the proved name', (t) => {
  const board = new Board()
  const crm = board.agent('crm-1')
  const plant = board.agent('plant-1')
  const attributes = [{ tag: attributeTags.source, value: new Uint8Array([1]) }]
  crm.says(openOf({ limit: 700, attributes }))
  const [open] = plant.hears()
  t.like(open, { kind: 'open', id: 1, from: 'agent/crm-1', to: 'plant-1/mqtt', limit: 700 })
  t.deepEqual(open?.kind === 'open' ? open.attributes : undefined, [])
  t.is(board.switch.routes.size, 1)
  t.true(board.noticed().includes('routed'))
})

test('rule 25: the OPEN passes the limit on, but no more than one window', (t) => {
  const { open } = new Board().routed({ limit: 2 ** 40 })
  t.is(open.limit, 10_000)
})

/** What an OPEN meets, and the code that it is refused with. */
const refused: readonly (readonly [string, Partial<FrameOf<'open'>>, WireCode])[] = [
  ['P1: a service that no rule allows', { to: 'plant-1/secret' }, 'denied_by_policy'],
  ['P3: a name that is no name', { to: '../plant-1/mqtt' }, 'unknown_service'],
  ['a name without a service', { to: 'plant-1' }, 'unknown_service'],
  ['P3: a name with a metacharacter', { to: 'plant-1/mq*' }, 'unknown_service'],
  ['an agent that is not connected', { to: 'crm-1/http', id: 4 }, 'no_agent'],
  ['an id of the switch itself', { id: 3 }, 'frame_unexpected'],
]

for (const [title, change, code] of refused) {
  test(`${title} is refused: ${code}`, (t) => {
    const board = new Board()
    const plant = board.agent('plant-1')
    const asker = code === 'no_agent' ? plant : board.agent('crm-1')
    const open = openOf(change)
    asker.says(open)
    t.deepEqual(asker.hears(), [{ kind: 'refuse', id: open.id, code }])
    t.is(board.switch.routes.size, 0)
    t.true(board.noticed().includes(`refused ${code}`))
    if (asker !== plant) t.deepEqual(plant.hears(), [])
  })
}

test('a service that the agent does not expose is refused, once it has said what it does', (t) => {
  const board = new Board()
  const crm = board.agent('crm-1')
  const plant = board.agent('plant-1')
  crm.says(openOf())
  t.is(board.switch.routes.size, 1, 'SERVICES may still be under way')
  plant.link.services = new Set(['sql'])
  crm.says(openOf({ id: 4, key: otherKey }))
  t.deepEqual(crm.hears(), [{ kind: 'refuse', id: 4, code: 'unknown_service' }])
})

test('one stream more than an agent may have is refused', (t) => {
  const board = new Board({ streamsMax: 3 })
  const crm = board.agent('crm-1')
  board.agent('plant-1')
  for (let count = 0; count < 5; count += 1) {
    crm.says(openOf({ id: 2 + 2 * count, key: count.toString(16).padStart(32, '0') }))
  }
  t.is(board.switch.routes.size, 3)
  t.deepEqual(crm.hearsKinds(), ['refuse', 'refuse'])
})

test('R1: what a consumer is, only the own ingress says; an agent is its certificate', (t) => {
  const board = new Board()
  const plant = board.agent('plant-1')
  const value = new TextEncoder().encode('10.1.2.3')
  const attributes = [{ tag: attributeTags.source, value }]
  const thief = board.agent('thief')
  thief.says(openOf({ from: 'client/app', attributes }))
  t.deepEqual(thief.hears(), [{ kind: 'refuse', id: 2, code: 'denied_by_policy' }])
  board.switch.receive(board.local, openOf({ from: 'address/10.1.2.3', attributes }), 0)
  t.like(plant.hears()[0], { kind: 'open', from: 'address/10.1.2.3' })
})

/** A second OPEN on the id of a route, and whether it is the same stream said again. */
const again: readonly (readonly [string, Partial<FrameOf<'open'>>, boolean])[] = [
  ['the same OPEN', {}, true],
  ['the same one with newer numbers', { received: 5, consumed: 5, limit: 2_000_000 }, true],
  ['another key', { key: otherKey }, false],
  ['P2: another service, which is allowed', { to: 'plant-1/sql' }, false],
  ['P2: another service, which is not', { to: 'plant-1/secret' }, false],
]

for (const [title, change, isSame] of again) {
  for (const when of ['before it is heard', 'once it is open', 'while it is parked'] as const) {
    test(`${title}, ${when}, is ${isSame ? 'passed on' : 'refused'}`, (t) => {
      const board = new Board()
      const crm = board.agent('crm-1')
      const plant = board.agent('plant-1')
      if (when === 'while it is parked') plant.lost()
      crm.says(openOf())
      if (when === 'once it is open') plant.hears()
      crm.hears()
      crm.says(openOf(change))
      const answer = crm.hears()
      if (!isSame) t.deepEqual(answer, [{ kind: 'refuse', id: 2, code: 'frame_unexpected' }])
      const back = when === 'while it is parked' ? board.again(plant) : plant
      const opens = back.hears().filter((frame) => frame.kind === 'open')
      t.true(opens.every(({ to, key }) => to === 'plant-1/mqtt' && key === openFrame().key))
      t.is(opens.length, when === 'once it is open' && !isSame ? 0 : 1)
    })
  }
}

test('bytes, credit and ends go to the other leg, under its own id', (t) => {
  const { opener, acceptor } = new Board().routed()
  const bytes = new Uint8Array([1, 2, 3])
  opener.says({ kind: 'data', id: 2, offset: 0, bytes })
  opener.says({ kind: 'fin', id: 2, position: 3, code: 'end' })
  const heard = acceptor.hears()
  t.like(heard[0], { kind: 'data', id: 1, offset: 0, bytes })
  t.like(heard[1], { kind: 'fin', id: 1, position: 3, code: 'end' })
  acceptor.says({ kind: 'credit', id: 1, consumed: 4, limit: 1_000_000 })
  t.like(opener.hears()[0], { kind: 'credit', id: 2, consumed: 4 })
})

test('rule 30: a flood of control is one frame of each kind at the other leg', (t) => {
  const { opener, acceptor } = new Board().routed()
  for (let count = 0; count < 10_000; count += 1) {
    acceptor.says({ kind: 'credit', id: 1, consumed: 0, limit: 1_000_000 + count })
    acceptor.says({ kind: 'resume', id: 1, ...grant })
    acceptor.says({ kind: 'accept', id: 1, ...grant, by: 'agent/plant-1' })
    acceptor.says({ kind: 'resync', id: 1 })
  }
  t.deepEqual(opener.hearsKinds(), ['resync', 'accept'])
})

test('rule 2: an id that leads nowhere is VOID, never in answer to a last word', (t) => {
  const crm = new Board().agent('crm-1')
  for (const kind of [
    'data',
    'credit',
    'fin',
    'close',
    'resume',
    'resync',
    'hold',
    'accept',
  ] as const) {
    crm.says({ ...samples[kind], id: 8 })
    t.deepEqual(crm.hears(), [{ kind: 'void', id: 8 }], kind)
  }
  for (const kind of ['void', 'reset', 'refuse'] as const) {
    crm.says({ ...samples[kind], id: 8 })
    t.deepEqual(crm.hears(), [], kind)
  }
})

/** What one leg says as its last word, and what the other hears. */
const lastWords: readonly (readonly [
  'opener' | 'acceptor',
  FrameOf<'reset'> | FrameOf<'void'> | FrameOf<'refuse'>,
  string,
])[] = [
  ['opener', { kind: 'reset', id: 2, code: 'shutdown' }, 'reset shutdown'],
  ['acceptor', { kind: 'reset', id: 1, code: 'state_lost' }, 'reset state_lost'],
  ['opener', { kind: 'void', id: 2 }, 'void'],
  ['acceptor', { kind: 'void', id: 1 }, 'void'],
  ['acceptor', { kind: 'refuse', id: 1, code: 'target_refused' }, 'refuse target_refused'],
]

for (const [who, frame, expected] of lastWords) {
  test(`${frame.kind} of the ${who} ends the route, and the other leg hears it`, (t) => {
    const board = new Board()
    const { opener, acceptor } = board.routed()
    const [speaker, other] = who === 'opener' ? [opener, acceptor] : [acceptor, opener]
    speaker.says(frame)
    const heard = other.hears().map((one) => ('code' in one ? `${one.kind} ${one.code}` : one.kind))
    t.deepEqual(heard, [expected])
    t.deepEqual(speaker.hears(), [])
    t.is(board.switch.routes.size, 0)
    t.is(board.budget.used, 0)
  })
}

test('a REFUSE of an opener means nothing', (t) => {
  const board = new Board()
  const { opener, acceptor } = board.routed()
  opener.says({ kind: 'refuse', id: 2, code: 'end' })
  t.is(board.switch.routes.size, 1)
  t.deepEqual(acceptor.hears(), [])
})

test('rule 9: the second CLOSE frees the route, and is answered', (t) => {
  const board = new Board()
  const { opener, acceptor } = board.routed()
  opener.says({ kind: 'close', id: 2, consumed: 5 })
  t.deepEqual(acceptor.hears(), [{ kind: 'close', id: 1, consumed: 5 }])
  t.is(board.switch.routes.size, 1)
  acceptor.says({ kind: 'close', id: 1, consumed: 7 })
  t.deepEqual(opener.hears(), [{ kind: 'close', id: 2, consumed: 7 }])
  t.deepEqual(acceptor.hears(), [{ kind: 'close', id: 1, consumed: 5 }])
  t.is(board.switch.routes.size, 0)
  opener.says({ kind: 'close', id: 2, consumed: 5 })
  t.deepEqual(opener.hears(), [{ kind: 'void', id: 2 }])
})

test('while the far leg is down frames are dropped, and last words still end the route', (t) => {
  const board = new Board()
  const { opener, acceptor } = board.routed()
  acceptor.lost()
  t.deepEqual(opener.hears(), [{ kind: 'hold', id: 2 }])
  opener.says({ kind: 'data', id: 2, offset: 0, bytes: new Uint8Array(100) })
  opener.says({ kind: 'close', id: 2, consumed: 0 })
  t.is(board.budget.used, 0)
  opener.says({ kind: 'reset', id: 2, code: 'expired' })
  t.is(board.switch.routes.size, 0)
  const back = board.again(acceptor)
  t.is(back.welcome.routes, 1, 'the last word names its id too')
  t.deepEqual(back.hears(), [{ kind: 'reset', id: 1, code: 'expired' }])
})

test('rule 29: what is dropped between two legs that are up is owed to both', (t) => {
  const { opener, acceptor } = new Board().routed()
  opener.says({ kind: 'data', id: 2, offset: 50, bytes: new Uint8Array(10) })
  t.deepEqual(opener.hearsKinds(), ['resync'])
  t.deepEqual(acceptor.hearsKinds(), ['resync'])
  opener.says({ kind: 'data', id: 2, offset: 0, bytes: new Uint8Array(11_000) })
  t.deepEqual(acceptor.hearsKinds(), ['data', 'resync'], 'what was kept goes first')
  t.true(opener.hearsKinds().includes('resync'))
})

test('an OPEN waits for an agent within its window, and goes on when it is back', (t) => {
  const board = new Board()
  const crm = board.agent('crm-1')
  const plant = board.agent('plant-1')
  plant.lost()
  crm.says(openOf())
  t.deepEqual(crm.hears(), [])
  t.is(board.switch.routes.size, 1)
  t.is(board.switch.deadline(), 5_000)
  const back = board.again(plant)
  t.is(back.welcome.routes, 0, 'what was parked is not named: it is said')
  t.deepEqual(back.hearsKinds(), ['open'])
  board.advance(10_000)
  t.is(board.switch.routes.size, 1)
})

test('no OPEN waits longer than it may', (t) => {
  const board = new Board()
  const crm = board.agent('crm-1')
  board.agent('plant-1').lost()
  crm.says(openOf())
  board.advance(5_000)
  t.deepEqual(crm.hears(), [{ kind: 'refuse', id: 2, code: 'no_agent' }])
  t.is(board.switch.routes.size, 0)
})

test('an established OPEN waits even for an agent that is not known', (t) => {
  const board = new Board()
  const crm = board.agent('crm-1')
  crm.says(openOf({ established: true, attachment: 2 }))
  t.deepEqual(crm.hears(), [])
  t.deepEqual(board.agent('plant-1').hearsKinds(), ['open'])
})

test('rule 40: a changed policy ends what it forbids, parked or detached, and no more', (t) => {
  const board = new Board()
  const { opener, acceptor } = board.routed()
  opener.says(openOf({ id: 4, key: otherKey, to: 'plant-1/sql' }))
  acceptor.hears()
  acceptor.lost()
  opener.says(openOf({ id: 6, key: 'd'.repeat(32) }))
  opener.hears()
  board.admission.replace(
    parsePolicy([{ rule: 'sql only', from: ['agent/crm-1'], to: ['plant-1/sql'] }]),
  )
  board.switch.reconsider(board.now)
  t.deepEqual(
    board.routes.map(({ open }) => open.to),
    ['plant-1/sql'],
  )
  t.deepEqual(opener.hears(), [
    { kind: 'reset', id: 2, code: 'denied_by_policy' },
    { kind: 'reset', id: 6, code: 'denied_by_policy' },
  ])
  t.deepEqual(board.again(acceptor).hearsKinds(), ['reset', 'resync'])
})

test('an agent that reaches itself is counted once when it goes', (t) => {
  const board = new Board()
  board.admission.replace(
    parsePolicy([
      { rule: 'itself', from: ['agent/crm-1'], to: ['crm-1/http'], limits: { streams: 2 } },
    ]),
  )
  for (let life = 0; life < 5; life += 1) {
    const crm: Agent = board.agent('crm-1', { epoch: `${life}`.padStart(16, '0') })
    for (const id of [2, 4, 6]) {
      crm.says(openOf({ id, to: 'crm-1/http', key: `${id}`.padStart(32, '0') }))
    }
    t.is(board.switch.routes.size, 2, `life ${life}`)
  }
  const ended = board.noticed().filter((notice) => notice.startsWith('ended')).length
  t.is(ended, 8, 'each route ends once')
})

test('law 6: only the policy makes a route, and every route is taken back by it', (t) => {
  const board = new Board()
  const { opener } = board.routed()
  t.like(board.routes[0]?.admitted, { agent: 'agent/plant-1', service: 'mqtt' })
  board.admission.replace(parsePolicy([]))
  board.switch.reconsider(0)
  t.is(board.switch.routes.size, 0)
  opener.says(openOf({ id: 8, key: otherKey }))
  t.true(board.noticed().includes('refused denied_by_policy'))
  board.admission.replace(openPolicy)
})
