/**
 * The relay's side of a carrier: nothing before HELLO, what an agent may say, and how it is
 * ended.
 */
import test from 'ava'
import { AgentCarrier, helloTimeoutMs } from '../../../relay/switch/carrier.ts'
import { Fault, type FaultCode } from '../../../shared/protocol/fault.ts'
import { type Frame, type FrameKind, frames } from '../../../shared/protocol/frame.ts'
import { Board } from '../../support/board.ts'
import { samples } from '../../support/frames.ts'
import { openFrame } from '../../support/lone.ts'

/** A carrier of plant-1 on a board of its own. */
class Alone {
  readonly board: Board
  readonly ends: FaultCode[] = []
  readonly carrier: AgentCarrier
  now = 0

  constructor(board = new Board()) {
    this.board = board
    this.carrier = new AgentCarrier({
      switch: board.switch,
      identity: 'agent/plant-1',
      livenessMs: 10_000,
      now: 0,
      wake: () => {},
      end: (code) => this.ends.push(code),
    })
  }

  hear(frame: Frame): void {
    this.carrier.receive(frame, 10, this.now)
  }

  greet(attempt = 1): this {
    this.hear({ ...samples.hello, attempt })
    return this
  }

  said(): readonly Frame[] {
    const said: Frame[] = []
    for (let count = 0; count < 10_000; count += 1) {
      const frame = this.carrier.pull(this.now)
      if (frame === undefined) return said
      said.push(frame)
    }
    throw new Error('a carrier does not come to rest')
  }
}

const kinds = Object.keys(frames) as FrameKind[]

for (const kind of kinds.filter((one) => one !== 'hello')) {
  test(`R4, X4: ${kind} before HELLO ends the carrier, and nothing is said`, (t) => {
    const alone = new Alone()
    t.throws(() => alone.hear(samples[kind]), { instanceOf: Fault, code: 'frame_unexpected' })
    t.deepEqual(alone.said(), [])
    t.is(alone.board.switch.links.size, 0)
    t.is(alone.board.switch.routes.size, 0)
  })
}

test('WELCOME from an agent ends the carrier', (t) => {
  const alone = new Alone().greet()
  t.throws(() => alone.hear(samples.welcome), { instanceOf: Fault, code: 'frame_unexpected' })
})

test('WELCOME is the first word, and HELLO heard again says nothing (law 1)', (t) => {
  const alone = new Alone().greet()
  t.deepEqual(
    alone.said().map(({ kind }) => kind),
    ['welcome', 'ping'],
  )
  alone.greet()
  t.deepEqual(alone.said(), [])
  t.is(alone.carrier.link?.identity, 'agent/plant-1')
})

test('X2: a carrier without HELLO is given up in time', (t) => {
  const alone = new Alone()
  t.is(alone.carrier.deadline(), helloTimeoutMs)
  t.is(alone.carrier.verdict(helloTimeoutMs - 1), undefined)
  t.is(alone.carrier.verdict(helloTimeoutMs)?.code, 'carrier_silent')
  alone.greet()
  alone.said()
  t.is(alone.carrier.verdict(helloTimeoutMs), undefined)
})

test('rule 38: a carrier that is silent while a PING is out is dead', (t) => {
  const alone = new Alone().greet()
  alone.said()
  t.is(alone.carrier.verdict(9_999), undefined)
  t.is(alone.carrier.verdict(10_000)?.code, 'carrier_silent')
  t.is(alone.carrier.heardAt, 0)
})

test('X4: floods of PING, HELLO and SERVICES are answered within flags and a quantum', (t) => {
  const alone = new Alone().greet()
  alone.said()
  for (let count = 1; count < 50_000; count += 1) {
    alone.hear({ kind: 'ping', echo: count, bytesSent: 0 })
    alone.hear({ ...samples.services, revision: count })
    alone.greet(count)
  }
  t.deepEqual(
    alone.said().map(({ kind }) => kind),
    ['pong'],
  )
  t.is(alone.carrier.link?.services.size, 2)
})

test('R4: a flood of OPENs leaves as many streams as may be, and the rest are refused', (t) => {
  const alone = new Alone().greet()
  alone.said()
  for (let count = 0; count < 5_000; count += 1) {
    const key = count.toString(16).padStart(32, '0')
    alone.hear(openFrame({ id: 2 * count + 2, key, to: 'plant-1/mqtt', from: '' }))
  }
  // The agent reaches itself here, so that each stream is two legs of its own.
  t.true(alone.board.switch.routes.size <= 10)
  const said = alone.said()
  t.true(said.filter(({ kind }) => kind === 'refuse').length <= 4_096)
})

test('rule 32: a carrier that was fenced handles nothing and says nothing but GOAWAY', (t) => {
  const board = new Board()
  const old = new Alone(board).greet(1)
  old.said()
  const later = new Alone(board)
  later.hear({ ...samples.hello, attempt: 1, epoch: 'ffffffffffffffff' })
  t.deepEqual(old.ends, ['displaced'])
  old.hear(openFrame({ from: '' }))
  old.hear(samples.gone)
  t.deepEqual(old.said(), [{ kind: 'goaway', code: 'displaced', deadlineMs: 0 }])
  t.is(board.switch.routes.size, 0)
  old.carrier.lost(0)
  t.true(later.carrier.link?.port.up)
})

test('a HELLO that is refused leaves the link of another alone', (t) => {
  const board = new Board()
  const first = new Alone(board).greet(3)
  const late = new Alone(board)
  t.throws(() => late.greet(2), { instanceOf: Fault, code: 'attempt_stale' })
  t.deepEqual(first.ends, [])
  t.deepEqual(late.said(), [])
  late.carrier.lost(0)
  t.true(first.carrier.link?.port.up)
})

test('drain is said in its turn, and frames go on', (t) => {
  const alone = new Alone().greet()
  alone.said()
  alone.carrier.drain(30_000)
  t.deepEqual(alone.said(), [{ kind: 'goaway', code: 'drain', deadlineMs: 30_000 }])
  alone.hear(samples.ping)
  t.is(alone.said().length, 1)
})

test('GOAWAY bye of the agent ends its session with the carrier', (t) => {
  const alone = new Alone().greet()
  alone.hear({ kind: 'goaway', code: 'bye', deadlineMs: 0 })
  alone.carrier.lost(0)
  t.is(alone.board.switch.links.size, 0)
})

test('the round trip is measured on the carrier', (t) => {
  const alone = new Alone().greet()
  const ping = alone.said().find((frame) => frame.kind === 'ping')
  alone.carrier.sent(100)
  alone.now = 25
  alone.hear({ kind: 'pong', echo: ping?.echo ?? 0, bytesReceived: 100 })
  t.is(alone.carrier.roundTripMs, 25)
})

test('a link counts its carriers, and the bytes on all of them', (t) => {
  const first = new Alone().greet()
  first.hear(samples.ping)
  first.carrier.sent(25)
  const { link } = first.carrier
  const second = new Alone(first.board)
  second.hear({ ...samples.hello, attempt: 2, session: link?.session ?? '' })
  second.carrier.sent(5)
  t.is(second.carrier.link, link)
  t.deepEqual([link?.carriers, link?.receivedBytes, link?.sentBytes], [2, 10, 30])
})
