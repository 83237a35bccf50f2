/** Middle boxes that close what is idle: told from other ends of carriers, and pinged past. */
import test from 'ava'
import fc from 'fast-check'
import { IdleCut, learnedPingMsMin, Silences } from '../../../shared/protocol/idle-cut.ts'
import { Pulse } from '../../../shared/protocol/pulse.ts'

const dayMs = 86_400_000

/** What is known of a path, and what was told of it. */
class Known {
  readonly told: (readonly [idleMs: number, pingMs: number])[] = []
  readonly idleCut = new IdleCut((...learned) => this.told.push(learned))
}

test('two carriers that die of the same silence are believed, once', (t) => {
  const { idleCut, told } = new Known()
  idleCut.carrierLost(60_000, 0)
  t.is(idleCut.pingMsMax(0), Number.POSITIVE_INFINITY)
  idleCut.carrierLost(62_000, 100_000)
  t.is(idleCut.pingMsMax(100_000), 45_000)
  idleCut.carrierLost(61_000, 200_000)
  t.deepEqual(told, [[60_000, 45_000]])
})

test('a shorter silence that is fatal too is learned anew; a longer one is not', (t) => {
  const { idleCut, told } = new Known()
  for (const idleMs of [60_000, 60_000, 80_000, 80_000, 40_000, 40_000]) {
    idleCut.carrierLost(idleMs, 0)
  }
  t.deepEqual(told, [
    [60_000, 45_000],
    [40_000, 30_000],
  ])
})

for (const [title, deaths] of [
  ['one death', [60_000]],
  ['two silences that are unlike', [60_000, 90_000, 60_000]],
  ['a death of something else between two', [60_000, undefined, 60_000, undefined]],
  ['a silence in which no PING could be said sooner', [900, 900, 900]],
] as const) {
  test(`${title}: nothing is learned`, (t) => {
    const { idleCut, told } = new Known()
    for (const idleMs of deaths) idleCut.carrierLost(idleMs, 0)
    t.deepEqual(told, [])
    t.is(idleCut.pingMsMax(0), Number.POSITIVE_INFINITY)
  })
}

test('PINGs are never said more often than once a second', (t) => {
  const { idleCut } = new Known()
  for (let count = 0; count < 10; count += 1) idleCut.carrierLost(1_100, 0)
  t.is(idleCut.pingMsMax(0), learnedPingMsMin)
})

test('after a day it is forgotten, and told again when it is learned again', (t) => {
  const { idleCut, told } = new Known()
  for (const at of [0, 0, dayMs - 1]) idleCut.carrierLost(8_000, at)
  t.is(idleCut.pingMsMax(dayMs - 1), 6_000)
  t.is(idleCut.pingMsMax(dayMs), Number.POSITIVE_INFINITY)
  idleCut.carrierLost(8_000, 3 * dayMs)
  t.is(told.length, 1, 'a suspicion is forgotten, too')
  idleCut.carrierLost(8_000, 3 * dayMs)
  t.is(told.length, 2)
})

test('a silence is fatal when none as long was outlived', (t) => {
  const silences = new Silences(0)
  silences.heard(10_000)
  t.is(silences.fatalMs(21_000, false), undefined, 'one as long was outlived')
  t.is(silences.fatalMs(25_000, false), 15_000)
})

test('what this side said into a silence ends it only when it is answered', (t) => {
  const silences = new Silences(0)
  silences.spoke(20_000)
  silences.spoke(21_000)
  t.is(silences.fatalMs(99_000, true), 20_000)
  silences.heard(22_000)
  t.is(silences.fatalMs(41_000, false), undefined)
  silences.spoke(22_001)
  t.is(silences.fatalMs(52_001, false), 30_000, 'the last word asked for no answer')
})

/** What a middle box does with a connection that was idle for too long. */
const manners = ['closes', 'resets what comes next', 'drops what comes next'] as const

interface Path {
  readonly livenessMs: number
  readonly roundTripMs: number
  readonly limitMs: number
  readonly manner: (typeof manners)[number]
}

/** One idle carrier on the path, until it dies or something else ends it; gives when, and why. */
function carry(path: Path, idleCut: IdleCut, start: number, end: number) {
  const { livenessMs, roundTripMs, limitMs, manner } = path
  const pulse = new Pulse(livenessMs, start, idleCut.pingMsMax(start))
  const lost = (now: number, died: boolean) => {
    idleCut.carrierLost(pulse.fatalSilenceMs(now), now)
    return { now, died }
  }
  let now = start
  let passedAt = start
  let pong: { readonly echo: number; readonly at: number } | undefined
  for (;;) {
    for (let ping = pulse.pull(now); ping?.kind === 'ping'; ping = pulse.pull(now)) {
      pulse.sent(13)
      const isShut = now - passedAt > limitMs
      if (isShut && manner === 'resets what comes next') return lost(now, true)
      if (isShut) continue
      passedAt = now
      pong = { echo: ping.echo, at: now + roundTripMs }
    }
    const closesAt = manner === 'closes' ? passedAt + limitMs : Number.POSITIVE_INFINITY
    now = Math.min(pulse.deadline(), pong?.at ?? end, closesAt, end)
    if (now >= end) return lost(end, false)
    if (now >= closesAt || pulse.isDead(now)) return lost(now, true)
    if (pong === undefined || now < pong.at) continue
    passedAt = now
    pulse.received(13, now)
    pulse.pong({ kind: 'pong', echo: pong.echo, bytesReceived: 0 }, now)
    pong = undefined
  }
}

const liveness = fc.integer({ min: 1_000, max: 300_000 })
const roundTrip = fc.integer({ min: 1, max: 100 })

test('whatever the box does, and after how long: sooner or later a carrier stays up', (t) => {
  const paths = fc.record({
    livenessMs: liveness,
    roundTripMs: roundTrip,
    limitMs: fc.integer({ min: 1_500, max: 120_000 }),
    manner: fc.constantFrom(...manners),
  })
  fc.assert(
    fc.property(paths, (path) => {
      const { idleCut } = new Known()
      const { livenessMs, limitMs, manner } = path
      // One that closes shows its limit; of the others it is only known that it is below a PING's.
      const rounds = Math.ceil(Math.log(livenessMs / 3 / limitMs) / Math.log(4 / 3))
      const deathsMax = manner === 'closes' ? 2 : 2 * Math.max(0, rounds)
      let now = 0
      for (let deaths = 0; ; deaths += 1) {
        const life = carry(path, idleCut, now, now + 10 * (livenessMs + limitMs))
        if (!life.died) break
        now = life.now
        t.true(deaths < deathsMax, `${deaths} carriers have died: ${JSON.stringify(path)}`)
      }
    }),
  )
})

test('carriers that end at any other time, idle or not, teach nothing', (t) => {
  const property = fc.property(
    liveness,
    roundTrip,
    fc.array(fc.integer({ min: 0, max: 400_000 }), { minLength: 2, maxLength: 20 }),
    (livenessMs, roundTripMs, lives) => {
      const { idleCut, told } = new Known()
      const path = { livenessMs, roundTripMs, limitMs: 1e9, manner: 'closes' } as const
      let now = 0
      for (const liveMs of lives) {
        // It has outlived the silence between two PINGs.
        const end = now + livenessMs / 3 + roundTripMs + 1 + liveMs
        now = carry(path, idleCut, now, end).now
      }
      t.deepEqual(told, [])
    },
  )
  fc.assert(property)
})

test('a process that stood still blames nobody else for its silence', (t) => {
  const pulse = new Pulse(9_000, 0)
  const frame = pulse.pull(0)
  pulse.sent(13)
  if (frame?.kind !== 'ping') return t.fail()
  pulse.received(13, 10)
  pulse.pong({ kind: 'pong', echo: frame.echo, bytesReceived: 0 }, 10)
  t.is(pulse.fatalSilenceMs(3_000), 2_990)
  t.is(pulse.fatalSilenceMs(60_000), undefined)
})

test('a carrier that never came as far as a PING died of something else', (t) => {
  const pulse = new Pulse(9_000, 0)
  t.is(pulse.fatalSilenceMs(2_000), undefined)
})
