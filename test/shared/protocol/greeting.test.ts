/** What HELLO says of its lane, and which WELCOME can answer it. */
import test from 'ava'
import { Fault } from '../../../shared/protocol/fault.ts'
import { attributeTags, decode, encode, noSession } from '../../../shared/protocol/frame.ts'
import { checkWelcome, helloOf, laneOf, lanesMax } from '../../../shared/protocol/greeting.ts'
import { samples } from '../../support/frames.ts'

const greeting = { epoch: 'e'.repeat(16), session: noSession, attempt: 7, alive: [5, 6] }

test('every lane survives the wire', (t) => {
  for (let lane = 0; lane < lanesMax; lane += 1) {
    const heard = decode(encode(helloOf({ ...greeting, lane })))
    t.is(heard.kind === 'hello' ? laneOf(heard) : undefined, lane)
  }
})

test('an agent with one carrier says nothing of lanes', (t) => {
  t.deepEqual(helloOf({ ...greeting, lane: 0 }).attributes, [])
})

test('a lane that is not one byte is malformed', (t) => {
  for (const value of [new Uint8Array(0), new Uint8Array(2)]) {
    const hello = { ...samples.hello, attributes: [{ tag: attributeTags.lane, value }] }
    t.throws(() => laneOf(hello), { instanceOf: Fault, code: 'frame_malformed' })
  }
})

test('a WELCOME of another version, or of another session, ends the carrier', (t) => {
  const { welcome } = samples
  const isFault = (code: string) => ({ instanceOf: Fault, code })
  t.throws(
    () => checkWelcome({ ...welcome, version: 2 }, noSession),
    isFault('version_unsupported'),
  )
  const resumed = { ...welcome, resumed: true }
  t.throws(() => checkWelcome(resumed, noSession), isFault('frame_unexpected'))
  t.notThrows(() => checkWelcome(resumed, welcome.session))
})
