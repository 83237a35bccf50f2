/** Tests the account of numbered messages: what is lost, doubled or out of order does not pass. */
import { setTimeout as pause } from 'node:timers/promises'
import test from 'ava'
import { Sequence, type SequencePlan } from '../../demo/sequence.ts'

test('everything heard once and in order settles', async (t) => {
  const wire = openWire()
  const sequence = await Sequence.open(wire.plan(10))
  sequence.send(25)
  t.is(sequence.sent, 10)
  while (wire.hasMore()) wire.deliver()
  await sequence.settles(patience())
  t.is(sequence.sent, 25)
  t.is(sequence.heard, 25)
  t.is(sequence.doubled + sequence.disordered, 0)
})

test('what is lost is missed: it does not settle', async (t) => {
  const wire = openWire()
  const sequence = await Sequence.open(wire.plan(10))
  sequence.send(3)
  wire.drop()
  while (wire.hasMore()) wire.deliver()
  const waiting = sequence.settles(patience(30))
  await t.throwsAsync(waiting, { code: 'promise_broken', message: /^all 3 messages: not within/ })
  t.is(sequence.heard, 2)
})

test('what is not acknowledged does not settle', async (t) => {
  const wire = openWire({ acknowledging: false })
  const sequence = await Sequence.open(wire.plan(10))
  sequence.send(1)
  wire.deliver()
  await t.throwsAsync(sequence.settles(patience(30)), { code: 'promise_broken' })
})

test('a message that comes twice, or too late, is counted', async (t) => {
  const wire = openWire()
  const sequence = await Sequence.open(wire.plan(10))
  sequence.send(3)
  wire.say('message 1')
  wire.say('message 0')
  wire.say('message 0')
  t.is(sequence.heard, 2)
  t.is(sequence.disordered, 1)
  t.is(sequence.doubled, 1)
})

test('whoever watches for a while is told the longest pause of that while', async (t) => {
  const wire = openWire()
  const sequence = await Sequence.open(wire.plan(10))
  const quiet = sequence.beginWatch()
  t.is(quiet(), 0, 'nothing was under way')
  sequence.send(1)
  const watched = sequence.beginWatch()
  await pause(30)
  wire.deliver()
  sequence.send(1)
  wire.deliver()
  t.true(watched() >= 25)
  t.is(sequence.beginWatch()(), 0, 'what was before is not told')
  sequence.send(1)
  const waiting = sequence.beginWatch()
  await pause(30)
  t.true(waiting() >= 25, 'and what lasts is told as well')
})

test('messages of others, and numbers that were never sent, are nothing', async (t) => {
  const wire = openWire()
  const sequence = await Sequence.open(wire.plan(10))
  sequence.send(1)
  for (const payload of ['hello', 'message', 'message 7', 'message x', 'other 0']) wire.say(payload)
  t.is(sequence.heard, 0)
  t.is(sequence.doubled, 0)
})

test('after the stop what was sent is all that is owed', async (t) => {
  const wire = openWire()
  const sequence = await Sequence.open(wire.plan(4))
  sequence.send(Number.POSITIVE_INFINITY)
  wire.deliver()
  await sequence.reaches(1, patience())
  sequence.stop()
  while (wire.hasMore()) wire.deliver()
  await sequence.settles(patience())
  t.is(sequence.sent, 5)
})

test('a pause is a time in which something was under way, and no other', async (t) => {
  const wire = openWire()
  const sequence = await Sequence.open(wire.plan(4))
  t.is(sequence.pauseMs, 0)
  sequence.send(1)
  const start = performance.now()
  while (performance.now() - start < 5);
  t.true(sequence.pauseMs >= 5)
  wire.deliver()
  t.is(sequence.pauseMs, 0)
  t.true(sequence.longestPauseMs >= 5)
})

function patience(withinMs = 10_000): { readonly withinMs: number; readonly signal: AbortSignal } {
  return { withinMs, signal: new AbortController().signal }
}

/** A wire that holds what is said until the test lets it pass. */
function openWire({ acknowledging = true } = {}): {
  readonly plan: (aheadMax: number) => SequencePlan
  readonly say: (payload: string) => void
  readonly deliver: () => void
  readonly drop: () => void
  readonly hasMore: () => boolean
} {
  const held: string[] = []
  let say = (_payload: string): void => {}
  return {
    plan: (aheadMax) => ({
      from: {
        publish(_topic, payload, acknowledged) {
          held.push(payload)
          if (acknowledging) acknowledged()
        },
      },
      to: {
        async subscribe(_topic, hear) {
          say = hear
        },
      },
      topic: 'any',
      word: 'message',
      aheadMax,
    }),
    say: (payload) => say(payload),
    deliver: () => say(held.shift() ?? ''),
    drop: () => void held.shift(),
    hasMore: () => held.length > 0,
  }
}
