/** Tests of the random writes and their digests. */
import { createHash } from 'node:crypto'
import { PassThrough } from 'node:stream'
import test from 'ava'
import { hashReceived, randomWrites, sendRandom } from './hash.ts'

test('the same seed gives the same writes, another seed others', (t) => {
  const digestOf = (seed: number): string => {
    const hash = createHash('sha256')
    for (const write of randomWrites(seed, 5_000_000)) hash.update(`${write.length}`).update(write)
    return hash.digest('hex')
  }
  t.is(digestOf(1), digestOf(1))
  t.not(digestOf(1), digestOf(2))
})

test('writes are from 1 B to 1 MB, and add up', (t) => {
  const sizes = [...randomWrites(7, 50_000_000)].map(({ length }) => length)
  t.is(
    sizes.reduce((sum, size) => sum + size, 0),
    50_000_000,
  )
  t.true(sizes.filter((size) => size < 100).length > sizes.length / 10)
  t.true(sizes.some((size) => size > 900_000))
  t.true(Math.max(...sizes) <= 1_000_000)
})

test('both ends of a stream come to the same digest', async (t) => {
  const stream = new PassThrough()
  const [sent, received] = await Promise.all([
    sendRandom(stream, 3, 3_000_000),
    hashReceived(stream, 3_000_000),
  ])
  t.is(sent, received)
})

test('a stream that ends early is no digest', async (t) => {
  const stream = new PassThrough()
  stream.end('abc')
  await t.throwsAsync(hashReceived(stream, 4), { message: '3 of 4 bytes arrived' })
})
