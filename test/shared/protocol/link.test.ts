/**
 * The agent's side of a link: the handshake, what it takes from a relay, and when it dials again.
 */
import test from 'ava'
import { displacedPauseMs } from '../../../shared/protocol/backoff.ts'
import { Fault, type FaultCode } from '../../../shared/protocol/fault.ts'
import {
  type Frame,
  type FrameKind,
  type FrameOf,
  noSession,
} from '../../../shared/protocol/frame.ts'
import type { Link } from '../../../shared/protocol/link.ts'
import { samples } from '../../support/frames.ts'
import { onlyLink } from '../../support/lanes.ts'
import { Lone, openFrame } from '../../support/lone.ts'

const livenessMs = 9_000

/** A link of an endpoint that has no other. */
class Alone {
  readonly lone = new Lone(0)
  readonly goaways: string[] = []
  readonly welcomes: FrameOf<'welcome'>[] = []
  readonly link: Link
  now = 0

  constructor() {
    this.link = onlyLink({
      name: 'relay-0',
      endpoint: this.lone.endpoint,
      epoch: 'eeeeeeeeeeeeeeee',
      services: ['mqtt'],
      livenessMs,
      chance: () => 0.999_999,
      wake: () => {},
      ready: (welcome) => this.welcomes.push(welcome),
      goaway: (code) => this.goaways.push(code),
    })
  }

  up(): this {
    this.link.dialling()
    this.link.carrierUp(this.now)
    return this
  }

  hear(frame: Frame): void {
    this.link.receive(frame, 10, this.now)
  }

  said(): readonly Frame[] {
    const frames: Frame[] = []
    for (let count = 0; count < 1_000; count += 1) {
      const frame = this.link.pull(this.now)
      if (frame === undefined) return frames
      frames.push(frame)
    }
    throw new Error('a link does not come to rest')
  }

  kinds(): readonly string[] {
    return this.said().map(({ kind }) => kind)
  }

  /** HELLO was said and this WELCOME came. */
  welcomed(change: Partial<FrameOf<'welcome'>> = {}): this {
    this.said()
    this.hear({ ...samples.welcome, resumed: false, routes: 0, ...change })
    return this
  }
}

test('HELLO is the first word and the only one before WELCOME', (t) => {
  const alone = new Alone().up()
  t.deepEqual(alone.said(), [
    {
      kind: 'hello',
      version: 1,
      epoch: 'eeeeeeeeeeeeeeee',
      session: noSession,
      attempt: 1,
      alive: [],
      attributes: [],
    },
  ])
  alone.hear(samples.ping)
  alone.lone.open()
  alone.link.bye()
  t.deepEqual(alone.said(), [])
  t.false(alone.link.ready)
})

test('after WELCOME the services are said, and streams go on', (t) => {
  const alone = new Alone().up()
  alone.lone.open()
  alone.welcomed()
  t.true(alone.link.ready)
  t.deepEqual(alone.kinds(), ['services', 'ping', 'open'])
  t.is(alone.welcomes.length, 1)
})

test('the next HELLO asks for the session, with a greater number', (t) => {
  const alone = new Alone().up().welcomed()
  alone.said()
  alone.link.carrierLost(alone.now)
  alone.up()
  t.like(alone.said()[0], { kind: 'hello', session: samples.welcome.session, attempt: 2 })
})

test('law 1: a WELCOME heard twice changes nothing', (t) => {
  const alone = new Alone().up().welcomed()
  alone.said()
  alone.hear({ ...samples.welcome, resumed: false, session: 'dddddddddddddddd' })
  t.is(alone.welcomes.length, 1)
  t.deepEqual(alone.said(), [])
})

/** What a relay may not say, before WELCOME and after. */
const unexpected: Readonly<Record<'greeting' | 'ready', readonly FrameKind[]>> = {
  greeting: [
    ...(['hello', 'gone', 'services', 'open', 'accept', 'refuse', 'data', 'credit'] as const),
    ...(['fin', 'reset', 'close', 'resume', 'resync', 'hold', 'void'] as const),
  ],
  ready: ['hello', 'services'],
}

for (const [state, kinds] of Object.entries(unexpected)) {
  for (const kind of kinds) {
    test(`R4: ${kind} from a relay that is ${state} ends the carrier, and nothing else`, (t) => {
      const alone = new Alone().up()
      if (state === 'ready') alone.welcomed()
      alone.said()
      const act = () => alone.hear(samples[kind])
      t.throws(act, { instanceOf: Fault, code: 'frame_unexpected' })
      t.is(alone.lone.endpoint.ends.size, 0)
    })
  }
}

/** A WELCOME that cannot be meant for this link. */
const wrong: readonly (readonly [string, Partial<FrameOf<'welcome'>>, FaultCode])[] = [
  ['of another version', { version: 2 }, 'version_unsupported'],
  ['that resumes what was not asked for', { resumed: true }, 'frame_unexpected'],
]

for (const [title, change, code] of wrong) {
  test(`a WELCOME ${title} ends the carrier`, (t) => {
    const alone = new Alone().up()
    alone.said()
    const act = () => alone.hear({ ...samples.welcome, resumed: false, ...change })
    const fault = t.throws(act, { instanceOf: Fault })
    t.is(fault?.code, code)
    t.false(alone.link.ready)
  })
}

test('X4: PINGs before WELCOME are not answered, and after it by one PONG', (t) => {
  const alone = new Alone().up()
  for (let echo = 1; echo < 10_000; echo += 1) alone.hear({ kind: 'ping', echo, bytesSent: 0 })
  t.deepEqual(alone.kinds(), ['hello'])
  alone.welcomed()
  t.deepEqual(alone.kinds().filter((kind) => kind === 'pong').length, 1)
})

test('a relay that does not answer HELLO, or falls silent, is given up', (t) => {
  const alone = new Alone().up()
  alone.said()
  t.is(alone.link.deadline(), livenessMs)
  t.is(alone.link.verdict(livenessMs - 1), undefined)
  t.is(alone.link.verdict(livenessMs)?.code, 'carrier_silent')
  const silent = new Alone().up().welcomed()
  silent.said()
  t.is(silent.link.verdict(livenessMs - 1), undefined)
  t.is(silent.link.verdict(livenessMs)?.code, 'carrier_silent')
})

test('the smaller of both liveness times is believed, and no absurd one', (t) => {
  const alone = new Alone().up().welcomed({ livenessMs: 4_000 })
  alone.said()
  t.is(alone.link.verdict(4_000)?.code, 'carrier_silent')
  const hostile = new Alone().up().welcomed({ livenessMs: 0 })
  hostile.said()
  t.is(hostile.link.verdict(500), undefined)
})

test('frames of a carrier that is gone are not handled', (t) => {
  const alone = new Alone().up().welcomed()
  alone.link.carrierLost(0)
  alone.hear(openFrame())
  t.is(alone.lone.dials.length, 0)
  t.deepEqual(alone.said(), [])
  t.is(alone.link.verdict(1_000_000), undefined)
})

test('rule 41: the first redial is at once, and a short-lived carrier does not make it so', (t) => {
  const alone = new Alone()
  t.is(alone.link.dialAt(), 0)
  const pauses: number[] = []
  for (let time = 0; time < 4; time += 1) {
    alone.up().welcomed()
    t.is(alone.link.dialAt(), Number.POSITIVE_INFINITY)
    alone.now += 10
    alone.link.carrierLost(alone.now)
    pauses.push(Math.round(alone.link.dialAt() - alone.now))
  }
  t.deepEqual(pauses, [100, 100, 100, 100])
  alone.up().welcomed()
  alone.now += 60_000
  alone.link.carrierLost(alone.now)
  t.is(alone.link.dialAt(), alone.now)
})

test('dials that fail are made again, later and later', (t) => {
  const alone = new Alone()
  const pauses = [0, 1, 2, 3].map(() => {
    alone.link.dialling()
    alone.link.dialFailed(alone.now)
    return Math.round(alone.link.dialAt() - alone.now)
  })
  t.deepEqual(pauses, [0, 100, 300, 1_000])
})

test('rule 16: a life that was displaced stays away for a while', (t) => {
  const alone = new Alone().up().welcomed()
  alone.hear({ kind: 'goaway', code: 'displaced', deadlineMs: 0 })
  alone.hear({ kind: 'goaway', code: 'displaced', deadlineMs: 0 })
  t.deepEqual(alone.goaways, ['displaced'])
  alone.link.carrierLost(0)
  t.is(alone.link.dialAt(), displacedPauseMs)
})

test('a relay that drains is told of once, and nothing new is opened there', (t) => {
  const alone = new Alone().up().welcomed()
  alone.said()
  for (let times = 0; times < 2; times += 1) {
    alone.hear({ kind: 'goaway', code: 'drain', deadlineMs: 10_000 })
  }
  t.deepEqual(alone.goaways, ['drain'])
  t.true(alone.link.port.leaving)
  alone.lone.open()
  t.deepEqual(alone.kinds(), [])
})

test('goodbye is said before all else', (t) => {
  const alone = new Alone().up().welcomed()
  alone.lone.open()
  alone.link.bye()
  t.is(alone.kinds()[0], 'goaway')
})

test('rule 34: while too much is in flight no bytes are said', (t) => {
  const alone = new Alone().up().welcomed()
  const { end } = alone.lone.open()
  alone.said()
  alone.hear({ kind: 'accept', id: 2, received: 0, consumed: 0, limit: 1_000, by: '' })
  alone.said()
  alone.link.sent(10_000_000)
  end.write(new Uint8Array(10))
  t.deepEqual(alone.kinds(), ['ping'])
  alone.hear({ kind: 'pong', echo: 2, bytesReceived: 10_000_000 })
  t.deepEqual(alone.kinds(), ['data'])
})
