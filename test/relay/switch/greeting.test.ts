/** Which HELLO is refused, and what WELCOME says. */
import test from 'ava'
import { checkHello, type Greeter, welcomeOf } from '../../../relay/switch/greeting.ts'
import { Fault, type FaultCode } from '../../../shared/protocol/fault.ts'
import type { FrameOf } from '../../../shared/protocol/frame.ts'
import { Board } from '../../support/board.ts'
import { samples } from '../../support/frames.ts'

const limits = { agentsMax: 10, carriersMax: 2 }
const { link: known } = new Board().agent('plant-1', { attempt: 5 })
const nobody: Greeter = {
  identity: 'agent/plant-1',
  lane: 0,
  known: undefined,
  isLate: false,
  isFull: false,
}
const hello: FrameOf<'hello'> = { ...samples.hello, version: 1, attempt: 6 }

const refused: readonly (readonly [FaultCode, Partial<FrameOf<'hello'>>, Partial<Greeter>])[] = [
  ['version_unsupported', { version: 2 }, {}],
  ['attempt_stale', {}, { isLate: true }],
  ['attempt_stale', { attempt: 5 }, { known }],
  ['overloaded', {}, { lane: 2 }],
  ['overloaded', {}, { isFull: true }],
]

for (const [code, said, greeter] of refused) {
  test(`${code}: ${JSON.stringify({ ...said, ...greeter, known: undefined })}`, (t) => {
    const check = () => checkHello({ ...hello, ...said }, { ...nobody, ...greeter }, limits)
    t.throws(check, { instanceOf: Fault, code })
  })
}

test('a later carrier of a known lane, and a first one, are welcome', (t) => {
  t.notThrows(() => checkHello(hello, nobody, limits))
  t.notThrows(() => checkHello(hello, { ...nobody, lane: 1, known }, limits))
})

test('WELCOME names the session, the life, and the bounds of both sides', (t) => {
  const bounds = { resumeWindowMs: 1, livenessMs: 2, streamsMax: 3, carriersMax: 4 }
  const others = { agentsMax: 5, windowBytes: 6, parkMs: 7 }
  const welcome = welcomeOf(known, { resumed: true, routes: 8 }, 'l'.repeat(16), {
    ...bounds,
    ...others,
  })
  t.deepEqual(welcome, {
    ...{ kind: 'welcome', version: 1, life: 'l'.repeat(16), session: known.session },
    ...{ resumed: true, routes: 8, ...bounds, attributes: [] },
  })
})
