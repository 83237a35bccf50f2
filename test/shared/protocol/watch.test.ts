/**
 * The waits of all ends: each has a limit, and only a silent application may be silent for ever.
 */
import test from 'ava'
import type { FaultCode } from '../../../shared/protocol/fault.ts'
import type { Phase } from '../../../shared/protocol/life.ts'
import { creditDelayMs } from '../../../shared/protocol/watch.ts'
import { inPhase, Lone, limits, openFrame, type Role, windowBytes } from '../../support/lone.ts'

const { resumeWindowMs, openTimeoutMs } = limits
/** Ends are looked at in so coarse a tick. */
const scanMs = 500

/** An end in a phase, what befalls it, and when and how it is over. */
const waits: readonly {
  readonly role: Role
  readonly phase: Phase
  readonly given?: 'cut' | 'held'
  readonly afterMs: number
  readonly code: FaultCode
}[] = [
  { role: 'opener', phase: 'opening', afterMs: openTimeoutMs, code: 'open_timeout' },
  { role: 'opener', phase: 'opening', given: 'cut', afterMs: openTimeoutMs, code: 'open_timeout' },
  { role: 'acceptor', phase: 'dialling', afterMs: openTimeoutMs, code: 'open_timeout' },
  { role: 'opener', phase: 'open', given: 'cut', afterMs: resumeWindowMs, code: 'expired' },
  { role: 'acceptor', phase: 'open', given: 'cut', afterMs: resumeWindowMs, code: 'expired' },
  { role: 'acceptor', phase: 'open', given: 'held', afterMs: resumeWindowMs, code: 'expired' },
  { role: 'opener', phase: 'aborting', given: 'cut', afterMs: resumeWindowMs, code: 'expired' },
  { role: 'acceptor', phase: 'aborting', afterMs: 2 * resumeWindowMs, code: 'expired' },
  { role: 'opener', phase: 'lingering', afterMs: resumeWindowMs, code: 'end' },
  { role: 'acceptor', phase: 'lingering', given: 'cut', afterMs: resumeWindowMs, code: 'end' },
  { role: 'acceptor', phase: 'aborted', afterMs: 2 * resumeWindowMs, code: 'connection_reset' },
]

for (const { role, phase, given, afterMs, code } of waits) {
  const title = `${role}, ${phase}${given === undefined ? '' : `, ${given}`}`
  test(`${title}: over after ${afterMs / 1_000} s with ${code}`, (t) => {
    const { lone, end, id, socket } = inPhase(role, phase)
    if (given === 'cut') lone.down()
    if (given === 'held') lone.hear({ kind: 'hold', id })
    lone.advance(afterMs - 1)
    t.not(end.phase, 'closed')
    lone.advance(2 * scanMs + 1)
    t.is(end.phase, 'closed')
    if (phase !== 'dialling') t.is(socket.outcome, code)
    t.is(lone.budget.used, 0)
    t.is(lone.endpoint.deadline() < Number.POSITIVE_INFINITY, role === 'acceptor')
  })
}

test('a silent application on a good path is silent for as long as it likes', (t) => {
  const { lone, end, id } = inPhase('acceptor', 'open')
  lone.hear({ kind: 'credit', id, consumed: 10, limit: windowBytes })
  lone.advance(24 * 3_600_000)
  t.is(end.phase, 'open')
  t.is(lone.endpoint.stalls, 0)
  t.deepEqual(lone.said(), [])
})

test('a path that comes back in time begins a new window', (t) => {
  const { lone, end, id } = inPhase('acceptor', 'open')
  for (let outage = 0; outage < 3; outage += 1) {
    lone.down()
    lone.advance(resumeWindowMs - scanMs)
    lone.up({ resumed: true, routes: 1 })
    lone.hear({ kind: 'resync', id })
    lone.hear({ kind: 'resume', id, received: 10, consumed: 10, limit: windowBytes })
    lone.advance(scanMs)
  }
  t.is(end.phase, 'open')
})

test('rule 15: of two windows the smaller holds, and tries do not begin it anew', (t) => {
  const lone = new Lone(2)
  const { end } = inPhase('opener', 'open', lone)
  lone.down(0)
  lone.up({ resumeWindowMs: 30_000 }, 1)
  for (let at = 0; at < 29_000; at += 1_000) {
    const open = lone.said(1).find(({ kind }) => kind === 'open')
    if (open?.kind === 'open') lone.hear({ kind: 'refuse', id: open.id, code: 'no_agent' }, 1)
    lone.advance(1_000)
  }
  t.is(end.phase, 'open')
  lone.advance(2_000)
  t.is(end.phase, 'closed')
})

test('rule 29: nothing moves although something should: both ends restate themselves', (t) => {
  const { lone, end, id } = inPhase('acceptor', 'open')
  lone.advance(6_000)
  t.is(lone.endpoint.stalls, 1)
  t.deepEqual(lone.saidKinds(), ['resume', 'resync'])
  lone.advance(5_000)
  t.is(lone.endpoint.stalls, 1, 'patience doubles')
  lone.advance(6_000)
  t.is(lone.endpoint.stalls, 2)
  lone.hear({ kind: 'resume', id, received: 10, consumed: 10, limit: windowBytes })
  lone.said()
  lone.advance(600_000)
  t.is(lone.endpoint.stalls, 2)
  t.is(end.phase, 'open')
})

test('rule 29: an end that is held up by the limit alone is looked after too', (t) => {
  const { lone, end, id } = inPhase('acceptor', 'open')
  lone.hear({ kind: 'credit', id, consumed: 10, limit: 10 })
  t.true(end.send.written <= end.send.limit)
  end.send.replaceLimit(10)
  lone.advance(6_000)
  t.is(lone.endpoint.stalls, 1)
})

test('rule 20: the little that several streams took is said in one tick', (t) => {
  const lone = new Lone()
  const streams = [1, 3, 5].map((id) => ({
    id,
    ...lone.accept({ id, key: id.toString(16).padStart(32, '0') }),
  }))
  lone.said()
  for (const { id, socket } of streams) {
    lone.hear({ kind: 'data', id, offset: 0, bytes: new Uint8Array(5) })
    socket.takeAll()
    lone.advance(creditDelayMs / 4)
  }
  t.deepEqual(lone.said(), [])
  lone.advance(creditDelayMs / 4)
  t.deepEqual(lone.saidKinds(), ['credit', 'credit', 'credit'])
})

test('rule 17: what the socket did not take is not said', (t) => {
  const lone = new Lone()
  lone.accept()
  lone.said()
  lone.hear({ kind: 'data', id: 1, offset: 0, bytes: new Uint8Array(500) })
  lone.advance(10_000)
  t.deepEqual(lone.said(), [])
})

test('somebody waits only while a stream has no way, and that begins once', (t) => {
  const lone = new Lone(2)
  t.false(lone.endpoint.waits)
  lone.accept()
  t.false(lone.endpoint.waits)
  lone.down()
  t.true(lone.endpoint.waits)
  lone.up({ resumed: true, routes: 1 })
  lone.hear({ kind: 'resync', id: 1 })
  t.false(lone.endpoint.waits)
})

test('an endpoint without ends asks for no time', (t) => {
  const lone = new Lone()
  t.is(lone.endpoint.deadline(), Number.POSITIVE_INFINITY)
  const { end } = lone.open()
  t.true(lone.endpoint.deadline() < Number.POSITIVE_INFINITY)
  end.fail('shutdown')
  t.is(lone.endpoint.deadline(), Number.POSITIVE_INFINITY)
})

test('R11: ten thousand detached streams are gone when their window is', (t) => {
  const lone = new Lone(1, { streamsMax: 10_000 })
  for (let count = 0; count < 10_000; count += 1) {
    lone.hear(openFrame({ id: 2 * count + 1, key: count.toString(16).padStart(32, '0') }))
  }
  t.is(lone.endpoint.ends.size, 10_000)
  lone.down()
  lone.advance(resumeWindowMs + scanMs)
  t.is(lone.endpoint.ends.size, 0)
  lone.advance(2 * resumeWindowMs)
  t.is(lone.endpoint.tombstones, 0)
  t.is(lone.budget.used, 0)
})
