/**
 * A middle box closes connections that are idle, sooner than anybody wants to say something: after
 * two carriers the agent knows, and says something sooner.
 *
 * This test runs in real time, for the silences of a path are what it is about.
 */
import { setTimeout as wait } from 'node:timers/promises'
import test from 'ava'
import { consumerOf, echoes, startEcho } from '../support/tcp.ts'
import { openTunnel } from '../support/tunnel.ts'

const idleMs = 3_000
/** A PING every 20 s on either side: none within what the box allows. */
const liveness = '60s'

test('a box that closes idle connections is noticed, and pinged past', async (t) => {
  t.timeout(240_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel({
    services: { 'plant-1/any': { target: echo.port } },
    relayLimits: { liveness },
    // What one carrier tells of another is no silence: one alone is told from the box sooner.
    agentLimits: { liveness, carriers: 1 },
  })
  const { process: agent, proxy } = tunnel.agent('plant-1')
  const consumer = await consumerOf(tunnel.port('plant-1/any'))
  t.true(await echoes(consumer, 'before'))
  let closed = 0
  proxy.idleBox({ afterMs: idleMs, how: 'close' }, () => {
    closed += 1
  })
  const notice = await agent.waitForCode('idle_cut', { deadlineMs: 90_000 })
  t.regex(`${notice.message}`, /idle for about [3-9](?:\.\d)? s: a PING goes out every \d/)
  t.true(closed >= 2)

  // On a busy machine a PING may still come too late, once or twice.
  for (let tries = 1, before = -1; before < closed; tries += 1) {
    t.true(tries <= 5, 'the box closes one carrier after the other')
    before = closed
    await wait(3 * idleMs)
  }
  t.true(await echoes(consumer, 'after'))
  consumer.destroy()
})
