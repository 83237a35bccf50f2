/**
 * Several relays: an agent keeps a link to each of its list, opens at the best one, and its streams
 * go to another one when theirs is lost, byte for byte.
 */
import test from 'ava'
import { Fleet } from '../support/fleet.ts'
import { exchange } from '../support/hash.ts'
import { consumerOf, echoes, startEcho, startTarget } from '../support/tcp.ts'

const service = 'plant-1/any'
const plan = { forwards: { 'desk-1': [service] } }
/** What a busy machine may add; an opening would be parked for longer. */
const slackMs = 4_500

test.serial(
  'streams between agents outlive the relay that carries them, killed in turn',
  async (t) => {
    t.timeout(240_000)
    await using target = await startTarget()
    await using fleet = await Fleet.open(2, {
      ...plan,
      services: { [service]: { target: target.port } },
    })
    const consumer = await consumerOf(fleet.forwardPort('desk-1', service))
    const served = await target.next()
    const bytes = 30_000_000
    let kills = 0
    const killing: Promise<unknown>[] = []
    const killNow = (received: number): void => {
      if (received < (kills + 1) * 7_000_000 || kills === 3) return
      const index = kills % 2
      kills += 1
      const last = killing.at(-1) ?? Promise.resolve()
      killing.push(last.then(async () => await fleet.restartRelay(index, 'SIGKILL')))
    }
    const [near, far] = await Promise.all([
      exchange(consumer, 1, bytes, killNow),
      exchange(served, 2, bytes),
    ])
    await Promise.all(killing)
    t.is(kills, 3)
    t.is(far.received, near.sent)
    t.is(near.received, far.sent)
    t.is(target.accepted, 1)
    consumer.destroy()
  },
)

test.serial(
  'a black relay is left within the liveness time, and openings go past it',
  async (t) => {
    t.timeout(240_000)
    await using echo = await startEcho()
    const livenessMs = 2_000
    await using fleet = await Fleet.open(2, {
      ...plan,
      services: { [service]: { target: echo.port } },
      relayLimits: { liveness: '2s' },
    })
    const port = fleet.forwardPort('desk-1', service)
    const consumer = await consumerOf(port)
    t.true(await echoes(consumer, 'before'))
    const start = performance.now()
    for (const name of ['desk-1', 'plant-1']) fleet.agent(name).proxies[0]?.blackHole(true)
    t.true(await echoes(consumer, 'after'))
    t.true(performance.now() - start < livenessMs + slackMs)
    const fresh = await consumerOf(port)
    const opened = performance.now()
    t.true(await echoes(fresh, 'new'))
    t.true(performance.now() - opened < slackMs)
    t.is(echo.accepted, 2)
    consumer.destroy()
    fresh.destroy()
  },
)

test.serial(
  'an agent away at one relay is found at the other, and logs name the relay',
  async (t) => {
    t.timeout(240_000)
    await using echo = await startEcho()
    await using fleet = await Fleet.open(2, {
      ...plan,
      services: { [service]: { target: echo.port } },
    })
    const plant = fleet.agent('plant-1')
    const from = plant.process.here
    const [first] = plant.proxies
    if (first === undefined) return t.fail()
    first.blackHole(true)
    first.cut()
    await plant.process.waitForCode('carrier_lost', { from })
    const consumer = await consumerOf(fleet.forwardPort('desk-1', service))
    t.true(await echoes(consumer, 'hello', 8_000))
    consumer.end()
    const ended = await fleet.agent('desk-1').process.waitForMessage('stream ended')
    t.is(ended.relay, fleet.placeOf('desk-1', 1))
    t.is((await plant.process.waitForMessage('stream ended')).relay, fleet.placeOf('plant-1', 1))
  },
)

test.serial(
  'streams are opened at the relay that answers fastest, whatever its place',
  async (t) => {
    t.timeout(240_000)
    await using echo = await startEcho()
    await using fleet = await Fleet.open(2, {
      ...plan,
      services: { [service]: { target: echo.port } },
      relayLimits: { liveness: '2s' },
    })
    const { process, proxies } = fleet.agent('desk-1')
    const relayOfNext = async (): Promise<unknown> => {
      const from = process.here
      const consumer = await consumerOf(fleet.forwardPort('desk-1', service))
      t.true(await echoes(consumer, 'which way'))
      consumer.end()
      return (await process.waitForMessage('stream ended', { from })).relay
    }
    for (const [slow, fast] of [
      [0, 1],
      [1, 0],
    ] as const) {
      for (const [index, proxy] of proxies.entries()) proxy.delayMs = index === slow ? 150 : 0
      const deadline = performance.now() + 60_000
      let relay = await relayOfNext()
      while (relay !== fleet.placeOf('desk-1', fast) && performance.now() < deadline) {
        relay = await relayOfNext()
      }
      t.is(relay, fleet.placeOf('desk-1', fast))
    }
  },
)
