/**
 * The table of messages: exact bytes both ways, and properties over arbitrary and broken frames.
 */
import test from 'ava'
import fc from 'fast-check'
import { Fault } from '../../../shared/protocol/fault.ts'
import {
  dataBytesMax,
  decode,
  encode,
  type Frame,
  type FrameKind,
  frameBytesMax,
  frames,
  isStreamFrame,
} from '../../../shared/protocol/frame.ts'
import { arbitraryFrame, fromHex, sampleBytes, samples } from '../../support/frames.ts'

const kinds = Object.keys(frames) as FrameKind[]

for (const kind of kinds) {
  test(`${kind} has its exact bytes, both ways`, (t) => {
    const bytes = fromHex(sampleBytes[kind])
    t.deepEqual(encode(samples[kind]), bytes)
    t.deepEqual(decode(bytes), samples[kind])
  })
}

test('each kind has its own code', (t) => {
  t.is(new Set(kinds.map((kind) => frames[kind].code)).size, kinds.length)
})

test('only frames about a stream carry an id', (t) => {
  const aboutLink = kinds.filter((kind) => !isStreamFrame(samples[kind]))
  t.deepEqual(aboutLink, ['hello', 'welcome', 'gone', 'services', 'ping', 'pong', 'goaway'])
})

test('what is encoded is decoded again', (t) => {
  fc.assert(
    fc.property(arbitraryFrame, (frame) => {
      t.deepEqual(decode(encode(frame)), frame)
    }),
    { numRuns: 3_000 },
  )
})

test('what is decoded is encoded again, byte for byte', (t) => {
  let accepted = 0
  fc.assert(
    fc.property(mutated, (bytes) => {
      const frame = decodedOrRefused(bytes.slice())
      if (frame === undefined) return
      accepted += 1
      t.deepEqual(encode(frame), bytes)
    }),
    { numRuns: 5_000 },
  )
  t.true(accepted > 100, 'too few of the mutated frames were frames')
})

test('a frame cut short anywhere is refused, or says less', (t) => {
  const openEnded: readonly FrameKind[] = ['hello', 'welcome', 'open', 'data']
  fc.assert(
    fc.property(arbitraryFrame, (frame) => {
      const bytes = encode(frame)
      for (let length = 0; length < bytes.length; length += 1) {
        const prefix = bytes.slice(0, length)
        const shorter = decodedOrRefused(prefix.slice())
        if (shorter === undefined) continue
        t.true(openEnded.includes(frame.kind), `${frame.kind} cut at ${length} is a frame`)
        t.is(shorter.kind, frame.kind)
        t.deepEqual(encode(shorter), prefix)
      }
    }),
  )
})

test('a frame with one byte more is refused, or says more', (t) => {
  for (const kind of kinds) {
    const bytes = fromHex(`${sampleBytes[kind]} 00`)
    if (kind === 'data') t.deepEqual(decode(bytes).kind, 'data')
    else t.throws(() => decode(bytes), { instanceOf: Fault, code: 'frame_malformed' }, kind)
  }
})

/** Bytes that are no frame, and the words of the fault. */
const refused: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ['nothing', new Uint8Array(0), /an empty frame/],
  ['a code of no kind', fromHex('ff'), /unknown frame code 255/],
  ['the code between two groups', fromHex('08'), /unknown frame code 8/],
  ['a DATA frame without its offset', fromHex('13 000000000002'), /data: cut short/],
  ['a frame too long', new Uint8Array(frameBytesMax + 1).fill(0x13), /16361 bytes, 16360/],
  ['a GOAWAY with a code of no wire', fromHex('07 3f 00000000'), /goaway.code: an unknown code/],
  ['an OPEN that is half established', openWithFlag('02'), /open.established: a flag of 2/],
]

for (const [title, bytes, words] of refused) {
  test(`${title} is refused, with kind, field and place`, (t) => {
    const fault = t.throws(() => decode(bytes), { instanceOf: Fault, code: 'frame_malformed' })
    t.regex(fault?.message ?? '', words)
  })
}

test('a frame is at most as long as one TLS record carries with its header', (t) => {
  const longest = { ...samples.data, bytes: new Uint8Array(dataBytesMax) }
  t.is(encode(longest).length, frameBytesMax)
  const tooLong = { ...samples.data, bytes: new Uint8Array(dataBytesMax + 1) }
  t.throws(() => encode(tooLong), { instanceOf: Fault, code: 'frame_malformed' })
  const value = new Uint8Array(frameBytesMax)
  const open = { ...samples.open, attributes: [{ tag: 1, value }] }
  t.throws(() => encode(open), { instanceOf: Fault, code: 'frame_malformed' })
})

test('a frame is written into the place that it is given, whatever stood there', (t) => {
  for (const kind of kinds) {
    const place = new Uint8Array(1_000).fill(0xee)
    const encoded = encode(samples[kind], (size) => place.subarray(3, 3 + size))
    t.is(encoded.buffer, place.buffer)
    t.deepEqual(encoded, fromHex(sampleBytes[kind]), kind)
    t.is(place[2], 0xee)
    t.is(place[3 + encoded.length], 0xee)
  }
})

test('the bytes of a decoded DATA frame are a view of its message', (t) => {
  const message = encode(samples.data)
  const frame = decode(message)
  if (frame.kind !== 'data') return t.fail()
  t.is(frame.bytes.buffer, message.buffer)
})

/** Frames with a few bytes changed, cut out or put in. */
const mutated: fc.Arbitrary<Uint8Array> = fc
  .tuple(
    arbitraryFrame,
    fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 2 })), {
      maxLength: 3,
    }),
  )
  .map(([frame, changes]) => {
    const bytes = [...encode(frame)]
    for (const [place, value, how] of changes) {
      const at = place % (bytes.length + 1)
      if (how === 0) bytes[Math.min(at, bytes.length - 1)] = value
      else if (how === 1) bytes.splice(at, 1)
      else bytes.splice(at, 0, value)
    }
    return Uint8Array.from(bytes)
  })

/** The frame, or undefined when it was refused as malformed; any other error gets through. */
function decodedOrRefused(bytes: Uint8Array): Frame | undefined {
  try {
    return decode(bytes)
  } catch (fault) {
    if (fault instanceof Fault && fault.code === 'frame_malformed') return undefined
    throw fault
  }
}

function openWithFlag(flag: string): Uint8Array {
  return fromHex(sampleBytes.open.replace('00000001 00 ', `00000001 ${flag} `))
}
