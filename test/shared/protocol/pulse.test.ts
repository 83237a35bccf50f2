/** The pulse: when a carrier is dead, against a slow model; and how much may be in flight. */
import test from 'ava'
import fc from 'fast-check'
import type { FrameOf } from '../../../shared/protocol/frame.ts'
import { flightBytesMin, Pulse } from '../../../shared/protocol/pulse.ts'

const livenessMs = 9_000

const pong = (echo: number, bytesReceived: number): FrameOf<'pong'> => ({
  kind: 'pong',
  echo,
  bytesReceived,
})

/** Pulls at this time and gives the echo of the PING that was said, if one was. */
function pinged(pulse: Pulse, now: number): number | undefined {
  const frame = pulse.pull(now)
  return frame?.kind === 'ping' ? frame.echo : undefined
}

test('dead is: silent for the liveness time with a PING out, or a PING old three times it', (t) => {
  const waitMs = fc.oneof(
    fc.integer({ min: 0, max: 4_000 }),
    fc.constantFrom(livenessMs / 3, livenessMs, 3 * livenessMs),
  )
  const what = fc.constantFrom('wait', 'pull', 'hear', 'answer first', 'answer last', 'forge')
  fc.assert(
    fc.property(fc.array(fc.tuple(waitMs, what), { maxLength: 60 }), (steps) => {
      const pulse = new Pulse(livenessMs, 0)
      let now = 0
      let heardAt = 0
      /** PINGs without an answer: their echoes and times. */
      let out: (readonly [number, number])[] = []
      const isDead = (at: number) => {
        const oldest = out[0]
        if (oldest === undefined) return false
        return at - heardAt >= livenessMs || at - oldest[1] >= 3 * livenessMs
      }
      for (const [passMs, step] of steps) {
        const deadline = pulse.deadline()
        // Nothing new happens before the deadline that was promised.
        if (!isDead(now) && now < deadline)
          t.false(isDead(Math.min(deadline, now + passMs) - 0.001))
        now += passMs
        t.is(pulse.isDead(now), isDead(now))
        if (step === 'pull') {
          const echo = pinged(pulse, now)
          if (echo !== undefined) out.push([echo, now])
        } else if (step === 'hear') {
          pulse.received(10, now)
          heardAt = now
        } else if (step.startsWith('answer') && out.length > 0) {
          const [echo] = (step === 'answer first' ? out[0] : out.at(-1)) ?? [0]
          pulse.pong(pong(echo, 0), now)
          out = out.filter(([other]) => other > echo)
        } else if (step === 'forge') pulse.pong(pong(1_000_000, 0), now)
        t.is(pulse.isDead(now), isDead(now))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('at its deadline a pulse has a PING to say, or the carrier is dead', (t) => {
  const pulse = new Pulse(livenessMs, 0)
  t.not(pinged(pulse, 0), undefined)
  for (let now = 0, steps = 0; !pulse.isDead(now); steps += 1) {
    t.true(steps < 10)
    now = pulse.deadline()
    t.true(pinged(pulse, now) !== undefined || pulse.isDead(now))
  }
})

test('at the very deadline something is due, whatever the last bit of the clock says', (t) => {
  const start = fc.double({ min: 0, max: 1e7, noNaN: true })
  fc.assert(
    fc.property(start, fc.integer({ min: 1_000, max: 30_000 }), (since, believedMs) => {
      const pulse = new Pulse(believedMs, since)
      pulse.pull(since)
      for (let turn = 0; turn < 20; turn += 1) {
        const now = pulse.deadline()
        if (pulse.isDead(now)) break
        t.not(pinged(pulse, now), undefined, `nothing is due at ${now}`)
        pulse.received(13, now + 1 / 3)
      }
    }),
  )
})

test('rule 38: any frame is proof of life, and a path black in one direction is found', (t) => {
  const pulse = new Pulse(livenessMs, 0)
  pulse.pull(0)
  let now = 0
  for (; now < 3 * livenessMs; now += 1_000) {
    t.false(pulse.isDead(now))
    pulse.pull(now)
    pulse.received(10, now)
  }
  t.true(pulse.isDead(3 * livenessMs))
})

test('a silent path without a PING out is not dead: nobody has asked', (t) => {
  t.false(new Pulse(livenessMs, 0).isDead(10 * livenessMs))
})

test('X4: however many PINGs came, one PONG says it all', (t) => {
  const pulse = new Pulse(livenessMs, 0)
  pulse.pull(0)
  for (let echo = 1; echo <= 100_000; echo += 1) {
    pulse.received(13, 1)
    pulse.ping({ kind: 'ping', echo, bytesSent: 0 })
  }
  t.deepEqual(pulse.pull(1), pong(100_000, 1_300_000))
  t.is(pulse.pull(1), undefined)
})

test('no more PINGs are out than a bound, however long nothing is answered', (t) => {
  const pulse = new Pulse(livenessMs, 0)
  let said = 0
  for (let now = 0; now < 1_000 * livenessMs; now += livenessMs / 3) {
    if (pinged(pulse, now) !== undefined) said += 1
  }
  t.is(said, 16)
})

test('R3: a PONG for bytes that were never sent is not believed', (t) => {
  const pulse = new Pulse(livenessMs, 0)
  const echo = pinged(pulse, 0) ?? 0
  pulse.sent(1_000_000)
  t.false(pulse.room)
  pulse.pong(pong(echo, 1_000_001), 10)
  t.false(pulse.room)
  t.is(pulse.roundTripMs, undefined)
  pulse.pong(pong(echo, 1_000_000), 10)
  t.true(pulse.room)
  t.is(pulse.roundTripMs, 10)
})

test('law 1: a PONG heard twice changes nothing the second time', (t) => {
  const pulse = new Pulse(livenessMs, 0)
  const echo = pinged(pulse, 0) ?? 0
  pulse.sent(100_000)
  pulse.pong(pong(echo, 100_000), 10)
  const before = [pulse.flightBytesMax, pulse.roundTripMs, pulse.room]
  pulse.pong(pong(echo, 50_000), 400)
  t.deepEqual([pulse.flightBytesMax, pulse.roundTripMs, pulse.room], before)
})

test('a PING goes out with each quarter of what may be in flight', (t) => {
  const pulse = new Pulse(livenessMs, 0)
  pulse.pull(0)
  pulse.sent(flightBytesMin / 4 - 1)
  t.is(pinged(pulse, 1), undefined)
  pulse.sent(1)
  t.not(pinged(pulse, 1), undefined)
})

/** A path of so many bytes a millisecond and so long a round trip: what was sent comes in order. */
function run(bytesPerMs: number, roundTripMs: number, forMs: number) {
  const frameBytes = 16_360
  const pulse = new Pulse(livenessMs, 0)
  const underWay: { readonly bytes: number; readonly echo: number; leavesAt: number }[] = []
  const answers: { readonly at: number; readonly frame: FrameOf<'pong'> }[] = []
  let freeAt = 0
  let sent = 0
  let arrived = 0
  let waitedMsMax = 0
  const transmit = (now: number, bytes: number, echo: number) => {
    freeAt = Math.max(freeAt, now) + bytes / bytesPerMs
    underWay.push({ bytes, echo, leavesAt: freeAt })
    sent += bytes
    pulse.sent(bytes)
    // Behind the first round trips, in which nothing is known yet.
    if (now > forMs / 2) waitedMsMax = Math.max(waitedMsMax, freeAt - now)
  }
  for (let now = 0; now < forMs; now += 1) {
    while (underWay[0] !== undefined && underWay[0].leavesAt <= now) {
      const { bytes, echo } = underWay.shift() ?? { bytes: 0, echo: 0 }
      arrived += bytes
      if (echo !== 0) answers.push({ at: now + roundTripMs, frame: pong(echo, arrived) })
    }
    while (answers[0] !== undefined && answers[0].at <= now) {
      pulse.received(13, now)
      pulse.pong(answers.shift()?.frame ?? pong(0, 0), now)
    }
    for (;;) {
      const ping = pulse.pull(now)
      if (ping?.kind === 'ping') transmit(now, 13, ping.echo)
      else if (pulse.room) transmit(now, frameBytes, 0)
      else break
    }
  }
  return { used: arrived / (bytesPerMs * forMs), waitedMsMax, inFlight: sent - arrived, pulse }
}

/** Bytes a millisecond, round trip: what rule 34 promises on such a path. */
const paths: readonly (readonly [name: string, number, number])[] = [
  ['2 Mbit/s, 20 ms', 250, 20],
  ['10 Mbit/s, 20 ms', 1_250, 20],
  ['100 Mbit/s, 5 ms', 12_500, 5],
  ['100 Mbit/s, 100 ms', 12_500, 100],
]

for (const [name, bytesPerMs, roundTripMs] of paths) {
  test(`rule 34: ${name} is used to the full, and no backlog waits below`, (t) => {
    const { used, waitedMsMax, inFlight, pulse } = run(bytesPerMs, roundTripMs, 4_000)
    t.true(used > 0.9, `${Math.round(used * 100)} % of the path`)
    t.true(inFlight <= pulse.flightBytesMax + 16_360 + 13)
    const perRoundTrip = 2.5 * (roundTripMs + 20)
    const atLeastMs = (flightBytesMin + 16_360) / bytesPerMs
    const boundMs = Math.max(perRoundTrip, atLeastMs) + 20
    t.true(waitedMsMax <= boundMs, `a keystroke waits ${waitedMsMax} ms of ${boundMs}`)
  })
}

test('a rate that is long past is forgotten, and the cap never falls below the least', (t) => {
  const pulse = new Pulse(livenessMs, 0)
  let sent = 0
  const exchange = (now: number, bytes: number) => {
    const echo = pinged(pulse, now) ?? 0
    sent += bytes
    pulse.sent(bytes)
    pulse.pong(pong(echo, sent), now + 20)
  }
  exchange(0, 10_000_000)
  t.true(pulse.flightBytesMax > 100 * flightBytesMin)
  for (let now = 3_000; now <= 15_000; now += 3_000) exchange(now, 100)
  t.is(pulse.flightBytesMax, flightBytesMin)
})
