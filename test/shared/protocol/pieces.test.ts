/** Holds the queue of bytes against an array of them, and its charge against what it holds. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import test from 'ava'
import fc from 'fast-check'
import { Pieces, pieceOverheadBytes, slabBytes } from '../../../shared/protocol/pieces.ts'

/** The byte that stands at an offset in every test of this file. */
const byteAt = (offset: number): number => (offset * 7 + (offset >>> 8)) & 0xff
const bytesFrom = (offset: number, length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => byteAt(offset + index))

const origins = fc.integer({ min: 0, max: 2 ** 40 })
const length = fc.oneof(
  fc.integer({ min: 0, max: 40 }),
  fc.constantFrom(slabBytes - 1, slabBytes, slabBytes + 1, 3 * slabBytes),
)
const operation = fc.oneof(
  fc.record({ do: fc.constant('append' as const), length }),
  fc.record({
    do: fc.constant('dropBefore' as const),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  fc.record({
    do: fc.constant('at' as const),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
    length,
  }),
  fc.record({ do: fc.constant('shift' as const) }),
  fc.record({ do: fc.constant('restart' as const), skip: fc.integer({ min: 0, max: 100 }) }),
)

test('it gives back the bytes that it was given, whatever is dropped in between', (t) => {
  fc.assert(
    fc.property(origins, fc.array(operation), (origin, operations) => {
      const pieces = new Pieces(origin)
      let start = origin
      let end = origin
      const somewhere = (part: number) => start + Math.floor(part * (end - start))
      for (const step of operations) {
        switch (step.do) {
          case 'append': {
            pieces.append(bytesFrom(end, step.length))
            end += step.length
            break
          }
          case 'dropBefore':
            start = somewhere(step.part)
            pieces.dropBefore(start)
            break
          case 'at': {
            const from = somewhere(step.part)
            const piece = pieces.at(from, step.length)
            t.deepEqual(piece.bytes, bytesFrom(from, piece.bytes.length))
            t.true(piece.bytes.length <= step.length)
            t.is(piece.bytes.length > 0, Math.min(step.length, end - from) > 0)
            break
          }
          case 'shift': {
            const piece = pieces.shift()
            if (start === end && (piece?.bytes.length ?? 0) === 0) break
            if (piece === undefined) return t.fail('nothing came of a queue that is not empty')
            t.is(piece.offset, start)
            t.deepEqual(piece.bytes, bytesFrom(start, piece.bytes.length))
            start += piece.bytes.length
            break
          }
          case 'restart':
            start = end + step.skip
            end = start
            pieces.restart(start)
        }
        t.deepEqual([pieces.start, pieces.end], [start, end])
        t.true(pieces.charged >= end - start)
      }
      pieces.dropBefore(end)
      t.is(pieces.charged, 0)
    }),
    { numRuns: 300 },
  )
})

test('rule 27: a window of single bytes costs what a window of bytes costs', (t) => {
  const pieces = new Pieces()
  for (let offset = 0; offset < 65_536; offset += 1) pieces.append(bytesFrom(offset, 1))
  t.true(pieces.charged < 1.1 * 65_536, `${pieces.charged} bytes`)
  t.deepEqual(pieces.at(4_000, 200).bytes, bytesFrom(4_000, 200))
})

test('a single byte is charged for the slab that it begins', (t) => {
  const pieces = new Pieces()
  pieces.append(bytesFrom(0, 1))
  t.is(pieces.charged, slabBytes + pieceOverheadBytes)
  t.is(pieces.spare, slabBytes - 1)
  pieces.append(bytesFrom(1, slabBytes - 1))
  t.is(pieces.charged, slabBytes + pieceOverheadBytes)
  t.is(pieces.spare, 0)
})

test('a large piece is kept as it is, without a copy', (t) => {
  const bytes = bytesFrom(0, slabBytes)
  const pieces = new Pieces()
  pieces.append(bytes)
  t.is(pieces.at(5, slabBytes).bytes.buffer, bytes.buffer)
  pieces.dropBefore(10)
  const piece = pieces.shift()
  t.is(piece?.bytes.buffer, bytes.buffer)
  t.is(piece?.offset, 10)
})

test('R6: a million empty appends keep nothing', (t) => {
  const pieces = new Pieces()
  for (let count = 0; count < 1_000_000; count += 1) pieces.append(new Uint8Array(0))
  t.is(pieces.charged, 0)
  t.is(pieces.shift(), undefined)
})

test('a long queue that is taken from the front stays in order', (t) => {
  const pieces = new Pieces()
  const count = 500
  for (let index = 0; index < count; index += 1) {
    pieces.append(bytesFrom(index * slabBytes, slabBytes))
  }
  for (let index = 0; index < count; index += 1) {
    t.is(pieces.shift()?.offset, index * slabBytes)
    if (index % 50 === 0) t.is(pieces.at(pieces.end - 1, 1).bytes[0], byteAt(pieces.end - 1))
  }
  t.is(pieces.charged, 0)
})

test('what lies before the start, or behind the end, is not there', (t) => {
  const pieces = new Pieces(10)
  pieces.append(bytesFrom(10, 5))
  t.throws(() => pieces.at(9, 1))
  t.throws(() => pieces.at(16, 1))
  t.throws(() => pieces.dropBefore(16))
  t.is(pieces.at(15, 1).bytes.length, 0)
})

test('X7: bytes that are let go are let go, though the queue never runs empty', async (t) => {
  const pieces = new Pieces()
  const held = Array.from({ length: 50 }, () => {
    const bytes = new Uint8Array(16_000)
    pieces.append(bytes)
    return new WeakRef(bytes)
  })
  pieces.dropBefore(49 * 16_000)
  // A reference that was just made lives until its turn is over.
  await new Promise((resolve) => setImmediate(resolve))
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  t.is(held.filter((reference) => reference.deref() !== undefined).length, 1)
  t.is(pieces.end - pieces.start, 16_000)
})
