/**
 * A relay that is told to stop: streams between agents go to another relay without a pause that
 * anybody sees, those of its own doors have until the deadline, and new ones go elsewhere.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { WebSocket } from 'ws'
import { authorityPaths } from '../../certs/store.ts'
import { Fleet } from '../support/fleet.ts'
import { exchange } from '../support/hash.ts'
import type { Door } from '../support/hostile-agent.ts'
import type { LogRecord } from '../support/sallyport.ts'
import { consumerOf, echoes, readToEnd, startEcho, startTarget } from '../support/tcp.ts'
import { within } from '../support/within.ts'

const service = 'plant-1/any'
const agents = ['desk-1', 'plant-1']
const plan = { forwards: { 'desk-1': [service] } }

/** Half a second that no user sees, and a busy machine; the liveness time would be ten. */
const pauseMsMax = 5_000

test.serial(
  'a rolling restart of two relays under load loses nothing, without a pause',
  async (t) => {
    t.timeout(360_000)
    await using target = await startTarget()
    await using fleet = await Fleet.open(2, {
      ...plan,
      services: { [service]: { target: target.port } },
    })
    const consumer = await consumerOf(fleet.forwardPort('desk-1', service))
    const served = await target.next()
    const idle = await consumerOf(fleet.forwardPort('desk-1', service))
    const bytes = 60_000_000
    let heardAt = performance.now()
    let pauseMs = 0
    let rolls: Promise<void> | undefined
    const progress = (): void => {
      const now = performance.now()
      pauseMs = Math.max(pauseMs, now - heardAt)
      heardAt = now
      rolls ??= roll(fleet)
    }
    const [near, far] = await Promise.all([
      exchange(consumer, 1, bytes, progress),
      exchange(served, 2, bytes),
    ])
    await rolls
    t.is(far.received, near.sent)
    t.is(near.received, far.sent)
    t.true(pauseMs < pauseMsMax, `${Math.round(pauseMs)} ms`)
    const other = await target.next()
    other.pipe(other)
    t.true(await echoes(idle, 'an idle stream has moved, too'))
    t.is(target.accepted, 2)
    for (const name of agents) {
      const lost = fleet
        .agent(name)
        .process.records.filter(({ message }) => /lost/.test(`${message}`))
      t.deepEqual(
        lost.filter(({ stream }) => stream !== undefined),
        [],
      )
    }
    consumer.destroy()
    idle.destroy()
  },
)

/** Both relays, one after the other, as an operator would: the next once all links are back. */
async function roll(fleet: Fleet): Promise<void> {
  for (const index of [0, 1]) {
    const status = await fleet.restartRelay(index, 'SIGTERM')
    if (status !== 0) throw new Error(`relay ${index} ended with ${status}`)
  }
}

test.serial(
  'while it drains a relay is not ready, takes nobody in, and serves who is in',
  async (t) => {
    t.timeout(240_000)
    await using echo = await startEcho()
    await using fleet = await Fleet.open(1, {
      services: { [service]: { target: echo.port, websocket: '/any' } },
      relayLimits: { drain: '6s' },
    })
    const { process } = fleet.relay(0)
    const port = fleet.port(0, service)
    const consumer = await consumerOf(port)
    t.true(await echoes(consumer, 'before'))
    const health = async () => await fetch(`http://127.0.0.1:${fleet.adminPort(0)}/healthz`)
    t.is((await health()).status, 200)
    const start = performance.now()
    process.signal('SIGTERM')
    await fleet.agent('plant-1').process.waitForCode('drain')
    t.is((await health()).status, 503)
    t.true(await echoes(consumer, 'meanwhile'))
    const { code, message } = await refusalOf(fleet.door(0))
    t.is(code, 'drain', String(message))
    const late = await consumerOf(port)
    t.true(late.destroyed, 'nobody listens any more')
    const ending = await readToEnd(consumer)
    const tookMs = performance.now() - start
    t.is(ending.by, 'reset')
    t.true(tookMs >= 5_900 && tookMs < 9_900, `${tookMs} ms`)
    await process.waitForCode('shutdown')
    t.is((await process.waitForExit()).status, 0)
  },
)

/** How a WebSocket of a consumer is refused. */
async function refusalOf({ store, listenPort }: Door): Promise<LogRecord> {
  const ca = await readFile(authorityPaths(store).certificateFile, 'utf8')
  const socket = new WebSocket(`wss://127.0.0.1:${listenPort}/any`, { ca })
  socket.on('error', () => {})
  const refused = once(socket, 'unexpected-response') as Promise<[unknown, IncomingMessage]>
  const [, response] = await within('a refusal', refused)
  if (response.statusCode !== 503) throw new Error(`status ${response.statusCode}`)
  return JSON.parse(await text(response)) as LogRecord
}

test.serial('a relay whose last stream has ended does not wait for its deadline', async (t) => {
  t.timeout(240_000)
  await using echo = await startEcho()
  await using fleet = await Fleet.open(1, {
    services: { [service]: { target: echo.port } },
    relayLimits: { drain: '1m' },
  })
  const { process } = fleet.relay(0)
  const consumer = await consumerOf(fleet.port(0, service))
  t.true(await echoes(consumer, 'before'))
  process.signal('SIGTERM')
  await fleet.agent('plant-1').process.waitForCode('drain')
  consumer.end()
  t.is((await readToEnd(consumer)).by, 'fin')
  t.is((await process.waitForExit()).status, 0)
})

test.serial(
  'R8: the other relay is cut off while streams move to it from one that drains',
  async (t) => {
    t.timeout(240_000)
    await using target = await startTarget()
    await using fleet = await Fleet.open(2, {
      ...plan,
      services: { [service]: { target: target.port } },
      relayLimits: { drain: '20s' },
    })
    const consumer = await consumerOf(fleet.forwardPort('desk-1', service))
    const served = await target.next()
    const desk = fleet.agent('desk-1')
    let step = 0
    const disturb = (): void => {
      step += 1
      if (step === 1) fleet.relay(0).process.signal('SIGTERM')
      const isTime = step % 20 === 2 && step < 200
      if (isTime) fleet.agent(step % 40 === 2 ? 'plant-1' : 'desk-1').proxies[1]?.cut()
    }
    const bytes = 20_000_000
    const [near, far] = await Promise.all([
      exchange(consumer, 1, bytes, disturb),
      exchange(served, 2, bytes),
    ])
    t.true(step >= 200, `${step} arrivals`)
    t.is(far.received, near.sent)
    t.is(near.received, far.sent)
    t.is((await fleet.relay(0).process.waitForExit(60_000)).status, 0)
    consumer.end()
    served.end()
    t.is((await desk.process.waitForMessage('stream ended')).relay, fleet.placeOf('desk-1', 1))
  },
)
