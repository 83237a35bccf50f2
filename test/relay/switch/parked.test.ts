/** Openings that wait for an agent: for whom, and for how long. */
import test from 'ava'
import { Parked } from '../../../relay/switch/parked.ts'
import { Board } from '../../support/board.ts'

test('rule 7: what is parked waits for its agent, and no longer than it may', (t) => {
  const { route } = new Board().routed()
  const parked = new Parked(5_000)
  t.is(parked.deadline(), Number.POSITIVE_INFINITY)
  parked.add(route, 1_000)
  t.is(parked.deadline(), 6_000)
  t.deepEqual(parked.for('agent/plant-1'), [route])
  t.deepEqual(parked.for('agent/plant-2'), [])
  t.deepEqual(parked.due(5_999), [])
  t.deepEqual(parked.due(6_000), [route])
  parked.delete(route)
  t.deepEqual(parked.for('agent/plant-1'), [])
})
