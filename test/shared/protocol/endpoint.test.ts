/** The endpoint: which end a frame is for, what an unknown id is told, and what a restart means. */
import test from 'ava'
import { Fault } from '../../../shared/protocol/fault.ts'
import type { StreamFrame } from '../../../shared/protocol/frame.ts'
import { lastWordsMax } from '../../../shared/protocol/voice.ts'
import { key, samples } from '../../support/frames.ts'
import { acceptFrame, inPhase, Lone, limits, openFrame } from '../../support/lone.ts'

test('rule 2: an id that leads nowhere is told so by VOID, but not after a last word', (t) => {
  const answers = {
    ...{ accept: 'void', data: 'void', credit: 'void', fin: 'void', close: 'void' },
    ...{ resume: 'void', resync: 'void', hold: 'void' },
    ...{ void: undefined, reset: undefined, refuse: undefined },
  } as const
  for (const [kind, answer] of Object.entries(answers)) {
    const lone = new Lone()
    lone.hear({ ...samples[kind as keyof typeof answers], id: 77 } as StreamFrame)
    t.deepEqual(lone.said(), answer === undefined ? [] : [{ kind: answer, id: 77 }], kind)
  }
})

test('R6, X4: a flood of frames for unknown ids is answered within a bound', (t) => {
  const lone = new Lone()
  for (let id = 1; id < 200_000; id += 1) {
    lone.hear({ kind: 'data', id, offset: 0, bytes: new Uint8Array(0) })
  }
  t.is(lone.said().length, lastWordsMax)
  t.is(lone.endpoint.ends.size, 0)
})

test('X4: a flood of control on a stream is answered by one frame of each kind', (t) => {
  const { lone, id } = inPhase('acceptor', 'open')
  for (let count = 0; count < 100_000; count += 1) {
    lone.hear({ kind: 'resync', id })
    lone.hear({ kind: 'resume', id, received: 10, consumed: 10, limit: 1_000 })
    lone.hear({ kind: 'hold', id })
    lone.hear({ kind: 'resync', id })
  }
  t.deepEqual(lone.saidKinds(), ['resume'])
})

test('one stream more than may live is refused where it is opened', (t) => {
  const lone = new Lone()
  for (let count = 0; count < limits.streamsMax; count += 1) lone.open()
  t.throws(() => lone.open(), { instanceOf: Fault, code: 'overloaded' })
})

test('a stream opened while no relay is there waits, and is said when one comes', (t) => {
  const lone = new Lone()
  lone.down()
  const { end } = lone.open()
  t.deepEqual(lone.said(), [])
  lone.up({ resumed: true })
  t.deepEqual(lone.saidKinds(), ['open'])
  t.is(end.phase, 'opening')
})

test('rule 3: another session leaves no way of the old one, and streams are opened anew', (t) => {
  const { lone, end, id } = inPhase('opener', 'open')
  lone.down()
  lone.up({ session: 'cccccccccccccccc' })
  t.is(end.current, undefined)
  const [open] = lone.said()
  t.like(open, { kind: 'open', id, attachment: 2, established: true })
})

test('rule 3: the acceptor of a session that is gone waits for its opener', (t) => {
  const { lone, end } = inPhase('acceptor', 'open')
  lone.down()
  lone.up({ session: 'cccccccccccccccc' })
  t.is(end.phase, 'open')
  t.deepEqual(lone.said(), [])
  lone.hear(openFrame({ id: 5, attachment: 2, established: true, received: 10 }))
  t.deepEqual(lone.saidKinds(), ['accept'])
})

test("rule 16: a relay's own streams end at once when another life of it is met", (t) => {
  const lone = new Lone()
  const own = lone.accept({ from: 'client/crm' })
  const agents = lone.accept({ id: 3, key: 'f'.repeat(32) })
  lone.down()
  lone.up({ session: 'cccccccccccccccc' })
  t.is(own.end.phase, 'open', 'the same life: only the session is another')
  lone.down()
  lone.up({ session: 'dddddddddddddddd', life: 'eeeeeeeeeeeeeeee' })
  t.is(own.socket.outcome, 'relay_restarted')
  t.is(agents.end.phase, 'open')
})

test('rule 8: what a resumed session does not name leads nowhere', (t) => {
  const lone = new Lone()
  const named = lone.accept()
  const lost = lone.accept({ id: 3, key: 'f'.repeat(32) })
  lone.down()
  lone.up({ resumed: true, routes: 1 })
  t.not(lost.end.current, undefined)
  lone.hear({ kind: 'resync', id: 1 })
  t.is(lost.end.current, undefined)
  t.true(named.end.current?.ready)
})

test('rule 8: what it names and nobody here knows is told so', (t) => {
  const lone = new Lone()
  lone.down()
  lone.up({ resumed: true, routes: 1 })
  lone.hear({ kind: 'resync', id: 9 })
  t.deepEqual(lone.said(), [{ kind: 'void', id: 9 }])
})

test('rule 8: an opening that is refused meanwhile does not count among the named', (t) => {
  const lone = new Lone()
  const first = lone.accept()
  const second = lone.accept({ id: 3, key: 'f'.repeat(32) })
  lone.down()
  lone.up({ resumed: true, routes: 2 })
  const opener = lone.open()
  const open = lone.said().find((frame) => frame.kind === 'open')
  lone.hear({ kind: 'refuse', id: open?.id ?? 0, code: 'no_agent' })
  t.is(opener.end.phase, 'closed')
  lone.hear({ kind: 'resync', id: 1 })
  t.not(second.end.current, undefined)
  lone.hear({ kind: 'resync', id: 3 })
  t.true(first.end.current?.ready && second.end.current?.ready)
})

test('all ends are told when the process stops', (t) => {
  const lone = new Lone()
  const opener = lone.open()
  const acceptor = lone.accept()
  lone.said()
  lone.endpoint.endAll('shutdown')
  t.deepEqual(lone.saidKinds(), ['reset', 'reset'])
  t.is(opener.socket.outcome, 'shutdown')
  t.is(acceptor.socket.outcome, 'shutdown')
  t.is(lone.endpoint.ends.size, 0)
  t.is(lone.budget.used, 0)
})

test('rule 35: a keystroke goes before the bytes of a busy stream', (t) => {
  const lone = new Lone(1, { windowBytes: 200_000 })
  const busy = lone.accept({ limit: 200_000 })
  const quiet = lone.accept({ id: 3, key: 'f'.repeat(32), limit: 200_000 })
  lone.said()
  busy.end.write(new Uint8Array(busy.end.room()))
  for (let turn = 0; turn < 3; turn += 1) lone.endpoint.pull(lone.port(), true)
  quiet.end.write(new Uint8Array(1))
  t.like(lone.endpoint.pull(lone.port(), true), { kind: 'data', id: 3 })
})

test('while enough is in flight control is said, and bytes are not', (t) => {
  const { lone, end, id } = inPhase('acceptor', 'open')
  end.write(new Uint8Array(5))
  lone.hear({ kind: 'resync', id })
  t.is(lone.endpoint.pull(lone.port(), false)?.kind, 'resume')
  t.is(lone.endpoint.pull(lone.port(), false), undefined)
})

test('an ACCEPT for one stream is not heard by another', (t) => {
  const lone = new Lone()
  const one = lone.open()
  const other = lone.open()
  lone.said()
  lone.hear(acceptFrame({ id: 4 }))
  t.deepEqual([one.end.phase, other.end.phase], ['opening', 'open'])
  t.not(one.end.key, key)
})
