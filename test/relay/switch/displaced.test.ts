/** How long a life that was displaced is known as such. */
import test from 'ava'
import { DisplacedLives } from '../../../relay/switch/displaced.ts'
import { displacedPauseMs } from '../../../shared/protocol/backoff.ts'

test('rule 16: a displaced life is late for as long as it has to stay away', (t) => {
  const lives = new DisplacedLives()
  lives.add('agent/a', 'e1', 1_000)
  t.true(lives.has('agent/a', 'e1', 1_000 + displacedPauseMs - 1))
  t.false(lives.has('agent/a', 'e1', 1_000 + displacedPauseMs))
  t.false(lives.has('agent/a', 'e2', 1_000))
  t.false(lives.has('agent/b', 'e1', 1_000))
})

test('a later one lets go of those whose time has passed, and of no other', (t) => {
  const lives = new DisplacedLives()
  lives.add('agent/a', 'old', 0)
  lives.add('agent/a', 'young', displacedPauseMs - 1)
  lives.add('agent/b', 'new', displacedPauseMs)
  t.deepEqual(
    ['old', 'young'].map((epoch) => lives.has('agent/a', epoch, displacedPauseMs)),
    [false, true],
  )
})
