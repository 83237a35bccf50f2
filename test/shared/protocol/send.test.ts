/** The sending half: its cursors against a model, and what it believes of the far end. */
import test from 'ava'
import fc from 'fast-check'
import { Budget } from '../../../shared/protocol/budget.ts'
import { Fault, type WireCode } from '../../../shared/protocol/fault.ts'
import { dataBytesMax } from '../../../shared/protocol/frame.ts'
import { ReceiveHalf } from '../../../shared/protocol/receive.ts'
import { type Outgoing, SendHalf } from '../../../shared/protocol/send.ts'

const windowBytes = 20_000
const byteAt = (offset: number): number => (offset * 31 + (offset >>> 9)) & 0xff
const bytesFrom = (offset: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => byteAt(offset + index))

/** A half that may send `limit` bytes, and has been given `written` of them. */
function half(limit: number, written = 0): { readonly send: SendHalf; readonly budget: Budget } {
  const budget = new Budget(1_000_000, 4_096)
  const send = new SendHalf(windowBytes, budget)
  send.replaceLimit(limit)
  if (written > 0) send.write(bytesFrom(0, written))
  return { send, budget }
}

/** Everything that may be sent now. */
function drain(send: SendHalf): readonly Outgoing[] {
  const said: Outgoing[] = []
  for (let next = send.next(); next !== undefined; next = send.next()) said.push(next)
  return said
}

const spans = (said: readonly Outgoing[]): readonly (readonly [number, number])[] =>
  said.map((one) =>
    one.kind === 'data' ? [one.offset, one.offset + one.bytes.length] : [one.position, -1],
  )

const part = fc.double({ min: 0, max: 1, noNaN: true })
const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('write' as const), part }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('next' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('acknowledge' as const), part }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rewind' as const), part }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('allow' as const), bytes: fc.nat({ max: 30_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('replace' as const), bytes: fc.nat({ max: 60_000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('finish' as const),
      code: fc.constantFrom<WireCode>('end', 'end', 'connection_reset'),
    }),
  },
)

test('acked ≤ sent ≤ reached ≤ end, within the limit, whatever happens', (t) => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 80 }), (operations) => {
      const { send, budget } = half(0)
      let limit = 0
      let reached = 0
      for (const step of operations) {
        switch (step.do) {
          case 'write': {
            const count = Math.floor(step.part * send.room())
            t.true(count === 0 || send.written + count <= limit)
            if (!send.finished) send.write(bytesFrom(send.written, count))
            break
          }
          case 'next': {
            const hadNext = send.hasNext()
            const from = send.sent
            const next = send.next()
            t.is(next !== undefined, hadNext)
            if (next?.kind === 'data') {
              t.is(next.offset, from)
              t.deepEqual(next.bytes, bytesFrom(next.offset, next.bytes.length))
              t.true(next.bytes.length > 0 && next.bytes.length <= dataBytesMax)
              t.true(next.offset + next.bytes.length <= limit, 'bytes beyond the limit')
            } else if (next?.kind === 'fin') t.is(next.position, send.written)
            reached = Math.max(reached, send.sent)
            break
          }
          case 'acknowledge':
            send.acknowledge(Math.floor(send.acked + step.part * (send.reached - send.acked)))
            break
          case 'rewind':
            send.rewind(Math.floor(send.acked + step.part * (send.reached - send.acked)))
            t.true(send.sent >= send.acked)
            break
          case 'allow':
            send.allow(step.bytes)
            limit = Math.max(limit, step.bytes)
            break
          case 'replace':
            send.replaceLimit(step.bytes)
            limit = step.bytes
            break
          case 'finish':
            send.finish(step.code)
        }
        t.true(send.acked <= send.sent && send.sent <= send.reached)
        t.true(send.reached <= send.end)
        t.is(send.limit, limit)
        t.is(send.reached, reached)
        t.true(budget.used >= Math.max(0, send.written - send.acked))
      }
      send.release()
      t.is(budget.used, 0)
    }),
    { numRuns: 1_500 },
  )
})

test('over a path that loses, cuts and repeats, every byte is received once, in order', (t) => {
  const event = fc.constantFrom('pass', 'pass', 'pass', 'repeat', 'cut', 'take')
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200 }), fc.nat({ max: 50_000 }), (events, total) => {
      const { send } = half(0)
      const receive = new ReceiveHalf(windowBytes)
      const underWay: Outgoing[] = []
      let delivered = 0
      let untaken = 0
      const hear = (one: Outgoing | undefined) => {
        if (one?.kind === 'fin') receive.fin(one.position, one.code)
        if (one?.kind !== 'data') return
        const fresh = receive.data(one.offset, one.bytes)
        if (fresh === undefined) return
        t.deepEqual(fresh, bytesFrom(delivered, fresh.length))
        delivered += fresh.length
        untaken += fresh.length
      }
      const speak = () => {
        const count = Math.min(send.room(), total - send.written)
        if (count > 0) send.write(bytesFrom(send.written, count))
        if (send.written === total) send.finish('end')
        underWay.push(...drain(send))
      }
      const take = () => {
        receive.taken(untaken)
        untaken = 0
        if (receive.drained) receive.takenAll()
        send.acknowledge(receive.consumed)
        send.allow(receive.limit)
      }
      const step = (what: string) => {
        speak()
        if (what === 'repeat') hear(underWay[0])
        if (what === 'pass' || what === 'repeat') hear(underWay.shift())
        if (what === 'take') take()
        if (what !== 'cut') return
        underWay.length = 0
        send.rewind(receive.received)
      }
      for (const what of events) step(what)
      // The path is good from here on: everything must come to its end.
      for (let turn = 0; turn < 2_000 && !send.done; turn += 1) {
        step('pass')
        if (underWay.length === 0) step('take')
      }
      t.is(delivered, total)
      t.true(send.done && receive.done)
    }),
    { numRuns: 400 },
  )
})

test('R3: an acknowledgement beyond what was sent is a fault and changes nothing', (t) => {
  const { send } = half(100, 50)
  drain(send)
  send.replaceLimit(1_000)
  const acts = [() => send.acknowledge(51), () => send.rewind(51), () => send.checkPosition(51)]
  for (const act of acts) {
    t.throws(act, { instanceOf: Fault, code: 'never_sent' })
    t.deepEqual([send.acked, send.sent, send.reached], [0, 50, 50])
  }
  send.finish('end')
  t.throws(() => send.acknowledge(51), { instanceOf: Fault, code: 'never_sent' })
  drain(send)
  send.acknowledge(51)
  t.true(send.done)
})

test('rule 19: a FIN needs no credit, and counts as one position', (t) => {
  const { send } = half(3, 3)
  send.finish('end')
  t.is(send.end, 4)
  t.deepEqual(spans(drain(send)), [
    [0, 3],
    [3, -1],
  ])
  t.is(send.reached, 4)
  send.acknowledge(3)
  t.false(send.done)
  send.acknowledge(4)
  t.true(send.done)
})

test('the end is not said while bytes before it wait for credit', (t) => {
  const { send } = half(5, 5)
  send.finish('end')
  send.replaceLimit(2)
  t.deepEqual(spans(drain(send)), [[0, 2]])
  t.true(send.waiting)
  send.allow(5)
  t.deepEqual(spans(drain(send)), [
    [2, 5],
    [5, -1],
  ])
})

test('rule 26: the limit of a new attachment takes the place of the old, even a lower one', (t) => {
  const { send } = half(1_000, 500)
  send.allow(100)
  t.is(send.limit, 1_000)
  send.replaceLimit(100)
  t.is(send.limit, 100)
  t.is(send.room(), 0)
  t.deepEqual(spans(drain(send)), [[0, 100]])
})

test('rule 18: a reset is said behind the bytes that were written before it', (t) => {
  const { send } = half(100, 10)
  send.finish('connection_reset')
  const said = drain(send)
  t.deepEqual(spans(said), [
    [0, 10],
    [10, -1],
  ])
  t.is(said[1]?.kind === 'fin' ? said[1].code : undefined, 'connection_reset')
})

test('a FIN that became a reset is said again, at the same position', (t) => {
  const { send } = half(100, 10)
  send.finish('end')
  drain(send)
  send.acknowledge(11)
  send.finish('connection_reset')
  t.deepEqual(spans(drain(send)), [[10, -1]])
  send.finish('end')
  t.deepEqual(drain(send), [])
})

test('after a rewind what the far end does not hold is said again, and no more', (t) => {
  const { send } = half(100, 30)
  send.finish('end')
  drain(send)
  send.rewind(20)
  t.deepEqual(spans(drain(send)), [
    [20, 30],
    [30, -1],
  ])
  send.rewind(31)
  t.deepEqual(drain(send), [])
  send.acknowledge(25)
  send.rewind(20)
  t.is(send.sent, 25, 'what was acknowledged is not kept, and not said again')
})

test('rule 28: a half keeps its share of the budget, whatever the far end grants', (t) => {
  const budget = new Budget(10_000, 4_096)
  const send = new SendHalf(windowBytes, budget)
  send.replaceLimit(2 ** 40)
  t.is(send.room(), windowBytes)
  budget.charge(10_000)
  t.is(send.room(), 4_096)
  send.write(new Uint8Array(4_096))
  t.is(send.room(), 0)
})

test('rule 27: a window of single bytes fills the share, and no more', (t) => {
  const { send, budget } = half(2 ** 40)
  while (send.room() > 0) send.write(new Uint8Array(1))
  t.true(send.written > windowBytes * 0.8, `${send.written} bytes`)
  t.true(budget.used <= windowBytes + 5_000, `${budget.used} charged`)
})
