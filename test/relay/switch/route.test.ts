/** A route: what each leg has to say, in which order, and what is left when it ends. */
import test from 'ava'
import type { Frame } from '../../../shared/protocol/frame.ts'
import { type Agent, Board } from '../../support/board.ts'

const numbers = { received: 0, consumed: 0, limit: 1_000_000 }
const kindsOf = (frames: readonly Frame[]) => frames.map(({ kind }) => kind)

test('the word of the switch comes before what the far end says', (t) => {
  const { opener, acceptor } = new Board().routed()
  acceptor.says({ kind: 'credit', id: 1, consumed: 0, limit: 2_000_000 })
  acceptor.says({ kind: 'resume', id: 1, ...numbers })
  acceptor.says({ kind: 'data', id: 1, offset: 0, bytes: new Uint8Array(1) })
  acceptor.says({ kind: 'close', id: 1, consumed: 0 })
  acceptor.says({ kind: 'accept', id: 1, ...numbers, by: 'agent/plant-1' })
  opener.says({ kind: 'resync', id: 2 })
  t.deepEqual(opener.hearsKinds(), ['resync', 'accept', 'close', 'data'])
})

test('an OPEN that is said again before it was heard is said once, as it is now', (t) => {
  const board = new Board()
  const crm = board.agent('crm-1')
  const plant = board.agent('plant-1')
  for (const attachment of [1, 2, 3]) {
    crm.says({
      ...{ kind: 'open', id: 2, key: 'a'.repeat(32), attachment, established: false },
      ...{ ...numbers, to: 'plant-1/mqtt', from: '', attributes: [] },
    })
  }
  const opens = plant.hears()
  t.is(opens.length, 1)
  t.like(opens[0], { attachment: 3 })
})

test('rule 7: each cut is HOLD to the other leg, and each return RESYNC to both', (t) => {
  const board = new Board()
  const { opener, acceptor } = board.routed()
  acceptor.lost()
  t.deepEqual(kindsOf(opener.hears()), ['hold'])
  opener.lost()
  const opening = board.again(opener)
  t.is(opening.welcome.routes, 1)
  t.deepEqual(kindsOf(opening.hears()), ['hold'], 'the far leg is still down')
  const accepting = board.again(acceptor)
  t.is(accepting.welcome.routes, 1)
  t.deepEqual(kindsOf(accepting.hears()), ['resync'])
  t.deepEqual(kindsOf(opening.hears()), ['resync'])
})

test('a cut drops what was queued for the leg, and what the far end had to say to it', (t) => {
  const board = new Board()
  const { opener, acceptor, route } = board.routed()
  opener.says({ kind: 'data', id: 2, offset: 0, bytes: new Uint8Array(5_000) })
  opener.says({ kind: 'resume', id: 2, ...numbers })
  t.true(board.budget.used > 0)
  acceptor.lost()
  t.is(board.budget.used, 0)
  t.deepEqual(kindsOf(board.again(acceptor).hears()), ['resync'])
  t.is(route.opener.incoming.charged, 0)
})

test('rule 23: a port that flaps queues a window, however often it is sent anew', (t) => {
  const board = new Board()
  const { opener, acceptor } = board.routed()
  const bytes = new Uint8Array(2_500)
  for (let flap = 0; flap < 250; flap += 1) {
    acceptor.says({ kind: 'resume', id: 1, ...numbers })
    for (let offset = 0; offset < 10_000; offset += bytes.length) {
      opener.says({ kind: 'data', id: 2, offset, bytes })
    }
    t.true(board.budget.used <= 15_000, `${board.budget.used} after ${flap}`)
  }
})

test('rule 25: a far end that grants much is passed on in small steps, as bytes go', (t) => {
  const { opener, acceptor } = new Board().routed()
  let limit = 10_000
  let offset = 0
  for (let turn = 0; turn < 40; turn += 1) {
    const bytes = new Uint8Array(Math.min(1_000, limit - offset))
    t.true(bytes.length > 0, 'the source is stalled although the far end granted a million')
    opener.says({ kind: 'data', id: 2, offset, bytes })
    offset += bytes.length
    acceptor.hears()
    limit = newestLimit(opener, limit)
  }
  t.is(offset, 40_000)
})

test('an ended route gives back its memory and its ids', (t) => {
  const board = new Board()
  const { opener, acceptor } = board.routed()
  opener.says({ kind: 'data', id: 2, offset: 0, bytes: new Uint8Array(5_000) })
  acceptor.says({ kind: 'data', id: 1, offset: 0, bytes: new Uint8Array(5_000) })
  opener.says({ kind: 'reset', id: 2, code: 'shutdown' })
  t.is(board.budget.used, 0)
  t.is(opener.port.legs.size + acceptor.port.legs.size, 0)
  t.deepEqual(kindsOf(acceptor.hears()), ['reset'])
  t.deepEqual(kindsOf(opener.hears()), [])
})

function newestLimit(agent: Agent, limit: number): number {
  const limits = agent.hears().map((frame) => (frame.kind === 'credit' ? frame.limit : 0))
  return Math.max(limit, ...limits)
}
