/** Several carriers to one relay: when each is dialled, how they are numbered, what they tell. */
import test from 'ava'
import { Fault } from '../../../shared/protocol/fault.ts'
import type { Frame, FrameOf } from '../../../shared/protocol/frame.ts'
import { laneOf } from '../../../shared/protocol/greeting.ts'
import { Lanes } from '../../../shared/protocol/lanes.ts'
import type { Link } from '../../../shared/protocol/link.ts'
import { samples } from '../../support/frames.ts'
import { acceptFrame, Lone, limits, openFrame } from '../../support/lone.ts'

/** The lanes of one endpoint to a relay; the test is the relay. */
class Side {
  readonly lone = new Lone(0)
  readonly lanes: Lanes

  constructor(count = 2) {
    const { endpoint } = this.lone
    const shared = { name: 'relay', endpoint, epoch: 'e'.repeat(16), services: ['mqtt'] }
    const options = { ...shared, livenessMs: 9_000, chance: () => 0.5 }
    const nothing = (): void => {}
    const each = () => ({ wake: nothing, ready: nothing, goaway: nothing })
    this.lanes = new Lanes(count, options, each)
  }

  link(lane: number): Link {
    const link = this.lanes.links[lane]
    if (link === undefined) throw new Error(`there is no lane ${lane}`)
    return link
  }

  said(lane: number): readonly Frame[] {
    const frames: Frame[] = []
    for (let count = 0; count < 100; count += 1) {
      const frame = this.link(lane).pull(0)
      if (frame === undefined) return frames
      frames.push(frame)
    }
    throw new Error('a lane does not come to rest')
  }

  hear(lane: number, frame: Frame): void {
    this.link(lane).receive(frame, 10, 0)
  }

  /** A carrier is up on this lane, and welcomed; gives its HELLO. */
  up(lane: number, change: Partial<FrameOf<'welcome'>> = {}): FrameOf<'hello'> {
    const link = this.link(lane)
    link.dialling()
    link.carrierUp(0)
    const [hello] = this.said(lane)
    if (hello?.kind !== 'hello') throw new Error('HELLO is the first word')
    const session = String(lane).repeat(16)
    const first = { session, resumed: false, routes: 0, carriersMax: 4 }
    this.hear(lane, { ...samples.welcome, ...first, ...change })
    this.said(lane)
    return hello
  }

  get dials(): readonly boolean[] {
    return this.lanes.links.map((link) => link.dialAt() < Number.POSITIVE_INFINITY)
  }
}

/** Two lanes, and a stream that was accepted on the first of them. */
function accepted() {
  const side = new Side(2)
  side.up(0)
  side.up(1)
  const { end } = side.lone.open()
  side.said(0)
  side.hear(0, acceptFrame({ id: 2 }))
  side.said(0)
  return { side, end }
}

test('before the first WELCOME only lane 0 dials', (t) => {
  const side = new Side(3)
  t.deepEqual(side.dials, [true, false, false])
  side.up(0)
  t.deepEqual(side.dials, [false, true, true])
})

test('no more carriers are dialled than the relay takes in', (t) => {
  const side = new Side(4)
  side.up(0, { carriersMax: 2 })
  t.deepEqual(side.dials, [false, true, false, false])
})

test('a relay that says it takes none still has the one', (t) => {
  const side = new Side(2)
  side.up(0, { carriersMax: 0 })
  side.link(0).carrierLost(0)
  t.deepEqual(side.dials, [true, false])
})

test('HELLO says the lane, one number after the other, and which others are believed in', (t) => {
  const side = new Side(3)
  const hellos = [side.up(0), side.up(1), side.up(2)]
  t.deepEqual(hellos.map(laneOf), [0, 1, 2])
  t.deepEqual(
    hellos.map(({ attempt, alive }) => [attempt, alive]),
    [
      [1, []],
      [2, [1]],
      [3, [1, 2]],
    ],
  )
  side.link(1).carrierLost(0)
  t.deepEqual(side.up(1), { ...hellos[1], attempt: 4, alive: [1, 3], session: '1'.repeat(16) })
})

test('a carrier that is lost is told on the others, the last one of each lane', (t) => {
  const side = new Side(3)
  for (const lane of [0, 1, 2]) side.up(lane)
  side.link(1).carrierLost(0)
  t.deepEqual(side.said(0), [{ kind: 'gone', attempt: 2 }])
  side.up(1)
  side.link(1).carrierLost(0)
  t.deepEqual(side.said(2), [{ kind: 'gone', attempt: 4 }])
  t.deepEqual(side.said(1), [])
})

test('GONE gives up the carrier of that number, and no later one of its lane', (t) => {
  const side = new Side(2)
  side.up(0)
  side.up(1)
  side.hear(0, { kind: 'gone', attempt: 2 })
  t.is(side.link(1).verdict(0)?.code, 'carrier_lost')
  t.is(side.link(1).deadline(), 0)
  t.is(side.link(0).verdict(0), undefined)
  side.link(1).carrierLost(0)
  side.up(1)
  side.hear(0, { kind: 'gone', attempt: 2 })
  t.is(side.link(1).verdict(0), undefined)
})

test('GONE before WELCOME ends the carrier that it came by', (t) => {
  const side = new Side(2)
  side.up(0)
  side.link(1).dialling()
  side.link(1).carrierUp(0)
  t.throws(() => side.hear(1, { kind: 'gone', attempt: 1 }), {
    instanceOf: Fault,
    code: 'frame_unexpected',
  })
  t.is(side.link(0).verdict(0), undefined)
})

test('rule 31: streams are spread over the lanes, and each stays on its own', (t) => {
  const side = new Side(2)
  side.up(0)
  side.up(1)
  for (let count = 0; count < 4; count += 1) side.lone.open()
  const opens = [0, 1].map((lane) => side.said(lane).filter(({ kind }) => kind === 'open').length)
  t.deepEqual(opens, [2, 2])
})

test('rule 31: who loses its lane is restated on another one at once', (t) => {
  const { side, end } = accepted()
  side.link(0).carrierLost(0)
  t.deepEqual(
    side.said(1).map(({ kind }) => kind),
    ['gone', 'open'],
  )
  t.is(end.candidate?.port, side.link(1).port)
})

test('rule 7: HOLD is about the relay: no other lane to it is tried', (t) => {
  const { side, end } = accepted()
  side.hear(0, { kind: 'hold', id: 2 })
  t.deepEqual(side.said(1), [])
  t.is(end.candidate, undefined)
})

test('rule 7: an OPEN waits on its lane for as long as its answer takes', (t) => {
  const side = new Side(2)
  side.up(0)
  side.up(1)
  const { end } = side.lone.open()
  side.said(0)
  side.lone.advance(limits.openTimeoutMs - 1)
  t.deepEqual(side.said(1), [])
  side.hear(0, acceptFrame({ id: 2 }))
  t.is(end.phase, 'open')
})

test("rule 16: the first lane to another life of a relay ends that relay's own streams", (t) => {
  const side = new Side(2)
  side.up(0)
  side.up(1)
  side.hear(1, openFrame({ from: 'client/crm' }))
  const [end] = side.lone.dials
  side.link(0).carrierLost(0)
  side.up(0, { life: 'e'.repeat(16) })
  t.is(end?.phase, 'dialling', 'its own lane is up, and knows better')
  side.link(1).carrierLost(0)
  side.link(0).carrierLost(0)
  side.up(0, { life: 'f'.repeat(16) })
  t.deepEqual(side.lone.endings, [[end, 'relay_restarted']])
})

test('a relay that drains is left by all its lanes', (t) => {
  const side = new Side(2)
  side.up(0)
  side.up(1)
  side.hear(0, { kind: 'goaway', code: 'drain', deadlineMs: 1_000 })
  t.deepEqual(
    side.lanes.links.map(({ port }) => port.leaving),
    [true, true],
  )
})
