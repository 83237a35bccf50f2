/** The frames of a batch, read back by hand (RFC 6455 §5.2), and where its writes are cut. */
import test from 'ava'
import { Batch, type Mask } from '../../../shared/io/batch.ts'
import { frameBytesMax } from '../../../shared/protocol/frame.ts'

/** A batch, and what it has written; each write is taken at once. */
function batchOf(mask: Mask | undefined) {
  const writes: Uint8Array[] = []
  const batch = new Batch(mask, (bytes, taken) => {
    writes.push(bytes.slice())
    taken()
  })
  return { batch, writes }
}

const sizes = [0, 1, 125, 126, 4_096, frameBytesMax]
const filled = (size: number): Uint8Array => new Uint8Array(size).fill(size % 251)

for (const mask of [undefined, 'zeros', 'random'] as const) {
  test(`each message is one binary frame, mask: ${mask ?? 'none'}`, (t) => {
    const { batch, writes } = batchOf(mask)
    // Twice, so that buffers come back with other bytes in them.
    for (const size of [...sizes, ...sizes]) {
      batch.place(size).set(filled(size))
      t.true(batch.bytes > size)
      batch.flush()
      t.is(batch.bytes, 0)
    }
    t.is(writes.length, 2 * sizes.length)
    for (const [index, write] of writes.entries()) {
      const { payload, masked } = payloadOf(write)
      t.is(masked, mask !== undefined)
      t.deepEqual(payload, filled(sizes[index % sizes.length] ?? 0))
    }
  })
}

test('a mask by chance is another one for each message, and hides the bytes', (t) => {
  const { batch, writes } = batchOf('random')
  for (const _ of [1, 2]) batch.place(100).fill(7)
  batch.flush()
  const [write] = writes
  if (write === undefined) return t.fail()
  const frameBytes = 2 + 4 + 100
  t.is(write.length, 2 * frameBytes)
  t.notDeepEqual(write.slice(2, frameBytes), write.slice(frameBytes + 2))
  t.false(write.slice(6, 38).every((byte) => byte === 7))
})

test('messages of a turn go out in one write, but no full one behind a shorter one', (t) => {
  const { batch, writes } = batchOf(undefined)
  for (const size of [5, 5, frameBytesMax, frameBytesMax, 9]) batch.place(size)
  batch.flush()
  t.deepEqual(
    writes.map(({ length }) => length),
    [2 * (2 + 5), 2 * (4 + frameBytesMax) + 2 + 9],
  )
  batch.flush()
  t.is(writes.length, 2)
})

test('a full buffer is written, and the next one is begun', (t) => {
  const { batch, writes } = batchOf('zeros')
  for (let count = 0; count < 40; count += 1) batch.place(frameBytesMax)
  batch.flush()
  t.deepEqual(
    writes.map(({ length }) => length / (8 + frameBytesMax)),
    [16, 16, 8],
  )
})

/** The one message in these bytes. */
function payloadOf(bytes: Uint8Array): { readonly payload: Uint8Array; readonly masked: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  if (view.getUint8(0) !== 0x82) throw new Error('no final binary frame')
  const masked = (view.getUint8(1) & 0x80) !== 0
  const short = view.getUint8(1) & 0x7f
  const begin = short === 126 ? 4 : 2
  const size = short === 126 ? view.getUint16(2) : short
  const rest = bytes.slice(begin)
  if (!masked) return { payload: rest.slice(0, size), masked }
  const payload = rest.slice(4, 4 + size).map((byte, index) => byte ^ (rest[index % 4] ?? 0))
  return { payload, masked }
}
