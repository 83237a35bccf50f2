/** What is remembered of streams that are over: for a time, and within a bound. */
import test from 'ava'
import { Tombstones } from '../../../shared/protocol/tombstones.ts'

test('rule 6: a key is remembered with its code until its time has passed', (t) => {
  const tombstones = new Tombstones(1_000, 10)
  tombstones.add('a', 'expired', 0)
  tombstones.add('b', 'end', 500)
  t.is(tombstones.get('a'), 'expired')
  t.is(tombstones.deadline(), 1_000)
  tombstones.bury(999)
  t.is(tombstones.get('a'), 'expired')
  tombstones.bury(1_000)
  t.is(tombstones.get('a'), undefined)
  t.is(tombstones.get('b'), 'end')
  t.is(tombstones.deadline(), 1_500)
  tombstones.bury(1_500)
  t.is(tombstones.size, 0)
  t.is(tombstones.deadline(), Number.POSITIVE_INFINITY)
})

test('beyond the bound the oldest goes first', (t) => {
  const tombstones = new Tombstones(1_000, 3)
  for (const [at, key] of ['a', 'b', 'c', 'd'].entries()) tombstones.add(key, 'end', at)
  t.is(tombstones.size, 3)
  t.is(tombstones.get('a'), undefined)
  t.is(tombstones.get('d'), 'end')
})
