/** The opener: candidates, their numbers, and what each answer to an OPEN means. */
import test from 'ava'
import { attributeTags, type FrameOf } from '../../../shared/protocol/frame.ts'
import type { Phase } from '../../../shared/protocol/life.ts'
import type { Opener } from '../../../shared/protocol/opener.ts'
import { seekPauseMs } from '../../../shared/protocol/opener.ts'
import type { EndpointPort } from '../../../shared/protocol/port.ts'
import { creditDelayMs } from '../../../shared/protocol/watch.ts'
import { acceptFrame, inPhase, Lone, limits, windowBytes } from '../../support/lone.ts'

/** An established opener with ten bytes under way by relay 0, among `relays`. */
function established(relays: number) {
  const lone = new Lone(relays)
  const { end, socket } = lone.open()
  const { id } = saidOpen(lone, 0)
  lone.hear(acceptFrame({ id }))
  lone.said()
  end.write(new Uint8Array(10))
  lone.said()
  return { lone, end, socket, id }
}

/** The one OPEN that is to be said on this port. */
function saidOpen(lone: Lone, port = 0): FrameOf<'open'> {
  const opens = lone.said(port).filter((frame) => frame.kind === 'open')
  const [open] = opens
  if (open === undefined || opens.length > 1) throw new Error(`${opens.length} OPENs on ${port}`)
  return open
}

const ways = ({ current, candidate }: Opener<EndpointPort>): readonly (string | undefined)[] => [
  current?.port.name,
  candidate?.port.name,
]

test('the first OPEN is not established, is numbered 1, and says what was asked for', (t) => {
  const lone = new Lone()
  const attributes = [{ tag: attributeTags.user, value: new Uint8Array([1]) }]
  const local = lone.open().socket
  lone.endpoint.open({ to: 'a/b', from: 'agent/x', attributes, local }, lone.now)
  const opens = lone.said().filter((frame) => frame.kind === 'open')
  t.like(opens[1], { id: 4, to: 'a/b', from: 'agent/x', attachment: 1, established: false })
  t.like(opens[1], { received: 0, consumed: 0, limit: windowBytes, attributes })
  t.not(opens[0]?.key, opens[1]?.key)
})

test('ACCEPT gives the limit, the name of who answered, and leave to read', (t) => {
  const lone = new Lone()
  const { end, socket } = lone.open()
  const { id } = saidOpen(lone, 0)
  t.is(end.send.limit, 0)
  lone.hear(acceptFrame({ id, limit: 77, by: 'agent/plant-2b' }))
  t.deepEqual([end.phase, end.send.limit, end.by], ['open', 77, 'agent/plant-2b'])
  t.true(end.established)
  t.deepEqual(socket.log, ['opened'])
})

test('rule 5: before ACCEPT nothing that comes counts', (t) => {
  const { lone, end, socket, id } = inPhase('opener', 'opening')
  lone.hear({ kind: 'data', id, offset: 0, bytes: new Uint8Array(5) })
  lone.hear({ kind: 'fin', id, position: 0, code: 'end' })
  lone.hear({ kind: 'credit', id, consumed: 0, limit: windowBytes })
  t.deepEqual([end.receive.received, end.send.limit], [0, 0])
  t.deepEqual(socket.log, [])
})

test('rule 5: on the candidate of an established stream bytes do count', (t) => {
  const { lone, end, socket } = established(2)
  lone.down(0)
  const { id } = saidOpen(lone, 1)
  lone.hear({ kind: 'data', id, offset: 0, bytes: new Uint8Array(5) }, 1)
  t.is(end.receive.received, 5)
  t.deepEqual(socket.log, ['opened', 'deliver 5'])
})

test('rule 1: on the loss of its way the opener restates itself by key, one number higher', (t) => {
  const { lone, end } = established(2)
  lone.down(0)
  t.deepEqual(ways(end), ['relay-0', 'relay-1'])
  const open = saidOpen(lone, 1)
  t.like(open, { attachment: 2, established: true, key: end.key, received: 0, consumed: 0 })
})

test('rule 7: HOLD sends it looking; the old way stays until the new one is accepted', (t) => {
  const { lone, end, id } = established(2)
  lone.hear({ kind: 'hold', id })
  t.deepEqual(ways(end), ['relay-0', 'relay-1'])
  const open = saidOpen(lone, 1)
  t.deepEqual(lone.said(0), [], 'nothing is said on a way that is held')
  lone.hear(acceptFrame({ id: open.id, received: 4, limit: 20 }), 1)
  t.deepEqual(ways(end), ['relay-1', undefined])
  t.deepEqual(lone.said(0), [{ kind: 'void', id }])
  const said = lone.said(1)
  t.deepEqual(
    said.map(({ kind }) => kind),
    ['resume', 'data'],
  )
  t.like(said[1], { offset: 4 })
  t.is(end.send.limit, 20, 'rule 26: the limit of the new way holds')
})

test('the old way that comes back first is used, and the candidate goes on beside it', (t) => {
  const { lone, end, id } = established(2)
  lone.hear({ kind: 'hold', id })
  const candidate = saidOpen(lone, 1)
  lone.hear({ kind: 'resync', id })
  t.deepEqual(lone.saidKinds(0), ['resume'])
  lone.hear({ kind: 'refuse', id: candidate.id, code: 'no_agent' }, 1)
  t.deepEqual(ways(end), ['relay-0', undefined])
  t.is(end.phase, 'open')
})

test('one candidate at a time, and the next one only when it has been slow', (t) => {
  const { lone, end } = established(3)
  lone.down(0)
  const first = saidOpen(lone, 1)
  end.seek()
  t.deepEqual(ways(end), ['relay-0', 'relay-1'])
  lone.advance(limits.candidateMs - seekPauseMs)
  t.is(end.candidate?.port.name, 'relay-1')
  lone.advance(2 * seekPauseMs)
  t.is(end.candidate?.port.name, 'relay-2')
  t.deepEqual(lone.said(1), [{ kind: 'void', id: first.id }])
  t.is(saidOpen(lone, 2).attachment, 3)
})

test('the one after it has twice the time, so that a slow path opens in the end', (t) => {
  const { lone, end } = established(3)
  lone.down(0)
  lone.advance(limits.candidateMs + seekPauseMs)
  t.is(end.candidate?.port.name, 'relay-2')
  lone.advance(2 * limits.candidateMs - 2 * seekPauseMs)
  const { id } = saidOpen(lone, 2)
  lone.hear(acceptFrame({ id }), 2)
  t.deepEqual(ways(end), ['relay-2', undefined])
  lone.up()
  lone.hear({ kind: 'hold', id }, 2)
  t.is(end.candidate?.port.name, 'relay-0')
  lone.advance(limits.candidateMs + seekPauseMs)
  t.is(end.candidate?.port.name, 'relay-1', 'an answer makes the next wait short again')
})

test('patience ends with the way that is back', (t) => {
  const { lone, end, id } = established(3)
  lone.hear({ kind: 'hold', id })
  lone.advance(limits.candidateMs + seekPauseMs)
  t.is(end.candidate?.port.name, 'relay-2')
  lone.hear({ kind: 'resync', id })
  const candidate = saidOpen(lone, 2)
  lone.hear({ kind: 'void', id: candidate.id }, 2)
  lone.advance(seekPauseMs)
  lone.hear({ kind: 'hold', id })
  t.is(end.candidate?.port.name, 'relay-1')
  lone.advance(limits.candidateMs + seekPauseMs)
  t.is(end.candidate?.port.name, 'relay-2')
})

test('a candidate that is told to begin anew has no more time for that', (t) => {
  const { lone, end } = established(3)
  lone.down(0)
  const { id } = saidOpen(lone, 1)
  lone.advance(limits.candidateMs - seekPauseMs)
  lone.hear({ kind: 'resync', id }, 1)
  lone.advance(2 * seekPauseMs)
  t.is(end.candidate?.port.name, 'relay-2')
})

test('a candidate that is held is left at once', (t) => {
  const { lone, end } = established(3)
  lone.down(0)
  const { id } = saidOpen(lone, 1)
  lone.hear({ kind: 'hold', id }, 1)
  t.is(end.candidate?.port.name, 'relay-2')
})

/** A refusal of an established stream's candidate: what becomes of the stream and its candidate. */
const refusals: readonly (readonly [FrameOf<'refuse'>['code'], Phase, boolean])[] = [
  ['no_agent', 'open', true],
  ['overloaded', 'open', true],
  ['stale', 'open', true],
  ['denied_by_policy', 'open', true],
  ['unknown_stream', 'closed', false],
  ['closed', 'closed', false],
  ['expired', 'closed', false],
  ['identity_mismatch', 'closed', false],
  ['never_sent', 'closed', false],
]

for (const [code, phase, seeksOn] of refusals) {
  test(`rule 4, 13: REFUSE ${code} of a candidate leaves the stream ${phase}`, (t) => {
    const { lone, end, socket } = established(3)
    lone.hear({ kind: 'void', id: 2 })
    const { id } = saidOpen(lone)
    lone.hear({ kind: 'refuse', id, code })
    t.is(end.phase, phase)
    t.is(end.candidate !== undefined, seeksOn)
    t.is(socket.outcome, phase === 'closed' ? code : undefined)
  })
}

test('rule 11: REFUSE stale on the way in use is about the way, and the stream seeks on', (t) => {
  const { lone, end, socket, id } = established(2)
  lone.hear({ kind: 'refuse', id, code: 'stale' })
  t.deepEqual([end.phase, socket.outcome], ['open', undefined])
  t.deepEqual(ways(end), [undefined, 'relay-0'])
})

test('a refusal that ends the stream gives up the way that was held', (t) => {
  const { lone, end, id } = established(2)
  lone.hear({ kind: 'hold', id })
  lone.hear({ kind: 'refuse', id: saidOpen(lone, 1).id, code: 'connection_reset' }, 1)
  t.is(end.phase, 'closed')
  t.deepEqual(lone.said(), [{ kind: 'void', id }])
})

test('rule 14: a denial ends the stream once no way lives and no other relay is left', (t) => {
  const { lone, end, socket } = established(2)
  lone.hear({ kind: 'hold', id: 2 })
  const { id } = saidOpen(lone, 1)
  lone.hear({ kind: 'refuse', id, code: 'denied_by_policy' }, 1)
  t.is(end.phase, 'open', 'the held way may come back')
  lone.hear({ kind: 'void', id: 2 })
  lone.advance(seekPauseMs)
  for (const port of [0, 1, 0, 1]) {
    const open = lone.said(port).find((frame) => frame.kind === 'open')
    if (open === undefined) continue
    lone.hear({ kind: 'refuse', id: open.id, code: 'denied_by_policy' }, port)
    lone.advance(seekPauseMs)
  }
  t.is(end.phase, 'closed')
  t.is(socket.outcome, 'denied_by_policy')
})

test('an unestablished opener that is refused asks each relay once, and then gives up', (t) => {
  const lone = new Lone(2)
  const { end, socket } = lone.open()
  lone.hear({ kind: 'refuse', id: saidOpen(lone, 0).id, code: 'no_agent' })
  t.is(end.phase, 'opening')
  lone.hear({ kind: 'refuse', id: saidOpen(lone, 1).id, code: 'no_agent' }, 1)
  t.is(end.phase, 'closed')
  t.is(socket.outcome, 'no_agent')
})

test('quick refusals make no hot loop', (t) => {
  const { lone, end } = established(1)
  lone.hear({ kind: 'void', id: 2 })
  let opens = 0
  for (let at = 0; at < 10_000; at += 10) {
    for (const frame of lone.said()) {
      if (frame.kind !== 'open') continue
      opens += 1
      lone.hear({ kind: 'refuse', id: frame.id, code: 'no_agent' })
    }
    lone.advance(10)
  }
  t.is(end.phase, 'open')
  t.true(opens > 10 && opens <= 10_000 / seekPauseMs + 1, `${opens} OPENs`)
})

test('rule 10: an ACCEPT of a far end that lost what it had acknowledged ends the stream', (t) => {
  const { lone, end, socket, id } = established(2)
  lone.hear({ kind: 'credit', id, consumed: 6, limit: windowBytes })
  lone.down(0)
  lone.hear(acceptFrame({ id: saidOpen(lone, 1).id, received: 5, consumed: 5 }), 1)
  t.is(end.phase, 'closed')
  t.is(socket.outcome, 'state_lost')
})

test('R3: an ACCEPT of bytes that were never sent ends the stream', (t) => {
  for (const change of [{ consumed: 11 }, { received: 11 }]) {
    const { lone, end, socket } = established(2)
    lone.down(0)
    lone.hear(acceptFrame({ id: saidOpen(lone, 1).id, ...change }), 1)
    t.is(end.phase, 'closed')
    t.is(socket.outcome, 'never_sent')
    t.deepEqual(lone.saidKinds(1), ['reset'])
  }
})

test('RESET of a candidate counts only where there is no other way', (t) => {
  const { lone, end, socket } = established(2)
  lone.hear({ kind: 'hold', id: 2 })
  lone.hear({ kind: 'reset', id: saidOpen(lone, 1).id, code: 'expired' }, 1)
  t.is(end.phase, 'open')
  const alone = established(2)
  alone.lone.hear({ kind: 'void', id: 2 })
  alone.lone.hear({ kind: 'reset', id: saidOpen(alone.lone).id, code: 'revoked' })
  t.is(alone.end.phase, 'closed')
  t.is(alone.socket.outcome, 'revoked')
  t.is(socket.outcome, undefined)
})

test('RESET on a way that was left is not heard', (t) => {
  const { lone, end } = established(2)
  lone.down(0)
  const { id } = saidOpen(lone, 1)
  lone.hear(acceptFrame({ id }), 1)
  lone.up({ resumed: true, routes: 1 }, 0)
  lone.hear({ kind: 'reset', id: 2, code: 'expired' }, 0)
  t.is(end.phase, 'open')
})

test('a relay that drains is left while its way still serves, and without a pause', (t) => {
  const { lone, end, id } = established(2)
  lone.endpoint.portLeaves(lone.port(0), lone.now)
  t.deepEqual(ways(end), ['relay-0', 'relay-1'])
  t.like(saidOpen(lone, 1), { attachment: 2, established: true })
  end.write(new Uint8Array(5))
  t.like(lone.said(0).at(-1), { kind: 'data', id, offset: 10 })
  lone.hear(acceptFrame({ id: 2, received: 10 }), 1)
  t.deepEqual(ways(end), ['relay-1', undefined])
  t.deepEqual(lone.said(0), [{ kind: 'void', id }])
  t.like(lone.said(1).at(-1), { kind: 'data', offset: 10 })
})

test('rule 20: what an OPEN has said, and was refused, is still owed on the way in use', (t) => {
  const { lone, socket, id } = established(2)
  lone.hear({ kind: 'data', id, offset: 0, bytes: new Uint8Array(7) })
  socket.takeAll()
  lone.endpoint.portLeaves(lone.port(0), lone.now)
  const open = saidOpen(lone, 1)
  t.is(open.consumed, 7)
  lone.hear({ kind: 'refuse', id: open.id, code: 'no_agent' }, 1)
  lone.advance(creditDelayMs)
  t.like(lone.said(0), [{ kind: 'credit', id, consumed: 7 }])
})

test('a stream accepted at a relay that drains meanwhile looks for another at once', (t) => {
  const lone = new Lone(2)
  const { end } = lone.open()
  const { id } = saidOpen(lone, 0)
  lone.endpoint.portLeaves(lone.port(0), lone.now)
  t.deepEqual(ways(end), [undefined, 'relay-0'])
  lone.hear(acceptFrame({ id }))
  t.deepEqual(ways(end), ['relay-0', 'relay-1'])
})

test('a relay that drains is stayed at while there is no other, and nothing new is opened', (t) => {
  const { lone, end } = established(1)
  lone.endpoint.portLeaves(lone.port(0), lone.now)
  t.deepEqual(ways(end), ['relay-0', undefined])
  lone.open()
  t.deepEqual(lone.said(0), [])
  lone.up({ session: 'cccccccccccccccc' })
  t.deepEqual(lone.saidKinds(0), ['open', 'open'])
})

test('a refusal because the relay drains is no end, even of the first and only OPEN', (t) => {
  const lone = new Lone()
  const { end } = lone.open()
  lone.hear({ kind: 'refuse', id: saidOpen(lone, 0).id, code: 'drain' })
  t.is(end.phase, 'opening')
  lone.advance(seekPauseMs)
  t.like(saidOpen(lone, 0), { attachment: 2, established: false })
})

test('rule 9: a lingering opener that loses its way opens again, only to say CLOSE', (t) => {
  const { lone, end, id } = inPhase('opener', 'lingering')
  lone.hear({ kind: 'void', id })
  lone.advance(seekPauseMs)
  const open = saidOpen(lone, 0)
  t.true(open.established)
  lone.hear(acceptFrame({ id: open.id, received: 1, consumed: 1 }))
  t.deepEqual(lone.saidKinds(), ['resume', 'close'])
  lone.hear({ kind: 'close', id: open.id, consumed: 1 })
  t.is(end.phase, 'closed')
})

test('an end that fails says so on both its ways', (t) => {
  const { lone, end } = established(2)
  lone.hear({ kind: 'hold', id: 2 })
  const { id } = saidOpen(lone, 1)
  end.fail('shutdown')
  t.deepEqual(lone.said(0), [{ kind: 'reset', id: 2, code: 'shutdown' }])
  t.deepEqual(lone.said(1), [{ kind: 'void', id }])
})
