/** Fair turns: nobody is served twice while another waits, and a keystroke overtakes the copies. */
import test from 'ava'
import fc from 'fast-check'
import { Turns } from '../../../shared/protocol/turns.ts'

/** Members that have so many pieces of work left each. */
class Workers {
  readonly work: number[]
  readonly turns: Turns<number>

  constructor(count: number) {
    this.work = Array.from({ length: count }, () => 0)
    this.turns = new Turns((member) => this.left(member) > 0)
  }

  left(member: number): number {
    return this.work[member] ?? 0
  }

  give(member: number, amount: number): void {
    this.work[member] = this.left(member) + amount
    this.turns.add(member)
  }

  serve(): number | undefined {
    const member = this.turns.next()
    if (member !== undefined) this.work[member] = this.left(member) - 1
    return member
  }
}

test('no member is served twice while another waits', (t) => {
  const step = fc.oneof(
    fc.record({ member: fc.integer({ min: 0, max: 5 }), amount: fc.integer({ min: 1, max: 4 }) }),
    fc.constant('serve' as const),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const workers = new Workers(6)
      /** Who has waited, without being served, since each member was last served. */
      const waitedSince = new Map<number, Set<number>>()
      for (const one of steps) {
        if (one !== 'serve') {
          workers.give(one.member, one.amount)
          continue
        }
        const waiting = workers.work.flatMap((amount, member) => (amount > 0 ? [member] : []))
        const served = workers.serve()
        t.is(served === undefined, waiting.length === 0, 'somebody waits and nobody is served')
        if (served === undefined) continue
        t.true(waiting.includes(served), 'a member without work is served')
        t.deepEqual([...(waitedSince.get(served) ?? [])], [])
        for (const overtaken of waitedSince.values()) overtaken.delete(served)
        const others = waiting.filter((member) => member !== served)
        waitedSince.set(served, new Set(others))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('rule 35: a keystroke goes before a thousand copies, for one turn', (t) => {
  const workers = new Workers(1_001)
  for (let member = 0; member < 1_000; member += 1) workers.give(member, 100)
  for (let turn = 0; turn < 1_500; turn += 1) workers.serve()
  workers.give(1_000, 2)
  t.is(workers.serve(), 1_000)
  t.not(workers.serve(), 1_000)
})

test('who pauses and comes back again and again starves nobody', (t) => {
  const workers = new Workers(2)
  workers.give(0, 1_000)
  const served: (number | undefined)[] = []
  for (let turn = 0; turn < 100; turn += 1) {
    workers.give(1, 1)
    served.push(workers.serve())
  }
  const steady = served.filter((member) => member === 0).length
  t.true(steady >= 49, `the steady one was served ${steady} times of 100`)
})

test('a member that is deleted is not served', (t) => {
  const workers = new Workers(2)
  workers.give(0, 2)
  workers.give(1, 2)
  t.is(workers.serve(), 0)
  workers.turns.delete(0)
  workers.turns.delete(1)
  t.is(workers.serve(), undefined)
  workers.turns.add(0)
  workers.turns.clear()
  t.is(workers.serve(), undefined)
})
