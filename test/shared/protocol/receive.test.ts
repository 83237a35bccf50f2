/**
 * The receiving half: every byte once and in order, against a model; and what it takes from
 * nobody.
 */
import test from 'ava'
import fc from 'fast-check'
import { Fault, type WireCode } from '../../../shared/protocol/fault.ts'
import { u48Max } from '../../../shared/protocol/layout.ts'
import { ReceiveHalf } from '../../../shared/protocol/receive.ts'

const windowBytes = 1_000
const some = (length: number): Uint8Array => new Uint8Array(length).fill(7)

const offset = fc.integer({ min: 0, max: 2_500 })
const operation = fc.oneof(
  fc.record({ do: fc.constant('data' as const), offset, length: fc.nat({ max: 1_200 }) }),
  fc.record({ do: fc.constant('next' as const), length: fc.nat({ max: 400 }) }),
  fc.record({
    do: fc.constant('fin' as const),
    offset,
    code: fc.constantFrom<WireCode>('end', 'connection_reset'),
  }),
  fc.record({
    do: fc.constant('taken' as const),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({ do: fc.constant('takenAll' as const) }),
)

test('consumed ≤ received ≤ limit, each byte handed on once, whatever comes', (t) => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const half = new ReceiveHalf(windowBytes)
      let handed = 0
      for (const step of operations) {
        const before = snapshot(half)
        const outcome = attempt(() => {
          switch (step.do) {
            case 'data':
            case 'next': {
              const from = step.do === 'data' ? step.offset : handed
              const fresh = half.data(from, some(step.length))
              if (fresh === undefined) return
              t.true(fresh.length > 0)
              handed += fresh.length
              t.is(handed, from + step.length)
              break
            }
            case 'fin': {
              const isNews = half.fin(step.offset, step.code)
              t.true(!isNews || step.offset === handed)
              break
            }
            case 'taken':
              half.taken(Math.floor(step.part * Math.max(0, handed - half.consumed)))
              break
            case 'takenAll':
              half.takenAll()
          }
        })
        if (outcome !== undefined) {
          t.true(['limit_exceeded', 'frame_unexpected'].includes(outcome.code))
          t.deepEqual(snapshot(half), before, 'a fault changes nothing')
        }
        const finished = half.finCode === undefined ? 0 : 1
        t.is(half.received, handed + finished)
        t.true(half.consumed <= half.received)
        t.true(handed <= half.limit)
        t.true(half.limit >= half.consumed + windowBytes)
        t.true(half.limit >= before.limit, 'a limit that was said never falls')
      }
    }),
    { numRuns: 3_000 },
  )
})

/** What has come before, what comes now, and what follows: a fault's code, or the new bytes. */
const cases: readonly {
  readonly title: string
  readonly before?: (half: ReceiveHalf) => void
  readonly offset: number
  readonly length: number
  readonly gives: number | 'limit_exceeded' | 'frame_unexpected'
}[] = [
  { title: 'the next bytes', offset: 0, length: 10, gives: 10 },
  { title: 'no bytes', offset: 0, length: 0, gives: 0 },
  { title: 'bytes behind a hole', offset: 1, length: 10, gives: 0 },
  { title: 'bytes up to the limit', offset: 0, length: 1_000, gives: 1_000 },
  { title: 'R4: bytes beyond the limit', offset: 0, length: 1_001, gives: 'limit_exceeded' },
  { title: 'R4: a hole beyond the limit', offset: u48Max, length: 1, gives: 'limit_exceeded' },
  { title: 'bytes heard before', before: hear(10), offset: 0, length: 10, gives: 0 },
  { title: 'bytes half heard before', before: hear(10), offset: 5, length: 10, gives: 5 },
  { title: 'bytes before the FIN', before: finish(10), offset: 0, length: 10, gives: 0 },
  {
    title: 'R4: bytes behind it',
    before: finish(10),
    offset: 10,
    length: 1,
    gives: 'frame_unexpected',
  },
]

for (const { title, before, offset: at, length, gives } of cases) {
  test(`${title}: ${typeof gives === 'number' ? `${gives} new bytes` : gives}`, (t) => {
    const half = new ReceiveHalf(windowBytes)
    before?.(half)
    const act = () => half.data(at, some(length))?.length ?? 0
    if (typeof gives === 'number') t.is(act(), gives)
    else t.throws(act, { instanceOf: Fault, code: gives })
  })
}

test('R5: a million frames behind a hole leave nothing', (t) => {
  const half = new ReceiveHalf(windowBytes)
  const bytes = some(100)
  for (let count = 0; count < 1_000_000; count += 1) half.data(1 + (count % 800), bytes)
  t.deepEqual(snapshot(half), snapshot(new ReceiveHalf(windowBytes)))
})

test('R6: a million empty frames leave nothing', (t) => {
  const half = new ReceiveHalf(windowBytes)
  const bytes = some(0)
  for (let count = 0; count < 1_000_000; count += 1) half.data(0, bytes)
  t.is(half.received, 0)
})

test('rule 18: a reset behind its bytes, and one that follows an orderly end', (t) => {
  const half = new ReceiveHalf(windowBytes)
  t.false(half.fin(10, 'connection_reset'), 'bytes before it are still missing')
  half.data(0, some(10))
  t.true(half.fin(10, 'end'))
  t.false(half.fin(10, 'end'), 'said twice')
  t.true(half.fin(10, 'connection_reset'), 'the same end is now a reset')
  t.false(half.fin(10, 'connection_reset'))
  t.false(half.fin(10, 'end'), 'and stays one')
  t.is(half.finCode, 'connection_reset')
})

test('a FIN elsewhere than the first, or behind what has come, is a fault', (t) => {
  const half = new ReceiveHalf(windowBytes)
  half.data(0, some(10))
  t.throws(() => half.fin(9, 'end'), { instanceOf: Fault, code: 'frame_unexpected' })
  half.fin(10, 'end')
  t.throws(() => half.fin(11, 'end'), { instanceOf: Fault, code: 'frame_unexpected' })
})

test('rule 17: nothing is done before the socket took it, the end included', (t) => {
  const half = new ReceiveHalf(windowBytes)
  half.data(0, some(10))
  half.fin(10, 'end')
  t.false(half.drained || half.done)
  half.taken(10)
  t.true(half.drained && !half.done)
  half.takenAll()
  t.true(half.done)
  t.is(half.consumed, 11)
})

test('rule 21: no limit beyond the last position is ever granted', (t) => {
  const half = new ReceiveHalf(u48Max)
  half.data(0, some(10))
  half.taken(10)
  t.is(half.limit, u48Max)
})

function hear(length: number): (half: ReceiveHalf) => void {
  return (half) => half.data(0, some(length))
}

function finish(length: number): (half: ReceiveHalf) => void {
  return (half) => {
    half.data(0, some(length))
    half.fin(length, 'end')
  }
}

function snapshot({ received, consumed, limit, finCode }: ReceiveHalf) {
  return { received, consumed, limit, finCode }
}

function attempt(action: () => void): Fault | undefined {
  try {
    action()
    return undefined
  } catch (fault) {
    if (fault instanceof Fault) return fault
    throw fault
  }
}
