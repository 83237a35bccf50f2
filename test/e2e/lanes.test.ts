/** Several carriers to one relay: what befalls one is no matter to the streams of the others. */
import test, { type ExecutionContext } from 'ava'
import { exchange } from '../support/hash.ts'
import { consumerOf, echoes, startEcho, startTarget } from '../support/tcp.ts'
import { openTunnel, type Tunnel } from '../support/tunnel.ts'

const service = 'plant-1/any'

/** Resolves when the relay has this many carriers of the agent. */
async function carriers(tunnel: Tunnel, count: number): Promise<void> {
  const lanes = new Set<unknown>()
  const isLast = ({ message, lane }: Readonly<Record<string, unknown>>): boolean => {
    if (message === 'link up') lanes.add(lane)
    return lanes.size === count
  }
  await tunnel.relay.waitForRecord(isLast, `${count} carriers`)
}

async function status(tunnel: Tunnel): Promise<Readonly<Record<string, unknown>> | undefined> {
  const response = await fetch(`http://127.0.0.1:${tunnel.adminPort}/status`)
  const { agents } = (await response.json()) as {
    readonly agents: readonly Readonly<Record<string, unknown>>[]
  }
  return agents[0]
}

test.serial(
  'a carrier on which nothing passes stalls its own streams, and no others',
  async (t) => {
    t.timeout(120_000)
    await using echo = await startEcho()
    // So long that the silence is not noticed while the test looks.
    const limits = { liveness: '2m' }
    await using tunnel = await openTunnel({
      services: { [service]: { target: echo.port } },
      relayLimits: limits,
      agentLimits: limits,
    })
    await carriers(tunnel, 2)
    const opening = Array.from({ length: 6 }, () => consumerOf(tunnel.port(service)))
    const consumers = await Promise.all(opening)
    for (const consumer of consumers) t.true(await echoes(consumer, 'before'))

    const goOn = tunnel.agent('plant-1').proxy.stall(0)
    const answered: typeof consumers = []
    const half = Promise.withResolvers<void>()
    const answers = consumers.map(async (consumer) => {
      const isEchoed = await echoes(consumer, 'meanwhile', 60_000)
      answered.push(consumer)
      if (answered.length === 3) half.resolve()
      return isEchoed
    })
    await half.promise
    // A whole exchange on each of them, while the others wait.
    for (const consumer of [...answered]) t.true(await echoes(consumer, 'again'))
    t.is(answered.length, 3, 'streams are spread evenly, and those of the stalled carrier wait')
    goOn()
    t.deepEqual(await Promise.all(answers), Array(6).fill(true))
    for (const consumer of consumers) consumer.destroy()
  },
)

test.serial('streams move from a carrier that dies to the other, byte for byte', async (t) => {
  t.timeout(240_000)
  await using target = await startTarget()
  await using tunnel = await openTunnel({ services: { [service]: { target: target.port } } })
  await carriers(tunnel, 2)
  const { process: agent, proxy } = tunnel.agent('plant-1')
  const pairs = []
  for (let count = 0; count < 4; count += 1) {
    const consumer = await consumerOf(tunnel.port(service))
    pairs.push({ consumer, served: await target.next() })
  }
  const from = { agent: agent.here, relay: tunnel.relay.here }
  const bytes = 20_000_000
  let deaths = 0
  const kill = (received: number): void => {
    const isTime = received >= ((deaths + 1) * bytes) / 12
    // Never the last one: the agent is to be there all the time.
    if (deaths === 10 || !isTime || proxy.clientPorts.length < 2) return
    deaths += proxy.cut(0)
  }
  const ends = await Promise.all(
    pairs.map(async ({ consumer, served }, index) => {
      const near = exchange(consumer, index + 1, bytes, index === 0 ? kill : undefined)
      return await Promise.all([near, exchange(served, index + 101, bytes)])
    }),
  )
  for (const [near, far] of ends) {
    t.is(far.received, near.sent)
    t.is(near.received, far.sent)
  }
  t.true(deaths > 0)
  t.log(`${deaths} carriers died`)
  const said = tunnel.relay.records.slice(from.relay).map(({ message }) => String(message))
  t.true(said.some((message) => message.includes('others serve')))
  const told = agent.records.slice(from.agent).map(({ consequence }) => consequence)
  t.true(told.includes('streams go by another carrier'))
  for (const { consumer } of pairs) consumer.destroy()
})

test.serial('an agent has as many carriers as it wants, and as the relay takes', async (t) => {
  t.timeout(120_000)
  await wants(t, { carriers: 5 }, {}, 5)
  await wants(t, { carriers: 8 }, { carriersMax: 6 }, 3)
  await wants(t, { carriers: 1 }, {}, 1)
})

async function wants(
  t: ExecutionContext,
  agentLimits: Readonly<Record<string, number>>,
  relayLimits: Readonly<Record<string, number>>,
  count: number,
): Promise<void> {
  await using echo = await startEcho()
  await using tunnel = await openTunnel({
    services: { [service]: { target: echo.port } },
    agentLimits,
    relayLimits,
  })
  await carriers(tunnel, count)
  const consumer = await consumerOf(tunnel.port(service))
  t.true(await echoes(consumer, 'here'))
  t.like(await status(tunnel), { state: 'up', carriers: count, cuts: 0 })
  t.is(tunnel.agent('plant-1').proxy.connections, count)
  consumer.destroy()
}
