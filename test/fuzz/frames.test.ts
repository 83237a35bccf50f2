/** Hostile messages: each is a frame or a fault, and whoever hears it stays within its bounds. */
import test from 'ava'
import { Fault } from '../../shared/protocol/fault.ts'
import { decode, type FrameKind, frames } from '../../shared/protocol/frame.ts'
import type { Phase } from '../../shared/protocol/life.ts'
import { Chance } from '../simulation/chance.ts'
import { corpus, Hostile } from './corpus.ts'
import { episodeFrames, Fuzzer } from './fuzzer.ts'

/** Half of the 200,000 messages meet the decoder alone, the other half something that lives. */
const decodedOnly = 100_000
const episodes = 100_000 / episodeFrames
const known = { ids: [1, 2], keys: ['a'.repeat(32)], positions: [0, 100], names: ['a/b', ''] }

/** The kind of the frame in these bytes, or undefined when it was refused as malformed. */
function kindOf(bytes: Uint8Array): FrameKind | undefined {
  try {
    return decode(bytes).kind
  } catch (fault) {
    if (fault instanceof Fault && fault.code === 'frame_malformed') return undefined
    throw fault
  }
}

test('the corpus has every kind, and every message of it is a frame', (t) => {
  const kinds = new Set(corpus.map((message) => kindOf(message.slice())))
  t.deepEqual([...kinds].sort(), Object.keys(frames).sort() as FrameKind[])
})

test(`${decodedOnly} messages are frames or malformed, and nothing else`, (t) => {
  const hostile = new Hostile(new Chance(1))
  let malformed = 0
  for (let count = 0; count < decodedOnly; count += 1) {
    if (kindOf(hostile.message(known)) === undefined) malformed += 1
  }
  t.true(malformed > decodedOnly / 10 && malformed < decodedOnly / 2, `${malformed} malformed`)
})

test(`${episodes * episodeFrames} messages reach a live agent or relay, in every phase`, (t) => {
  const fuzzer = new Fuzzer()
  const { stackTraceLimit } = Error
  // A fault a message is what is meant here; a failure names its seed, and is looked at by that.
  Error.stackTraceLimit = 0
  for (let seed = 0; seed < episodes; seed += 1) fuzzer.run(seed)
  Error.stackTraceLimit = stackTraceLimit
  t.is(fuzzer.episodes, episodes)
  t.deepEqual(Object.keys(fuzzer.kinds).sort(), Object.keys(frames).sort())
  const phases: readonly Phase[] = [
    ...(['opening', 'dialling', 'open'] as const),
    ...(['aborting', 'aborted', 'lingering'] as const),
  ]
  for (const phase of phases) t.true((fuzzer.phases[phase] ?? 0) > 0, `no end was ${phase}`)
  t.true((fuzzer.faults.frame_unexpected ?? 0) > 0)
})

test('an episode is a function of its seed', (t) => {
  const [one, other] = [new Fuzzer(), new Fuzzer()]
  for (const seed of [6, 7]) {
    one.run(seed)
    other.run(seed)
  }
  t.deepEqual({ ...one }, { ...other })
})
