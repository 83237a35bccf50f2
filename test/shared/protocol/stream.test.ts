/** What a socket and time do to an end in each phase, and what an end says of what it took. */
import test from 'ava'
import type { EndpointEnd } from '../../../shared/protocol/endpoint.ts'
import { dataBytesMax } from '../../../shared/protocol/frame.ts'
import { u48Max } from '../../../shared/protocol/layout.ts'
import type { Phase } from '../../../shared/protocol/life.ts'
import { creditDelayMs } from '../../../shared/protocol/watch.ts'
import { inPhase, phasesOf, type Role, windowBytes } from '../../support/lone.ts'

const verbs: Readonly<Record<string, (end: EndpointEnd) => void>> = {
  write: (end) => end.write(new Uint8Array(5)),
  finish: (end) => end.finish(),
  abort: (end) => end.abort(),
  taken: (end) => end.taken(0),
  takenFinish: (end) => end.takenFinish(),
  expire: (end) => end.expire('expired'),
  fail: (end) => end.fail('revoked'),
}

/** As in hearing.test.ts: the phase that follows, unless it stays, and the frames said. */
const tables: Readonly<Record<Role, string>> = {
  opener: `
                opening       open           aborting      aborted          lingering
    write       .             data           .             .                .
    finish      .             fin            .             .                .
    abort       closed+reset  aborting+fin   .             lingering+close  .
    taken       .             .              .             .                .
    takenFinish .             .              .             .                .
    expire      closed+reset  closed+reset   closed+reset  lingering+close  closed+void
    fail        closed+reset  closed+reset   closed+reset  closed+reset     closed+reset`,
  acceptor: `
                dialling      open           aborting      aborted          lingering
    write       .             data           .             .                .
    finish      .             fin            .             .                .
    abort       .             aborting+fin   .             lingering+close  .
    taken       .             .              .             .                .
    takenFinish .             .              .             .                .
    expire      closed+reset  closed+reset   closed+reset  lingering+close  closed+void
    fail        closed+reset  closed+reset   closed+reset  closed+reset     closed+reset`,
}

for (const role of ['opener', 'acceptor'] as const) {
  const [head = [], ...rows] = tables[role]
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  for (const [verb = '', ...row] of rows) {
    for (const [column, expected] of row.entries()) {
      const phase = head[column] as Phase
      test(`${role}, ${phase}: ${verb} gives ${expected}`, (t) => {
        const { lone, end } = inPhase(role, phase)
        verbs[verb]?.(end)
        const kinds = lone.saidKinds()
        const parts = end.phase === phase ? kinds : [end.phase, ...kinds]
        t.is(parts.join('+') || '.', expected)
        t.is(end.phase === 'closed' ? lone.budget.used : 0, 0)
      })
    }
  }
}

test('the tables have every verb in every phase', (t) => {
  for (const role of ['opener', 'acceptor'] as const) {
    const count = tables[role].trim().split(/\s+/).length
    const columns = phasesOf[role].length
    t.is(count, columns + Object.keys(verbs).length * (columns + 1))
  }
})

test('an opening end takes nothing from its socket: no byte goes before ACCEPT', (t) => {
  const { end } = inPhase('opener', 'opening')
  t.is(end.room(), 0)
  t.is(inPhase('acceptor', 'dialling').end.room(), 0)
  t.true(inPhase('opener', 'open').end.room() <= windowBytes - 10)
})

test('bytes go out one frame at a time, and only within the limit', (t) => {
  const { lone, end, id } = inPhase('acceptor', 'open')
  lone.hear({ kind: 'credit', id, consumed: 10, limit: 100_000 })
  const { budget } = lone
  t.true(end.room() <= windowBytes)
  end.write(new Uint8Array(end.room()))
  const said = lone.said()
  t.true(said.every((frame) => frame.kind === 'data' && frame.bytes.length <= dataBytesMax))
  t.true(budget.used > 0)
})

/** As many bytes as that, for whoever only counts them. */
const seemingly = (length: number): Uint8Array =>
  Object.defineProperty(new Uint8Array(0), 'length', { value: length })

test('rule 21: a socket that writes more than there are positions for ends its stream', (t) => {
  const { lone, end, id, socket } = inPhase('opener', 'open')
  lone.hear({ kind: 'credit', id, consumed: 10, limit: u48Max })
  end.write(seemingly(u48Max - 11))
  t.is(end.phase, 'open', 'the FIN has the last position')
  end.write(new Uint8Array(1))
  t.is(end.phase, 'closed')
  t.deepEqual(lone.said(), [{ kind: 'reset', id, code: 'exhausted' }])
  t.deepEqual(lone.endings, [[end, 'exhausted']])
  t.is(lone.budget.used, 0)
  t.is(socket.end, end)
})

test('rule 21: a socket is read to the last position, and may end there', (t) => {
  const { lone, end, id } = inPhase('opener', 'open')
  end.write(seemingly(u48Max - 11))
  lone.hear({ kind: 'credit', id, consumed: 10, limit: u48Max })
  end.finish()
  t.is(end.send.end, u48Max)
})

test('rule 20: a little that was taken is said when a moment has passed', (t) => {
  const { lone, end, id, socket } = inPhase('acceptor', 'open')
  lone.hear({ kind: 'data', id, offset: 0, bytes: new Uint8Array(10) })
  socket.takeAll()
  t.deepEqual(lone.said(), [])
  lone.advance(creditDelayMs)
  t.deepEqual(lone.said(), [{ kind: 'credit', id, consumed: 10, limit: windowBytes + 10 }])
  lone.advance(10 * creditDelayMs)
  t.deepEqual(lone.said(), [])
  t.is(end.receive.consumed, 10)
})

test('a quarter of the window that was taken is said at once', (t) => {
  const { lone, id, socket } = inPhase('acceptor', 'open')
  lone.hear({ kind: 'data', id, offset: 0, bytes: new Uint8Array(windowBytes / 4) })
  t.deepEqual(lone.said(), [], 'nothing is taken yet (rule 17)')
  socket.takeAll()
  t.deepEqual(lone.saidKinds(), ['credit'])
})

test('rule 18: the socket is reset behind the bytes that came before, when they are taken', (t) => {
  const { lone, end, socket } = inPhase('opener', 'aborted')
  t.deepEqual(socket.log, ['opened', 'deliver 10'])
  end.taken(9)
  t.is(end.phase, 'aborted')
  end.taken(1)
  t.is(end.phase, 'lingering')
  t.deepEqual(socket.log.slice(2), ['reset connection_reset'])
  t.deepEqual(lone.saidKinds(), ['close'])
})

test('rule 18: of an aborting end what comes is dropped and counted as taken', (t) => {
  const { lone, end, id, socket } = inPhase('opener', 'aborting')
  lone.hear({ kind: 'data', id, offset: 0, bytes: new Uint8Array(500) })
  t.is(end.receive.consumed, 500)
  t.deepEqual(lone.saidKinds(), ['credit'], 'so that the far end is not held up')
  t.deepEqual(socket.log, ['opened'])
})

test('half a stream may end long before the other', (t) => {
  const { lone, end, id, socket } = inPhase('acceptor', 'open')
  lone.hear({ kind: 'credit', id, consumed: 10, limit: windowBytes })
  end.finish()
  t.deepEqual(lone.saidKinds(), ['fin'])
  lone.hear({ kind: 'credit', id, consumed: 11, limit: windowBytes })
  t.is(end.phase, 'open')
  lone.hear({ kind: 'data', id, offset: 0, bytes: new Uint8Array(3) })
  socket.takeAll()
  lone.hear({ kind: 'fin', id, position: 3, code: 'end' })
  t.is(end.phase, 'open')
  socket.takeAll()
  t.is(end.phase, 'lingering')
  t.deepEqual(lone.saidKinds(), ['close'])
  lone.hear({ kind: 'close', id, consumed: 11 })
  t.is(end.phase, 'closed')
  t.is(socket.outcome, 'end')
})

test('rule 9: a lingering end is a clean end, whatever ends it then', (t) => {
  for (const finish of ['expire', 'fail'] as const) {
    const { end, socket } = inPhase('opener', 'lingering')
    verbs[finish]?.(end)
    t.is(socket.outcome, 'end')
    t.false(socket.log.some((line) => line.startsWith('reset')))
  }
})

test('a spent budget leaves each stream its guaranteed minimum', (t) => {
  const { lone, end, id } = inPhase('acceptor', 'open')
  lone.hear({ kind: 'credit', id, consumed: 10, limit: windowBytes })
  t.is(lone.budget.used, 0)
  lone.budget.charge(lone.budget.bytesMax)
  t.is(end.room(), lone.budget.guaranteedBytes)
  lone.budget.charge(-lone.budget.bytesMax)
})
