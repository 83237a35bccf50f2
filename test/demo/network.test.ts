/** Tests the network that can be cut: it passes everything, or resets, or goes quiet. */
import test from 'ava'
import { Network } from '../../demo/network.ts'
import { freePort } from '../support/ports.ts'
import { consumerOf, echoes, readToEnd, startEcho, startTarget } from '../support/tcp.ts'
import { within } from '../support/within.ts'

test('it passes bytes both ways, and ends each way as it was ended', async (t) => {
  await using echo = await startEcho()
  await using network = await Network.before(echo.port)
  const consumer = await consumerOf(network.port)
  t.true(await echoes(consumer, 'x'.repeat(1_000_000)))
  consumer.end('last')
  const { bytes, by } = await readToEnd(consumer)
  t.is(bytes.toString(), 'last')
  t.is(by, 'fin')
})

test('a cut resets both sides of every connection, and the next one passes', async (t) => {
  await using target = await startTarget()
  await using network = await Network.before(target.port)
  const consumers = [await consumerOf(network.port), await consumerOf(network.port)]
  const served = [await target.next(), await target.next()]
  t.is(network.cut(), 2)
  for (const socket of [...consumers, ...served]) t.is((await readToEnd(socket)).by, 'reset')
  const next = await consumerOf(network.port)
  next.end('hello')
  t.is((await readToEnd(await target.next())).bytes.toString(), 'hello')
  next.destroy()
})

test('in a black hole nothing passes and nothing ends; afterwards all of it comes', async (t) => {
  await using target = await startTarget()
  await using network = await Network.before(target.port)
  const before = await consumerOf(network.port)
  const served = await target.next()
  network.blackHole(true)
  before.write('before')
  const during = await consumerOf(network.port)
  during.write('during')
  const heard: string[] = []
  const ended = new Promise<void>((resolve) => served.once('end', () => resolve()))
  served.on('data', (bytes: Buffer) => heard.push(bytes.toString())).resume()
  const other = await target.next()
  // Whatever passed would have come long before this round trip through the kernel is over.
  for (let trips = 0; trips < 10; trips += 1) {
    ;(await consumerOf(target.port)).destroy()
    ;(await target.next()).destroy()
  }
  t.deepEqual(heard, [])
  t.false(before.destroyed)
  network.blackHole(false)
  before.end()
  during.end()
  t.is((await readToEnd(other)).bytes.toString(), 'during')
  await within('the end of what was held', ended)
  t.deepEqual(heard, ['before'])
})

test('who dials where nothing listens is reset', async (t) => {
  await using network = await Network.before(await freePort())
  const consumer = await consumerOf(network.port)
  t.is((await readToEnd(consumer)).by, 'reset')
})
