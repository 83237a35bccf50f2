/** The acceptor: dials once, follows its opener and nobody else, and repeats ACCEPT until heard. */
import test from 'ava'
import type { WireCode } from '../../../shared/protocol/fault.ts'
import type { FrameOf } from '../../../shared/protocol/frame.ts'
import { inPhase, Lone, openFrame, type Socket, windowBytes } from '../../support/lone.ts'
import { Recorder } from '../../support/recorder.ts'

/** An open acceptor on two relays, that has sent ten bytes by the first. */
function moving() {
  const lone = new Lone(2)
  return inPhase('acceptor', 'open', lone)
}

test('it is silent while it dials, and says ACCEPT when the target is connected', (t) => {
  const lone = new Lone()
  const { end, socket } = lone.accept({}, false)
  t.is(end.phase, 'dialling')
  t.deepEqual(lone.said(), [])
  end.connected(socket)
  t.deepEqual(socket.log, ['opened'])
  t.deepEqual(lone.said(), [
    {
      kind: 'accept',
      id: 1,
      received: 0,
      consumed: 0,
      limit: windowBytes,
      by: 'agent/plant-1',
    },
  ])
})

test('a target that is not reached is refused with its code, and remembered', (t) => {
  const lone = new Lone()
  const { end } = lone.accept({}, false)
  end.refuse('target_refused')
  t.deepEqual(lone.said(), [{ kind: 'refuse', id: 1, code: 'target_refused' }])
  lone.hear(openFrame({ id: 3, attachment: 2 }))
  t.deepEqual(lone.said(), [{ kind: 'refuse', id: 3, code: 'target_refused' }])
  t.is(lone.dials.length, 1)
})

test('rule 4: no OPEN, however often it is said, dials again', (t) => {
  const { lone, end } = moving()
  for (let attachment = 1; attachment < 50; attachment += 1) {
    for (let time = 0; time < 3; time += 1) {
      lone.hear(openFrame({ id: 2 * attachment - 1, attachment }), attachment % 2)
    }
  }
  t.is(lone.dials.length, 1)
  t.is(end.attachmentNumber, 49)
  t.is(lone.endpoint.ends.size, 1)
})

test('rule 5: ACCEPT is repeated until something that only follows it has been heard', (t) => {
  const lone = new Lone()
  const { id } = { id: 1 }
  lone.accept()
  t.deepEqual(lone.saidKinds(), ['accept'])
  lone.hear({ kind: 'resync', id })
  t.deepEqual(lone.saidKinds(), ['accept'])
  // The switch gives credit by itself, so that CREDIT proves nothing.
  lone.hear({ kind: 'credit', id, consumed: 0, limit: windowBytes })
  lone.hear({ kind: 'resync', id })
  t.deepEqual(lone.saidKinds(), ['accept'])
  lone.hear({ kind: 'data', id, offset: 0, bytes: new Uint8Array(1) })
  lone.hear({ kind: 'resync', id })
  t.deepEqual(lone.saidKinds(), ['resume'])
})

test('a greater number moves it: ACCEPT on the new way, VOID on the old', (t) => {
  const { lone, end, id } = moving()
  lone.hear(openFrame({ id: 7, attachment: 2, established: true, received: 4, limit: 500 }), 1)
  t.is(end.current?.port.name, 'relay-1')
  t.is(end.attachmentNumber, 2)
  t.deepEqual(lone.said(0), [{ kind: 'void', id }])
  const said = lone.said(1)
  t.deepEqual(
    said.map(({ kind }) => kind),
    ['accept', 'data'],
  )
  t.like(said[1], { offset: 4 })
  t.is(end.send.limit, 500, 'rule 26: replaced, although it is lower')
})

test('rule 10: what an OPEN says may be older than what came on the old way', (t) => {
  const { lone, end, id } = moving()
  lone.hear({ kind: 'credit', id, consumed: 8, limit: windowBytes })
  lone.hear(openFrame({ id: 7, attachment: 2, established: true, received: 3, consumed: 3 }), 1)
  t.is(end.phase, 'open')
  t.deepEqual([end.send.acked, end.send.sent], [8, 8])
})

/**
 * An OPEN of the stream that lives: what is wrong with it, and the code that it is refused with.
 */
const objections: readonly (readonly [string, Partial<FrameOf<'open'>>, WireCode])[] = [
  ['rule 11: an older number', { attachment: 0 }, 'stale'],
  ['rule 11: the same number on another way', { attachment: 1 }, 'stale'],
  ['rule 12: another identity', { attachment: 2, from: 'agent/thief' }, 'identity_mismatch'],
  ['rule 12: another, first', { established: false, from: 'client/x' }, 'identity_mismatch'],
  ['R3: bytes that were never sent, taken', { attachment: 2, consumed: 11 }, 'never_sent'],
  ['R3: bytes that were never sent, received', { attachment: 2, received: 11 }, 'never_sent'],
]

for (const [title, change, code] of objections) {
  test(`${title} is refused, and the rightful end is untouched`, (t) => {
    const { lone, end, socket, id } = moving()
    const before = [end.current, end.attachmentNumber, end.send.sent, end.send.limit]
    lone.hear(openFrame({ id: 7, established: true, ...change }), 1)
    t.deepEqual(lone.said(1), [{ kind: 'refuse', id: 7, code }])
    t.deepEqual(lone.said(0), [])
    t.deepEqual([end.current, end.attachmentNumber, end.send.sent, end.send.limit], before)
    t.is(end.current?.id, id)
    t.deepEqual(socket.log, ['opened'])
  })
}

test('the same OPEN on the same way is answered by ACCEPT again', (t) => {
  const lone = new Lone()
  lone.accept()
  lone.said()
  lone.hear(openFrame())
  t.deepEqual(lone.saidKinds(), ['accept'])
})

test('an OPEN that is said again while the target is dialled is answered by silence', (t) => {
  const { lone } = inPhase('acceptor', 'dialling')
  lone.hear(openFrame())
  t.deepEqual(lone.said(), [])
  t.is(lone.dials.length, 1)
})

test('a move while the target is dialled is answered where the opener is now', (t) => {
  const lone = new Lone(2)
  const { end, socket } = lone.accept({}, false)
  lone.hear(openFrame({ id: 9, attachment: 2 }), 1)
  end.connected(socket)
  t.deepEqual(lone.saidKinds(0), ['void'])
  t.deepEqual(lone.saidKinds(1), ['accept'])
})

test('rule 9: an acceptor that begins to linger without a way is over', (t) => {
  const { lone, end, id, socket } = inPhase('acceptor', 'aborted')
  lone.hear({ kind: 'void', id })
  t.is(end.phase, 'aborted')
  end.expire('relay_restarted')
  t.deepEqual([end.phase, socket.outcome], ['closed', 'connection_reset'])
})

test('a target that connects when the stream is over is reset', (t) => {
  const lone = new Lone()
  const { end } = lone.accept({}, false)
  lone.hear({ kind: 'reset', id: 1, code: 'expired' })
  const late: Socket = new Recorder()
  end.connected(late)
  t.deepEqual(late.log, ['reset closed'])
  end.refuse('target_refused')
  t.deepEqual(lone.said(), [])
})
