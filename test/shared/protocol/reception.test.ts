/** What becomes of each OPEN: refused with a code, followed, or the first of a new end. */
import test from 'ava'
import type { WireCode } from '../../../shared/protocol/fault.ts'
import type { FrameOf } from '../../../shared/protocol/frame.ts'
import { acceptFrame, inPhase, Lone, limits, openFrame } from '../../support/lone.ts'

/** What is known, the OPEN that comes, and the code that it is refused with. */
const refused: readonly {
  readonly title: string
  readonly given: () => Lone
  readonly open: Partial<FrameOf<'open'>>
  readonly code: WireCode
}[] = [
  {
    title: 'rule 4: an established stream that nobody here knows',
    given: () => new Lone(),
    open: { established: true },
    code: 'unknown_stream',
  },
  {
    title: 'rule 6: a ghost of a stream that ended without a last word',
    given: () => ended('expired'),
    open: { id: 5 },
    code: 'expired',
  },
  {
    title: 'rule 6: an established one of it',
    given: () => ended('connection_reset'),
    open: { id: 5, established: true, attachment: 2 },
    code: 'connection_reset',
  },
  {
    title: 'one stream more than may live',
    given: () => full(),
    open: { id: 99, key: 'f'.repeat(32) },
    code: 'overloaded',
  },
  {
    title: 'a new stream on an id in use',
    given: () => inPhase('acceptor', 'open').lone,
    open: { id: 1, key: 'f'.repeat(32) },
    code: 'frame_unexpected',
  },
  {
    title: "a known stream on another stream's id",
    given: () => {
      const { lone } = inPhase('acceptor', 'open')
      lone.accept({ id: 3, key: 'f'.repeat(32) })
      return lone
    },
    open: { id: 3, attachment: 2, established: true },
    code: 'frame_unexpected',
  },
  {
    title: "a stream on an id of this end's own",
    given: () => inPhase('opener', 'open').lone,
    open: { id: 2, key: 'f'.repeat(32) },
    code: 'frame_unexpected',
  },
  {
    title: 'a stream on an id that this end may still give itself',
    given: () => new Lone(),
    open: { id: 20 },
    code: 'frame_unexpected',
  },
]

for (const { title, given, open, code } of refused) {
  test(`${title} is refused: ${code}`, (t) => {
    const lone = given()
    const { dials } = lone
    const before = [dials.length, lone.endpoint.ends.size, lone.budget.used]
    lone.said()
    lone.hear(openFrame(open))
    t.deepEqual(lone.said(), [{ kind: 'refuse', id: open.id ?? 1, code }])
    t.deepEqual([dials.length, lone.endpoint.ends.size, lone.budget.used], before)
  })
}

test('a first OPEN is dialled with all that it asked for', (t) => {
  const lone = new Lone()
  const { end } = lone.accept({ to: 'plant-1/sql', from: 'client/crm' }, false)
  t.like(end, { to: 'plant-1/sql', from: 'client/crm', phase: 'dialling', attachmentNumber: 1 })
})

test('rule 6: an end whose last word was heard, on its first way, leaves no tombstone', (t) => {
  const { lone, end, id } = inPhase('acceptor', 'lingering')
  lone.hear({ kind: 'close', id, consumed: 1 })
  t.is(end.phase, 'closed')
  t.is(lone.endpoint.tombstones, 0)
})

test('rule 6: one that moved, or was not heard of, leaves one for two windows', (t) => {
  const moved = inPhase('acceptor', 'lingering')
  moved.lone.hear(openFrame({ id: 3, attachment: 2, established: true }))
  moved.lone.said()
  moved.lone.hear({ kind: 'close', id: 3, consumed: 1 })
  t.is(moved.end.phase, 'closed')
  t.is(moved.lone.endpoint.tombstones, 1)
  moved.lone.advance(2 * limits.resumeWindowMs - 1)
  t.is(moved.lone.endpoint.tombstones, 1)
  moved.lone.advance(1)
  t.is(moved.lone.endpoint.tombstones, 0)
})

test('tombstones are bounded, however many streams end badly', (t) => {
  const lone = new Lone()
  for (let count = 0; count < 1_000; count += 1) {
    const id = 2 * count + 1
    lone.hear(openFrame({ id, key: count.toString(16).padStart(32, '0') }))
    lone.hear({ kind: 'reset', id, code: 'expired' })
  }
  t.is(lone.dials.length, 1_000)
  t.true(lone.endpoint.tombstones <= 2 * limits.streamsMax)
})

test('what a relay has opened itself is moved by no other life of it, on no other lane', (t) => {
  const lone = new Lone(2)
  const from = 'address/10.0.0.1'
  const { end } = lone.accept({ from })
  lone.said()
  lone.up({ life: 'c'.repeat(16), session: 'c'.repeat(16) }, 1)
  const later = openFrame({ id: 3, from, attachment: 2, established: true })
  lone.hear(later, 1)
  t.deepEqual(lone.said(1), [{ kind: 'refuse', id: 3, code: 'stale' }])
  t.is(end.current?.port, lone.port(0))
  lone.hear(later, 0)
  t.is(end.current?.id, 3)
})

/** An endpoint that remembers the end of a stream with this code. */
function ended(code: WireCode): Lone {
  const { lone, id } = inPhase('acceptor', 'open')
  lone.hear({ kind: 'reset', id, code })
  return lone
}

function full(): Lone {
  const lone = new Lone()
  for (let count = 0; count < limits.streamsMax; count += 1) lone.open()
  lone.hear(acceptFrame())
  return lone
}
