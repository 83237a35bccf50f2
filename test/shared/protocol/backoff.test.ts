/** When an agent dials again: soon while streams wait, seldom else, and never as a herd. */
import test from 'ava'
import fc from 'fast-check'
import { idlePauseMsMax, redialPauseMs } from '../../../shared/protocol/backoff.ts'

const greatest = () => 1 - Number.EPSILON
const least = () => 0

/** The greatest pause before each try. */
const pauses = (streamsWait: boolean): readonly number[] =>
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((tries) =>
    Math.round(redialPauseMs(tries, streamsWait, greatest)),
  )

test('rule 41: while streams wait it is 0, 0.1, 0.3, 1 and then 3 seconds', (t) => {
  t.deepEqual(pauses(true), [0, 100, 300, 1_000, 3_000, 3_000, 3_000, 3_000, 3_000, 3_000])
})

test('without streams the pauses grow to half a minute', (t) => {
  t.deepEqual(pauses(false), [0, 100, 300, 1_000, 3_000, 6_000, 12_000, 24_000, 30_000, 30_000])
})

test('rule 41: five tries are made in the 15 seconds that idle MQTT has left', (t) => {
  const untilFifth = pauses(true).slice(0, 5)
  t.true(untilFifth.reduce((sum, pauseMs) => sum + pauseMs, 0) < 15_000)
})

test('X8: every pause is drawn from its upper half, and it never gives up', (t) => {
  const tries = fc.oneof(fc.nat({ max: 20 }), fc.nat())
  fc.assert(
    fc.property(tries, fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true }), (n, wait, at) => {
      const pauseMs = redialPauseMs(n, wait, () => at)
      const full = redialPauseMs(n, wait, () => 1)
      t.is(redialPauseMs(n, wait, least), full / 2)
      t.true(pauseMs >= full / 2 && pauseMs <= full)
      t.true(full <= (wait ? 3_000 : idlePauseMsMax))
      t.true(redialPauseMs(n + 1, wait, () => 1) >= full)
    }),
  )
})
