/**
 * A path that swallows everything, without a FIN and without an RST, is noticed at both ends within
 * the liveness time, and the streams go on when it is back.
 */
import test, { type ExecutionContext } from 'ava'
import { consumerOf, echoes, read, startEcho } from '../support/tcp.ts'
import { openTunnel } from '../support/tunnel.ts'

/** What a tick, a log line and a busy machine may add. */
const slackMs = 3_000

test.serial('a black hole is noticed within a liveness time of two seconds', async (t) => {
  t.timeout(180_000)
  await noticedWithin(t, 2_000, { liveness: '2s' })
})

test.serial('a black hole is noticed within the ten seconds that are the default', async (t) => {
  t.timeout(180_000)
  await noticedWithin(t, 10_000, {})
})

test('the smaller liveness time of both sides holds at the agent', async (t) => {
  t.timeout(90_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel({
    services: { 'plant-1/any': { target: echo.port } },
    relayLimits: { liveness: '5m' },
    agentLimits: { liveness: '2s' },
  })
  const { process: agent, proxy } = tunnel.agent('plant-1')
  const start = performance.now()
  proxy.blackHole(true)
  await agent.waitForCode('carrier_silent')
  const tookMs = performance.now() - start
  t.true(tookMs <= 2_000 + slackMs, `${tookMs} ms`)
})

async function noticedWithin(
  t: ExecutionContext,
  livenessMs: number,
  relayLimits: Readonly<Record<string, string>>,
): Promise<void> {
  await using echo = await startEcho()
  await using tunnel = await openTunnel({
    services: { 'plant-1/any': { target: echo.port } },
    relayLimits,
  })
  const consumer = await consumerOf(tunnel.port('plant-1/any'))
  t.true(await echoes(consumer, 'before'))

  const { process: agent, proxy } = tunnel.agent('plant-1')
  const from = agent.here
  const start = performance.now()
  proxy.blackHole(true)
  const noticed = async (log: typeof agent): Promise<number> => {
    await log.waitForCode('carrier_silent', { deadlineMs: livenessMs + 30_000 })
    return performance.now() - start
  }
  const [byRelay, byAgent] = await Promise.all([noticed(tunnel.relay), noticed(agent)])
  t.true(byRelay <= livenessMs + slackMs, `relay: ${byRelay} ms`)
  t.true(byAgent <= livenessMs + slackMs, `agent: ${byAgent} ms`)

  consumer.write('held')
  proxy.blackHole(false)
  await agent.waitForMessage('link ready', { from })
  t.is((await read(consumer, 4)).toString(), 'held')
  t.true(await echoes(consumer, 'after'))
  consumer.destroy()
}
