/**
 * Exact TCP: each direction ends by itself, a FIN arrives as a FIN and an RST as an RST, and both
 * stand behind every byte that was sent before them.
 */
import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import test from 'ava'
import { consumerOf, read, readToEnd, startTarget, type TcpTarget } from '../support/tcp.ts'
import { openTunnel, type Tunnel } from '../support/tunnel.ts'

interface Ends {
  readonly consumer: Socket
  readonly target: Socket
}

const directions = [
  ['consumer', 'target'],
  ['target', 'consumer'],
] as const

/** A stream through the tunnel, with its two real sockets, after one byte each way. */
async function converse(tunnel: Tunnel, target: TcpTarget): Promise<Ends> {
  const ends = {
    consumer: await consumerOf(tunnel.port('plant-1/any')),
    target: await target.next(),
  }
  for (const [from, to] of directions) {
    ends[from].write('?')
    await read(ends[to], 1)
  }
  return ends
}

test.serial('each direction is closed by itself, with all its bytes in front', async (t) => {
  t.timeout(180_000)
  await using target = await startTarget()
  await using tunnel = await openTunnel({ services: { 'plant-1/any': { target: target.port } } })
  for (const [first, second] of directions) {
    const ends = await converse(tunnel, target)
    const [question, answer] = [randomBytes(5_000_000), randomBytes(5_000_000)]
    ends[first].end(question)
    const asked = await readToEnd(ends[second])
    t.is(asked.by, 'fin', `${first} ends first`)
    t.true(asked.bytes.equals(question), `${first} ends first`)
    ends[second].end(answer)
    const answered = await readToEnd(ends[first])
    t.is(answered.by, 'fin', `${second} ends second`)
    t.true(answered.bytes.equals(answer), `${second} ends second`)
  }
})

test.serial(
  'a half-closed stream goes on for as long as the other direction is open',
  async (t) => {
    t.timeout(180_000)
    await using target = await startTarget()
    await using tunnel = await openTunnel({ services: { 'plant-1/any': { target: target.port } } })
    for (const [first, second] of directions) {
      const ends = await converse(tunnel, target)
      ends[first].end()
      t.is((await readToEnd(ends[second])).by, 'fin')
      for (const word of ['one', 'two', 'three']) {
        ends[second].write(word)
        t.is((await read(ends[first], word.length)).toString(), word)
      }
      ends[second].end()
      t.is((await readToEnd(ends[first])).by, 'fin')
    }
  },
)

test.serial('a reset arrives as a reset, behind every byte that was sent before it', async (t) => {
  t.timeout(180_000)
  await using target = await startTarget()
  await using tunnel = await openTunnel({ services: { 'plant-1/any': { target: target.port } } })
  for (const [first, second] of directions) {
    const ends = await converse(tunnel, target)
    // Few enough to be in the peer's kernel once the write is done: what the reset overtakes at
    // home was never sent, by TCP's own rules.
    const bytes = randomBytes(40_000)
    await new Promise<void>((resolve) => ends[first].write(bytes, () => resolve()))
    ends[first].resetAndDestroy()
    const ending = await readToEnd(ends[second])
    t.is(ending.by, 'reset', `${first} resets`)
    t.true(ending.bytes.equals(bytes), `${first} resets: ${ending.bytes.length} bytes`)
  }
})

test.serial('a reset ends a stream of which the other direction is closed already', async (t) => {
  t.timeout(180_000)
  await using target = await startTarget()
  await using tunnel = await openTunnel({ services: { 'plant-1/any': { target: target.port } } })
  for (const [first, second] of directions) {
    const ends = await converse(tunnel, target)
    ends[second].end('bytes')
    const closed = await readToEnd(ends[first])
    t.deepEqual(closed, { bytes: Buffer.from('bytes'), by: 'fin' })
    ends[first].resetAndDestroy()
    t.is((await readToEnd(ends[second])).by, 'reset', `${first} resets`)
  }
})
