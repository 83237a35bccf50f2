/** From agent to agent: a local port beside the consumer leads to a service elsewhere. */
import test from 'ava'
import { exchange } from '../support/hash.ts'
import { consumerOf, readToEnd, startEcho, startTarget } from '../support/tcp.ts'
import { openTunnel } from '../support/tunnel.ts'

test.serial(
  'bytes pass from one agent to another, both ways, while both carriers are cut',
  async (t) => {
    t.timeout(180_000)
    await using target = await startTarget()
    await using tunnel = await openTunnel({
      services: { 'plant-1/any': { target: target.port } },
      forwards: { 'desk-1': ['plant-1/any'] },
    })
    const consumer = await consumerOf(tunnel.forwardPort('desk-1', 'plant-1/any'))
    const served = await target.next()
    const bytes = 20_000_000
    let cuts = 0
    const cutNow = (received: number): void => {
      if (received < (cuts + 1) * 3_000_000) return
      cuts += 1
      tunnel.agent(cuts % 2 === 0 ? 'plant-1' : 'desk-1').proxy.cut()
    }
    const [near, far] = await Promise.all([
      exchange(consumer, 1, bytes, cutNow),
      exchange(served, 2, bytes),
    ])
    t.is(cuts, 6)
    t.is(far.received, near.sent)
    t.is(near.received, far.sent)
    consumer.destroy()
  },
)

test.serial('an agent that no rule names is denied, and its own log says so', async (t) => {
  t.timeout(180_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel({
    services: { 'plant-1/any': { target: echo.port } },
    forwards: { 'desk-1': ['plant-1/any'] },
    policy: [{ rule: 'machines', from: ['127.0.0.0/8', 'agent/desk-2'], to: ['plant-1/any'] }],
  })
  const start = performance.now()
  const ending = await readToEnd(await consumerOf(tunnel.forwardPort('desk-1', 'plant-1/any')))
  t.is(ending.by, 'reset')
  // Less than each clock that could have ended it instead; the shortest is the parking of 5 s.
  t.true(performance.now() - start < 4_500)
  await tunnel.relay.waitForCode('denied_by_policy')
  await tunnel.agent('desk-1').process.waitForCode('denied_by_policy')
  t.is(echo.accepted, 0)
})
