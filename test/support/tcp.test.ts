/** Tests of the plain TCP ends: FIN and RST are told apart, and bytes before them are kept. */
import { once } from 'node:events'
import test from 'ava'
import { consumerOf, echoes, read, readToEnd, startEcho, startTarget } from './tcp.ts'

test('a target hands over its connections in turn', async (t) => {
  await using target = await startTarget()
  const early = await consumerOf(target.port)
  early.write('early')
  t.is((await read(await target.next(), 5)).toString(), 'early')
  const pending = target.next()
  const late = await consumerOf(target.port)
  late.write('late')
  t.is((await read(await pending, 4)).toString(), 'late')
  t.is(target.accepted, 2)
  early.destroy()
  late.destroy()
})

test('a FIN and an RST are told apart, behind the bytes before them', async (t) => {
  await using target = await startTarget()
  const finished = await consumerOf(target.port)
  finished.end('bytes')
  t.deepEqual(await readToEnd(await target.next()), { bytes: Buffer.from('bytes'), by: 'fin' })
  const broken = await consumerOf(target.port)
  const received = await target.next()
  const ending = readToEnd(received)
  broken.write('bytes')
  await once(received, 'data')
  broken.resetAndDestroy()
  t.deepEqual(await ending, { bytes: Buffer.from('bytes'), by: 'reset' })
  finished.destroy()
})

test('an echo gives back what it is told', async (t) => {
  await using echo = await startEcho()
  const consumer = await consumerOf(echo.port)
  t.true(await echoes(consumer, 'one'))
  t.true(await echoes(consumer, 'two'))
  consumer.end('three')
  t.deepEqual(await readToEnd(consumer), { bytes: Buffer.from('three'), by: 'fin' })
})

test('reading says when too little comes', async (t) => {
  await using target = await startTarget()
  const consumer = await consumerOf(target.port)
  consumer.end('ab')
  await t.throwsAsync(read(await target.next(), 3, 1_000))
})
