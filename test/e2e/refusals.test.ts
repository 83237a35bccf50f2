/**
 * A stream that cannot be opened ends as a reset at once, and the logs of both ends say which of
 * the reasons it was.
 */
import { connect } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { freePort } from '../support/ports.ts'
import { Child } from '../support/process.ts'
import { consumerOf, echoes, readToEnd, startEcho } from '../support/tcp.ts'
import { openTunnel, type ServicePlan, type Tunnel } from '../support/tunnel.ts'

/** Less than each default that could end it instead; the shortest is the parking of 5 s. */
const resetWithinMs = 4_500

test.serial('a target where nothing listens: target_refused', async (t) => {
  t.timeout(180_000)
  await using tunnel = await openTunnel(planOf({ target: await freePort() }))
  await refusedWith(t, tunnel, 'target_refused', 'both')
})

// TCP has no way to a group address, so this fails in the kernel and no packet leaves the machine.
test.serial('a target to which no route leads: target_unreachable', async (t) => {
  t.timeout(180_000)
  await using tunnel = await openTunnel(planOf({ target: '224.0.0.1:9' }))
  await refusedWith(t, tunnel, 'target_unreachable', 'both')
})

test.serial('a target that never answers: target_timeout', async (t) => {
  t.timeout(180_000)
  await using deaf = await startDeafTarget()
  await using tunnel = await openTunnel({
    ...planOf({ target: deaf.port }),
    agentLimits: { dialTimeout: '500ms' },
  })
  await refusedWith(t, tunnel, 'target_timeout', 'both')
})

test.serial('a target outside the networks that its agent allows: target_denied', async (t) => {
  t.timeout(180_000)
  await using echo = await startEcho()
  const outside = { target: `localhost:${echo.port}`, within: ['10.0.0.0/8'] }
  await using tunnel = await openTunnel(planOf(outside))
  await refusedWith(t, tunnel, 'target_denied', 'both')
  t.is(echo.accepted, 0)
})

test.serial('a service that its agent does not know: unknown_service', async (t) => {
  t.timeout(180_000)
  await using tunnel = await openTunnel(planOf({ target: 9, exposed: false }))
  await refusedWith(t, tunnel, 'unknown_service', 'relay')
})

test.serial('an agent that is not there: no_agent', async (t) => {
  t.timeout(180_000)
  await using tunnel = await openTunnel({
    ...planOf({ target: 9 }),
    absent: ['plant-1'],
    relayLimits: { park: '200ms' },
  })
  await refusedWith(t, tunnel, 'no_agent', 'relay')
})

test.serial('a source that no rule allows: denied_by_policy', async (t) => {
  t.timeout(180_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel({
    ...planOf({ target: echo.port }),
    policy: [{ rule: 'one neighbour', from: ['127.0.0.2'], to: ['plant-1/any'] }],
  })
  await refusedWith(t, tunnel, 'denied_by_policy', 'relay')
  t.is(echo.accepted, 0)
  const neighbour = await consumerOf(tunnel.port('plant-1/any'), '127.0.0.2')
  t.true(await echoes(neighbour, 'hello'))
  neighbour.destroy()
})

function planOf(service: ServicePlan): { readonly services: Record<string, ServicePlan> } {
  return { services: { 'plant-1/any': service } }
}

/** One consumer comes, sees nothing but a reset in time, and the logs know this code only. */
async function refusedWith(
  t: ExecutionContext,
  tunnel: Tunnel,
  code: string,
  loggedBy: 'relay' | 'both',
): Promise<void> {
  const start = performance.now()
  const ending = await readToEnd(await consumerOf(tunnel.port('plant-1/any')))
  const tookMs = performance.now() - start
  t.is(ending.bytes.length, 0)
  t.is(ending.by, 'reset')
  t.true(tookMs < resetWithinMs, `${tookMs} ms`)
  const logs =
    loggedBy === 'both' ? [tunnel.relay, tunnel.agent('plant-1').process] : [tunnel.relay]
  for (const log of logs) {
    await log.waitForCode(code)
    const confused = log.records.filter(
      (record) => record.code !== code && reasons.includes(String(record.code)),
    )
    t.deepEqual(confused, [])
  }
}

const reasons = [
  'target_refused',
  'target_unreachable',
  'target_timeout',
  'target_denied',
  'unknown_service',
  'no_agent',
  'denied_by_policy',
]

/** A listener whose queue is full and whose process is stopped: what dials it hears nothing. */
async function startDeafTarget(): Promise<{ readonly port: number } & AsyncDisposable> {
  const script = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 },
    function () { console.log('port ' + this.address().port) })`
  const child = new Child(process.execPath, ['-e', script])
  const [, digits] = await child.waitForLine(/^port (\d+)$/)
  const port = Number(digits)
  child.signal('SIGSTOP')
  const fillers = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy()
      await child.end()
    },
  }
}
