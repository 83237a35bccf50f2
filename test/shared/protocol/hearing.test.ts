/** What each frame does to an end in each phase: the tables of the specification, cell by cell. */
import test, { type ExecutionContext } from 'ava'
import type { Frame, StreamFrame } from '../../../shared/protocol/frame.ts'
import type { Phase } from '../../../shared/protocol/life.ts'
import { type InPhase, inPhase, phasesOf, type Role, windowBytes } from '../../support/lone.ts'

const numbers = { received: 0, consumed: 0, limit: windowBytes }
const key = 'f'.repeat(32)

/** The frames, for an end on this id that has reached this position. */
const frames: Readonly<Record<string, (id: number, reached: number) => StreamFrame>> = {
  accept: (id) => ({ kind: 'accept', id, ...numbers, by: 'agent/plant-2' }),
  refuse: (id) => ({ kind: 'refuse', id, code: 'closed' }),
  data: (id) => ({ kind: 'data', id, offset: 0, bytes: new Uint8Array(10) }),
  'data+5': (id) => ({ kind: 'data', id, offset: 10, bytes: new Uint8Array(5) }),
  fin: (id) => ({ kind: 'fin', id, position: 0, code: 'end' }),
  'fin-rst': (id) => ({ kind: 'fin', id, position: 0, code: 'connection_reset' }),
  credit: (id, reached) => ({ kind: 'credit', id, consumed: reached, limit: windowBytes }),
  resume: (id, at) => ({ kind: 'resume', id, received: at, consumed: at, limit: windowBytes }),
  'resume-0': (id) => ({ kind: 'resume', id, ...numbers }),
  close: (id, reached) => ({ kind: 'close', id, consumed: reached }),
  resync: (id) => ({ kind: 'resync', id }),
  hold: (id) => ({ kind: 'hold', id }),
  void: (id) => ({ kind: 'void', id }),
  reset: (id) => ({ kind: 'reset', id, code: 'revoked' }),
  open: (id) => ({
    ...{ kind: 'open', id, key, attachment: 9, established: false, ...numbers },
    ...{ to: 'plant-1/mqtt', from: 'agent/x', attributes: [] },
  }),
}

/**
 * A cell is the phase that follows, unless it stays, and the frames said, joined by `+`; a dot is
 * nothing at all. Ten bytes are unacknowledged in every phase but the first and the last.
 */
const tables: Readonly<Record<Role, string>> = {
  opener: `
             opening      open                aborting      aborted        lingering
    accept   open+resume  data                data+fin      .              .
    refuse   closed       closed              closed        closed         closed
    data     .            .                   .             .              closed+reset
    data+5   .            .                   .             closed+reset   closed+reset
    fin      .            .                   credit        closed+reset   .
    fin-rst  .            lingering+close     lingering+close  closed+reset   .
    credit   .            .                   .             .              .
    resume   .            .                   fin           .              close
    resume-0 .            data                data+fin      .              .
    close    .            closed+reset        closed+close  .              closed
    resync   open         resume              resume        resume         resume+close
    hold     .            .                   .             .              .
    void     .            open                open          open           open
    reset    closed       closed              closed        closed         closed
    open     refuse       refuse              refuse        refuse         refuse`,
  acceptor: `
             dialling     open                aborting      aborted        lingering
    accept   .            .                   .             .              .
    refuse   .            .                   .             .              .
    data     .            .                   .             .              closed+reset
    data+5   .            .                   .             closed+reset   closed+reset
    fin      .            .                   credit        closed+reset   .
    fin-rst  .            lingering+close     lingering+close  closed+reset   .
    credit   .            .                   .             .              .
    resume   .            .                   fin           .              close
    resume-0 .            data                data+fin      .              .
    close    .            closed+reset        closed+close  .              closed
    resync   .            resume              resume        resume         resume+close
    hold     .            .                   .             .              .
    void     .            .                   .             .              closed
    reset    closed       closed              closed        closed         closed
    open     refuse       refuse              refuse        refuse         refuse`,
}

for (const role of ['opener', 'acceptor'] as const) {
  for (const [frame, phase, expected] of cells(tables[role])) {
    test(`${role}, ${phase}: ${frame} gives ${expected}`, (t) => {
      const state = inPhase(role, phase)
      const { lone, end, id } = state
      lone.hear(frameOf(frame, id, end.send.reached))
      t.is(outcome(state, phase, lone.said()), expected)
      if (end.phase === 'closed') checkForgotten(t, state, phase)
    })
  }
}

test('the tables have every frame in every phase', (t) => {
  for (const role of ['opener', 'acceptor'] as const) {
    t.is(cells(tables[role]).length, Object.keys(frames).length * phasesOf[role].length)
  }
})

/** Frames that name a position of ours; for what they name beyond `reached` there is no excuse. */
const positions: Readonly<Record<string, (id: number, at: number) => StreamFrame>> = {
  accept: (id, at) => ({ kind: 'accept', id, ...numbers, consumed: at, by: 'agent/plant-2' }),
  'accept, received': (id, at) => ({ ...numbers, kind: 'accept', id, received: at, by: '' }),
  credit: (id, at) => ({ kind: 'credit', id, consumed: at, limit: 1_000_000 }),
  close: (id, at) => ({ kind: 'close', id, consumed: at }),
  resume: (id, at) => ({ kind: 'resume', id, received: at, consumed: at, limit: 1_000_000 }),
  'resume, received': (id, at) => ({ ...numbers, kind: 'resume', id, received: at }),
}

for (const role of ['opener', 'acceptor'] as const) {
  for (const [name, frame] of Object.entries(positions)) {
    if (role === 'acceptor' && name.startsWith('accept')) continue
    test(`R3: ${role}: ${name} beyond what was sent ends the stream, and no byte follows`, (t) => {
      for (const phase of ['open', 'aborting', 'aborted', 'lingering'] as const) {
        const { lone, end, id } = inPhase(role, phase)
        if (phase === 'open') end.write(new Uint8Array(700))
        // A RESUME that acknowledges less than is known is stale, whatever else it says.
        if (phase === 'lingering' && name.endsWith('received')) continue
        if (phase === 'lingering' && name === 'accept') continue
        const { reached } = end.send
        lone.hear(frame(id, reached + 1))
        t.is(end.phase, 'closed', phase)
        t.deepEqual(lone.said(), [{ kind: 'reset', id, code: 'never_sent' }], phase)
        t.is(lone.budget.used, 0)
      }
    })
  }
}

test('rule 10: a RESUME that acknowledges less than is known is stale, and ignored', (t) => {
  const { lone, end, id } = inPhase('opener', 'open')
  lone.hear({ kind: 'credit', id, consumed: 5, limit: windowBytes })
  lone.hear({ kind: 'resume', id, received: 8, consumed: 4, limit: 5_000 })
  t.deepEqual([end.send.acked, end.send.sent, end.send.limit], [5, 10, windowBytes])
})

test('rule 18: what comes for a socket that was reset counts as taken', (t) => {
  for (const role of ['opener', 'acceptor'] as const) {
    const { lone, id, socket } = inPhase(role, 'aborting')
    lone.hear({ kind: 'data', id, offset: 0, bytes: new Uint8Array(windowBytes) })
    const said = lone.said()
    t.deepEqual(said, [{ kind: 'credit', id, consumed: windowBytes, limit: 2 * windowBytes }])
    t.false(socket.log.some((line) => line.startsWith('deliver')))
  }
})

test('rule 2: VOID is about the path, and the stream lives on', (t) => {
  for (const role of ['opener', 'acceptor'] as const) {
    const { lone, end, id, socket } = inPhase(role, 'open')
    lone.hear({ kind: 'void', id })
    t.is(end.phase, 'open')
    t.is(end.current, undefined)
    t.deepEqual(socket.log, ['opened'])
  }
})

test('rule 7: HOLD stops the bytes, and RESYNC alone does not start them again', (t) => {
  const { lone, end, id } = inPhase('acceptor', 'open')
  lone.hear({ kind: 'hold', id })
  end.write(new Uint8Array(20))
  t.deepEqual(lone.said(), [])
  lone.hear({ kind: 'resync', id })
  t.deepEqual(lone.saidKinds(), ['resume'])
  lone.hear({ kind: 'resume', id, received: 10, consumed: 10, limit: windowBytes })
  t.deepEqual(lone.saidKinds(), ['data'])
})

test('a fault ends its own stream, and not the one beside it', (t) => {
  const { lone, end } = inPhase('acceptor', 'open')
  const other = lone.accept({ id: 3, key })
  lone.said()
  lone.hear({ kind: 'data', id: 3, offset: 0, bytes: new Uint8Array(windowBytes + 1) })
  t.deepEqual(lone.said(), [{ kind: 'reset', id: 3, code: 'limit_exceeded' }])
  t.is(other.end.phase, 'closed')
  t.is(other.socket.outcome, 'limit_exceeded')
  t.is(end.phase, 'open')
})

test('law 1: any frame said twice gives what it gives once', (t) => {
  for (const role of ['opener', 'acceptor'] as const) {
    for (const phase of phasesOf[role]) {
      for (const frame of Object.keys(frames)) {
        const once = inPhase(role, phase)
        const twice = inPhase(role, phase)
        once.lone.hear(frameOf(frame, once.id, once.end.send.reached))
        for (let time = 0; time < 2; time += 1) {
          twice.lone.hear(frameOf(frame, twice.id, once.end.send.reached))
        }
        t.is(twice.end.phase, once.end.phase, `${role} ${phase} ${frame}`)
        t.deepEqual(twice.socket.log, once.socket.log, `${role} ${phase} ${frame}`)
        t.deepEqual(cursors(twice), cursors(once), `${role} ${phase} ${frame}`)
      }
    }
  }
})

test('R5, R6: gaps, empty frames and credit that adds nothing leave nothing', (t) => {
  const { lone, end, id } = inPhase('acceptor', 'open')
  const bytes = new Uint8Array(100)
  const empty = new Uint8Array(0)
  const used = lone.budget.used
  for (let count = 0; count < 200_000; count += 1) {
    lone.hear({ kind: 'data', id, offset: 1 + (count % 800), bytes })
    lone.hear({ kind: 'data', id, offset: 0, bytes: empty })
    lone.hear({ kind: 'credit', id, consumed: 0, limit: 0 })
  }
  t.is(end.phase, 'open')
  t.is(lone.budget.used, used)
  t.deepEqual(lone.said(), [])
})

for (const role of ['opener', 'acceptor'] as const) {
  test(`rule 9: ${role}: who has lingered for too long gives its way up aloud`, (t) => {
    const { lone, end, id } = inPhase(role, 'lingering')
    lone.said()
    end.expire('expired')
    t.is(end.phase, 'closed')
    t.deepEqual(lone.said(), [{ kind: 'void', id }])
  })
}

function frameOf(name: string, id: number, reached: number): StreamFrame {
  const make = frames[name]
  if (make === undefined) throw new Error(`no frame ${name}`)
  return make(id, reached)
}

function cells(table: string): readonly (readonly [string, Phase, string])[] {
  const [head = [], ...rows] = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
  return rows.flatMap(([frame = '', ...row]) =>
    row.map((cell, column) => [frame, head[column] as Phase, cell] as const),
  )
}

function outcome({ end }: InPhase, before: Phase, said: readonly Frame[]): string {
  const kinds = said.map(({ kind }) => kind)
  const parts = end.phase === before ? kinds : [end.phase, ...kinds]
  return parts.join('+') || '.'
}

function checkForgotten(t: ExecutionContext, { lone, end, socket, id }: InPhase, before: Phase) {
  t.is(lone.budget.used, 0, 'bytes are still kept')
  t.true(lone.endings.some(([ended]) => ended === end))
  t.false(lone.endpoint.ends.has(end))
  lone.hear({ kind: 'resync', id })
  t.deepEqual(lone.said(), [{ kind: 'void', id }], 'the id still leads somewhere')
  // What is still being dialled has no socket that could be told.
  const told = socket.log.filter((line) => line.startsWith('closed')).length
  t.is(told, before === 'dialling' ? 0 : 1)
}

function cursors({ end }: InPhase): readonly unknown[] {
  const { send, receive } = end
  return [send.acked, send.reached, send.limit, receive.received, receive.consumed, receive.limit]
}
