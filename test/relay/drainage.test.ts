/** The time between the word to stop and the end. */
import test from 'ava'
import { Drainage } from '../../relay/drainage.ts'
import { within } from '../support/within.ts'

const longMs = 60_000

test('a relay that leads nothing has drained at once', async (t) => {
  t.is(await within('the end', new Drainage(() => 0).run(longMs)), 0)
})

test('it is over when the last stream has left', async (t) => {
  let streams = 2
  const drainage = new Drainage(() => streams)
  t.false(drainage.isOpen)
  const over = drainage.run(longMs)
  t.true(drainage.isOpen)
  streams = 1
  drainage.look()
  streams = 0
  drainage.look()
  t.is(await within('the end', over), 0)
})

test('it is over at its deadline, whoever is left', async (t) => {
  t.is(await within('the end', new Drainage(() => 3).run(1)), 3)
})
