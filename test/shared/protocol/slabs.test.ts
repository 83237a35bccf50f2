/** The store of slabs: what comes back is lent again, and no more than a bound is kept. */
import test from 'ava'
import { dataBytesMax, dataHeaderBytes } from '../../../shared/protocol/frame.ts'
import { Slabs } from '../../../shared/protocol/slabs.ts'

test('a slab takes one full frame, and is lent again when it came back', (t) => {
  const slabs = new Slabs()
  const slab = slabs.take()
  t.is(slab.length, dataHeaderBytes + dataBytesMax)
  t.not(slabs.take(), slab)
  slabs.give(slab)
  t.is(slabs.take(), slab)
})

test('of many that come back about a megabyte is kept', (t) => {
  const slabs = new Slabs()
  const given = new Set(Array.from({ length: 200 }, () => slabs.take()))
  for (const slab of given) slabs.give(slab)
  const kept = Array.from({ length: 200 }, () => slabs.take()).filter((slab) => given.has(slab))
  t.is(kept.length, 64)
})
