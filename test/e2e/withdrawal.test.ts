/**
 * What was allowed and is allowed no longer ends within a second, with its reason in the log, and
 * nothing else ends with it.
 */
import test from 'ava'
import { revokeName } from '../../certs/revoking.ts'
import { consumerOf, echoes, readToEnd, startEcho } from '../support/tcp.ts'
import { openTunnel, type RulePlan } from '../support/tunnel.ts'

/** A second, and what a busy machine may add. */
const withinMs = 5_000

test.serial('a changed policy ends exactly the streams that it forbids', async (t) => {
  t.timeout(180_000)
  await using echo = await startEcho()
  const rule = (...from: readonly string[]): RulePlan => ({
    rule: 'now',
    from,
    to: ['plant-1/any'],
  })
  await using tunnel = await openTunnel({
    services: { 'plant-1/any': { target: echo.port } },
    policy: [rule('127.0.0.1', '127.0.0.2')],
  })
  const forbidden = await consumerOf(tunnel.port('plant-1/any'), '127.0.0.1')
  const allowed = await consumerOf(tunnel.port('plant-1/any'), '127.0.0.2')
  t.true(await echoes(forbidden, 'before'))
  t.true(await echoes(allowed, 'before'))

  const start = performance.now()
  const ending = readToEnd(forbidden)
  await tunnel.replacePolicy([rule('127.0.0.2')])
  t.is((await ending).by, 'reset')
  const tookMs = performance.now() - start
  t.true(tookMs < withinMs, `${tookMs} ms`)
  await tunnel.relay.waitForCode('denied_by_policy')
  t.true(await echoes(allowed, 'after'))
  allowed.destroy()
})

test.serial(
  'a file that is wrong changes nothing, and the log says where it is wrong',
  async (t) => {
    t.timeout(180_000)
    await using echo = await startEcho()
    await using tunnel = await openTunnel({ services: { 'plant-1/any': { target: echo.port } } })
    const consumer = await consumerOf(tunnel.port('plant-1/any'))
    t.true(await echoes(consumer, 'before'))
    await tunnel.replacePolicy([{ rule: 'wrong', from: ['127.0.0.300'], to: ['plant-1/any'] }])
    const { message } = await tunnel.relay.waitForCode('config_invalid')
    t.regex(String(message), /relay\.yaml:\d+:\d+/)
    t.true(await echoes(consumer, 'after'))
    consumer.destroy()
  },
)

test.serial('a revoked agent is gone with its streams, and the others stay', async (t) => {
  t.timeout(180_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel({
    services: { 'plant-1/any': { target: echo.port }, 'plant-2/any': { target: echo.port } },
  })
  const revoked = await consumerOf(tunnel.port('plant-1/any'))
  const other = await consumerOf(tunnel.port('plant-2/any'))
  t.true(await echoes(revoked, 'before'))
  t.true(await echoes(other, 'before'))

  const ending = readToEnd(revoked)
  await revokeName(tunnel.store, 'agent/plant-1', 'keyCompromise')
  const start = performance.now()
  t.is((await ending).by, 'reset')
  const tookMs = performance.now() - start
  t.true(tookMs < withinMs, `${tookMs} ms`)
  await tunnel.relay.waitForCode('revoked')
  t.true(await echoes(other, 'after'))
  other.destroy()
})
