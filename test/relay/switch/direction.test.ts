/** One direction of a route: what is queued, trimmed, dropped and owed, against a simple model. */
import test from 'ava'
import fc from 'fast-check'
import { Direction } from '../../../relay/switch/direction.ts'
import { Budget } from '../../../shared/protocol/budget.ts'
import type { FrameOf } from '../../../shared/protocol/frame.ts'
import { pieceOverheadBytes, slabBytes } from '../../../shared/protocol/pieces.ts'
import { ReceiveHalf } from '../../../shared/protocol/receive.ts'
import { SendHalf } from '../../../shared/protocol/send.ts'

const windowBytes = 10_000
const byteAt = (offset: number): number => (offset * 13 + (offset >>> 8)) & 0xff
const bytesFrom = (offset: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => byteAt(offset + index))

const data = (offset: number, length: number): FrameOf<'data'> => ({
  kind: 'data',
  id: 2,
  offset,
  bytes: bytesFrom(offset, length),
})
const fin = (position: number, code: 'end' | 'connection_reset' = 'end'): FrameOf<'fin'> => ({
  kind: 'fin',
  id: 2,
  position,
  code,
})

/** A direction whose far end has granted this limit, and whose source has been told. */
function granted(limit = 1_000_000, budget = new Budget(1_000_000, 1_000)): Direction {
  const direction = new Direction(windowBytes, budget)
  direction.adopt({ received: 0, consumed: 0, limit })
  direction.numbers()
  return direction
}

/** Everything that goes on to the far end: spans of bytes, and the position of the FIN. */
function drain(direction: Direction): readonly (readonly [number, number] | string)[] {
  const out: (readonly [number, number] | string)[] = []
  for (let next = direction.next(); next !== undefined; next = direction.next()) {
    if ('bytes' in next) out.push([next.offset, next.offset + next.bytes.length])
    else out.push(`${next.code} ${next.position}`)
  }
  return out
}

test('rule 25: it passes on the limit, up to its window beyond what it forwarded', (t) => {
  const direction = granted()
  t.is(direction.passed, windowBytes)
  direction.data(data(0, 4_000))
  t.is(direction.passed, windowBytes)
  drain(direction)
  t.is(direction.passed, windowBytes + 4_000)
  const small = granted(100)
  t.is(small.passed, 100)
})

test('rule 25: what was passed never falls, whatever is adopted', (t) => {
  const direction = granted()
  direction.data(data(0, 5_000))
  drain(direction)
  const { passed } = direction
  direction.adopt({ received: 1_000, consumed: 0, limit: 10 })
  t.is(direction.passed, passed)
})

test('rule 25: credit is due as it forwards, although the far end says none', (t) => {
  const direction = granted()
  direction.data(data(0, 1_000))
  drain(direction)
  t.false(direction.creditDue())
  direction.data(data(1_000, 2_000))
  drain(direction)
  t.true(direction.creditDue())
  t.is(direction.numbers().limit, windowBytes + 3_000)
  t.false(direction.creditDue())
})

test('rule 23: what is queued already is trimmed from what comes again', (t) => {
  const direction = granted()
  direction.data(data(0, 5_000))
  direction.data(data(0, 5_000))
  direction.data(data(4_000, 2_000))
  t.true(direction.charged < 6_000 + 3 * slabBytes)
  const spans = drain(direction)
  t.deepEqual(spans[0], [0, 5_000])
  t.is(direction.cursor, 6_000)
})

test('rule 23: it forwards again what the far end says that it does not hold', (t) => {
  const direction = granted()
  direction.data(data(0, 5_000))
  drain(direction)
  t.true(direction.adopt({ received: 2_000, consumed: 0, limit: 1_000_000 }))
  t.is(direction.cursor, 2_000)
  direction.data(data(2_000, 3_000))
  t.deepEqual(drain(direction), [[2_000, 5_000]])
})

test('rule 10: old numbers change nothing', (t) => {
  const direction = granted()
  direction.data(data(0, 5_000))
  direction.credit(4_000, 1_000_000)
  t.false(direction.adopt({ received: 3_000, consumed: 3_000, limit: 1 }))
  t.false(direction.adopt({ received: 3_000, consumed: 4_500, limit: 1 }))
  t.is(direction.cursor, 5_000)
})

test('rule 26: bytes beyond what was passed are dropped and owed, and are no fault', (t) => {
  const direction = granted()
  direction.data(data(0, 12_000))
  t.is(direction.cursor, windowBytes)
  t.true(direction.owes)
  t.false(direction.debtDue, 'what was kept goes out first')
  drain(direction)
  t.true(direction.debtDue)
  direction.paid()
  t.false(direction.owes)
})

test('rule 29: a hole is owed, but not until the source has heard how far to go back', (t) => {
  const direction = granted()
  direction.data(data(0, 1_000))
  direction.data(data(2_000, 1_000))
  t.true(direction.owes)
  direction.paid()
  direction.adopt({ received: 500, consumed: 0, limit: 1_000_000 })
  direction.data(data(3_000, 1_000))
  t.false(direction.owes, 'it was sent before the source heard')
  direction.data(data(500, 500))
  direction.data(data(3_000, 1_000))
  t.true(direction.owes)
})

test('rule 24: over the budget the tail is dropped and owed; a minimum always moves', (t) => {
  const budget = new Budget(5_000, 1_000)
  const direction = granted(1_000_000, budget)
  budget.charge(5_000)
  direction.data(data(0, 500))
  t.is(direction.cursor, 500)
  direction.data(data(500, 500))
  t.is(direction.cursor, 500, 'the minimum is spent')
  t.true(direction.owes)
  drain(direction)
  direction.data(data(500, 500))
  t.is(direction.cursor, 1_000)
  drain(direction)
  t.is(budget.used, 5_000)
})

test('R5: a million frames behind a hole keep nothing', (t) => {
  const budget = new Budget(1_000_000, 1_000)
  const direction = granted(1_000_000, budget)
  const frame = data(1, 100)
  for (let count = 0; count < 1_000_000; count += 1) direction.data(frame)
  t.is(budget.used, 0)
  t.is(direction.cursor, 0)
})

test('R6: a million empty frames, and credit that adds nothing, keep nothing', (t) => {
  const direction = granted()
  const empty = data(0, 0)
  let news = 0
  for (let count = 0; count < 1_000_000; count += 1) {
    direction.data(empty)
    if (direction.credit(0, 0)) news += 1
  }
  t.is(news, 0)
  t.is(direction.charged, 0)
  t.false(direction.hasNext())
})

test('rule 27: single bytes are charged as the slabs that hold them', (t) => {
  const direction = granted()
  for (let offset = 0; offset < windowBytes; offset += 1) direction.data(data(offset, 1))
  t.is(direction.cursor, windowBytes)
  t.true(direction.charged < windowBytes + 2 * (slabBytes + pieceOverheadBytes))
})

test('the bytes of a large frame go on as they came, without a copy', (t) => {
  const direction = granted()
  const frame = data(0, 8_000)
  direction.data(frame)
  const next = direction.next()
  if (next === undefined || !('bytes' in next)) return t.fail()
  t.is(next.bytes.buffer, frame.bytes.buffer)
})

test('a FIN goes behind the bytes, once, and again when it became a reset', (t) => {
  const direction = granted()
  direction.fin(fin(100))
  t.deepEqual(drain(direction), [], 'its bytes are still missing')
  t.true(direction.owes)
  direction.data(data(0, 100))
  direction.fin(fin(100))
  direction.fin(fin(100))
  t.deepEqual(drain(direction), [[0, 100], 'end 100'])
  t.is(direction.cursor, 101)
  direction.fin(fin(100))
  t.deepEqual(drain(direction), [])
  direction.fin(fin(100, 'connection_reset'))
  t.deepEqual(drain(direction), ['connection_reset 100'])
  direction.data(data(100, 10))
  t.deepEqual(drain(direction), [], 'nothing comes behind the end')
})

test('a leg that is down has its queue dropped; it will say what it holds', (t) => {
  const budget = new Budget(1_000_000, 1_000)
  const direction = granted(1_000_000, budget)
  direction.data(data(0, 5_000))
  direction.clear()
  t.is(budget.used, 0)
  t.false(direction.owes, 'the resumption says RESYNC anyway')
})

test('a leg that comes and goes raises no limit by it', (t) => {
  const direction = granted()
  for (let cut = 0; cut < 10; cut += 1) {
    const { cursor } = direction
    direction.data(data(cursor, direction.passed - cursor))
    direction.clear()
    // What the source had under way, and credit for what the far end had taken before.
    direction.data(data(direction.passed - 100, 100))
    drain(direction)
    direction.credit(0, 1_000_000)
    t.is(direction.passed, windowBytes)
  }
})

test('whatever is lost, dropped and repeated, what comes out is what went in', (t) => {
  const event = fc.constantFrom('say', 'say', 'forward', 'forward', 'take', 'cut near', 'cut far')
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 150 }),
      fc.nat({ max: 30_000 }),
      fc.constantFrom(3_000, 100_000),
      (events, total, budgetBytes) => {
        const budget = new Budget(budgetBytes, 1_000)
        const direction = new Direction(windowBytes, budget)
        const source = new SendHalf(30_000, new Budget(1_000_000, 1_000))
        const target = new ReceiveHalf(20_000)
        let read = 0
        let untaken = 0
        /** RESUME of the target passes through the switch to the source. */
        const restate = () => {
          direction.adopt(target)
          const numbers = direction.numbers()
          source.acknowledge(numbers.consumed)
          source.allow(numbers.limit)
          source.rewind(numbers.received)
        }
        const say = () => {
          const count = Math.min(source.room(), total - source.written, 5_000)
          if (count > 0) source.write(bytesFrom(source.written, count))
          if (source.written === total) source.finish('end')
          const next = source.next()
          if (next?.kind === 'data') direction.data({ ...next, id: 2 })
          if (next?.kind === 'fin') direction.fin({ ...next, id: 2 })
        }
        const forward = () => {
          const next = direction.next()
          if (direction.creditDue()) source.allow(direction.numbers().limit)
          if (direction.debtDue) {
            direction.paid()
            restate()
          }
          if (next === undefined) return
          if (!('bytes' in next)) {
            target.fin(next.position, next.code)
            return
          }
          const fresh = target.data(next.offset, next.bytes)
          if (fresh === undefined) return
          t.deepEqual(fresh, bytesFrom(read, fresh.length))
          read += fresh.length
          untaken += fresh.length
        }
        const take = () => {
          target.taken(untaken)
          untaken = 0
          if (target.drained) target.takenAll()
          direction.credit(target.consumed, target.limit)
          const { consumed, limit } = direction.numbers()
          source.acknowledge(consumed)
          source.allow(limit)
        }
        restate()
        for (const what of events) {
          if (what === 'say') say()
          else if (what === 'forward') forward()
          else if (what === 'take') take()
          else {
            if (what === 'cut far') direction.clear()
            restate()
          }
          t.true(direction.charged <= 2.5 * windowBytes)
        }
        for (let turn = 0; turn < 1_500 && !source.done; turn += 1) {
          say()
          forward()
          if (turn % 3 === 0) take()
          if (turn % 200 === 199) restate()
        }
        t.is(read, total)
        t.true(source.done && target.done)
        direction.release()
        t.is(budget.used, 0)
      },
    ),
    { numRuns: 150 },
  )
})
