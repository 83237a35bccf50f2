/**
 * An agent that comes back displaces its dead self at once: the relay does not wait until the old
 * carrier, which nobody has closed, is noticed to be dead.
 */
import test from 'ava'
import { consumerOf, echoes, readToEnd, startEcho } from '../support/tcp.ts'
import { openTunnel } from '../support/tunnel.ts'

/** Less than the liveness time, of ten seconds by default, after which it would be noticed. */
const atOnceMs = 8_000

test.serial(
  'R9: a returning agent takes over while its old carrier still looks alive',
  async (t) => {
    t.timeout(180_000)
    await using echo = await startEcho()
    await using tunnel = await openTunnel({
      services: { 'plant-1/any': { target: echo.port } },
      // So long that nothing here can be owed to it.
      relayLimits: { liveness: '1m' },
    })
    const old = await consumerOf(tunnel.port('plant-1/any'))
    t.true(await echoes(old, 'before'))

    const first = tunnel.agent('plant-1')
    first.proxy.blackHole(true)
    first.process.signal('SIGKILL')
    await first.process.waitForExit()

    await tunnel.startAgent('plant-1')
    const start = performance.now()
    const ending = readToEnd(old)
    const fresh = await consumerOf(tunnel.port('plant-1/any'))
    t.true(await echoes(fresh, 'after'))
    t.is((await ending).by, 'reset')
    const tookMs = performance.now() - start
    t.true(tookMs < atOnceMs, `${tookMs} ms`)
    await tunnel.relay.waitForCode('agent_restarted')
    fresh.destroy()
  },
)

test.serial('an agent whose carrier was cut resumes, and its streams never notice', async (t) => {
  t.timeout(180_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel({ services: { 'plant-1/any': { target: echo.port } } })
  const consumer = await consumerOf(tunnel.port('plant-1/any'))
  t.true(await echoes(consumer, 'before'))
  const { process: agent, proxy } = tunnel.agent('plant-1')
  const from = agent.here
  const start = performance.now()
  proxy.cut()
  t.true(await echoes(consumer, 'after'))
  const tookMs = performance.now() - start
  t.true(tookMs < atOnceMs, `${tookMs} ms`)
  await agent.waitForMessage('link ready', { from })
  t.is(echo.accepted, 1)
  consumer.destroy()
})
