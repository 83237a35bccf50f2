/** When an agent dials again: soon while streams wait, seldom else, and never as a herd. */
import test from 'ava'
import fc from 'fast-check'
import { idlePauseMsMax, Redial, redialPauseMs } from '../../../shared/protocol/backoff.ts'

const greatest = () => 1 - Number.EPSILON
const least = () => 0

/** The greatest pause before each try. */
const pauses = (streamsWait: boolean): readonly number[] =>
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((tries) =>
    Math.round(redialPauseMs(tries, streamsWait, greatest)),
  )

test('rule 41: while streams wait it is 0, 0.1, 0.3, 1 and then 1.5 seconds', (t) => {
  t.deepEqual(pauses(true), [0, 100, 300, 1_000, 1_500, 1_500, 1_500, 1_500, 1_500, 1_500])
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
      t.true(full <= (wait ? 1_500 : idlePauseMsMax))
      t.true(redialPauseMs(n + 1, wait, () => 1) >= full)
    }),
  )
})

test('a relay that nobody waits for is left in peace, until somebody does', (t) => {
  const redial = new Redial(greatest)
  for (let tries = 0; tries < 7; tries += 1) redial.pause(1_000)
  t.is(Math.round(redial.at(() => false)), 13_000)
  t.is(Math.round(redial.at(() => true)), 2_500)
})

test('a carrier that lasted is followed at once, and one that did not is not', (t) => {
  const redial = new Redial(greatest)
  for (let tries = 0; tries < 7; tries += 1) redial.pause(1_000)
  redial.served(1_000)
  redial.pause(5_000)
  t.is(
    redial.at(() => false),
    5_000,
  )
  redial.served(999)
  redial.pause(5_000)
  t.is(Math.round(redial.at(() => false)), 5_100)
})

test('X8: of a thousand agents that lose their relay no hundred milliseconds see a crowd', (t) => {
  const backAtMs = 10_000
  for (const streamsWait of [true, false]) {
    let drawn = 1
    // A fixed sequence of numbers in [0, 1) (minimal standard generator).
    const chance = (): number => {
      drawn = (drawn * 48_271) % 2_147_483_647
      return drawn / 2_147_483_647
    }
    const arrivals = Array.from({ length: 1_000 }, () => {
      const redial = new Redial(chance)
      let now = 0
      while (now < backAtMs) {
        redial.pause(now)
        now = redial.at(() => streamsWait)
      }
      return now
    })
    const slots = new Map<number, number>()
    for (const at of arrivals)
      slots.set(Math.floor(at / 100), (slots.get(Math.floor(at / 100)) ?? 0) + 1)
    const spanMs = Math.max(...arrivals) - Math.min(...arrivals)
    const mean = arrivals.length / (spanMs / 100)
    const peak = Math.max(...slots.values())
    t.true(peak <= 3 * mean, `${peak} at most, ${mean} on average`)
  }
})
