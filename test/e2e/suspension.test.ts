/** An agent that is stopped for longer than the liveness time, and then goes on. */
import { setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import { consumerOf, echoes, read, startEcho } from '../support/tcp.ts'
import { openTunnel } from '../support/tunnel.ts'

const stoppedMs = 12_000
/** Less than the liveness time, after which it would have been noticed in any case. */
const resumedWithinMs = 6_000

test('streams outlive an agent process that stands still for twelve seconds', async (t) => {
  t.timeout(180_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel({ services: { 'plant-1/any': { target: echo.port } } })
  const consumer = await consumerOf(tunnel.port('plant-1/any'))
  t.true(await echoes(consumer, 'before'))

  const { process: agent } = tunnel.agent('plant-1')
  agent.signal('SIGSTOP')
  consumer.write('held')
  await wait(stoppedMs)
  await tunnel.relay.waitForCode('carrier_silent')
  agent.signal('SIGCONT')
  const start = performance.now()
  t.is((await read(consumer, 4)).toString(), 'held')
  const tookMs = performance.now() - start
  t.true(tookMs < resumedWithinMs, `${tookMs} ms`)
  t.true(await echoes(consumer, 'after'))
  t.is(echo.accepted, 1)
  consumer.destroy()
})
