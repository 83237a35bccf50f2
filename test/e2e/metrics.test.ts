/** What a running relay tells Prometheus, asked as anybody on its machine would ask. */

import { type ReadFamily, readExposition } from '../support/exposition.ts'
import { exchange } from '../support/hash.ts'
import { run } from '../support/process.ts'
import { programPath, testWith } from '../support/program.ts'
import { consumerOf, readToEnd, startTarget } from '../support/tcp.ts'
import { openTunnel } from '../support/tunnel.ts'

const service = 'plant-1/any'
const bytes = 3_000_000

testWith('curl')('curl sees the bytes of an agent grow, its cuts and a refusal', async (t) => {
  t.timeout(90_000)
  await using target = await startTarget()
  await using tunnel = await openTunnel({
    services: { [service]: { target: target.port }, 'plant-1/shut': { target: 9 } },
    policy: [{ rule: 'one of them', from: ['127.0.0.0/8'], to: [service] }],
    agentLimits: { carriers: 1 },
  })
  const look = async (): Promise<Look> => {
    const url = `http://127.0.0.1:${tunnel.adminPort}/metrics`
    return new Look(readExposition(await run(programPath('curl'), ['-sS', '-f', url])))
  }
  const ofAgent = { agent: 'agent/plant-1' }
  const before = await look()
  t.is(before.value('agents', { state: 'up' }), 1)
  t.is(before.value('streams', { state: 'led' }), 0)

  const consumer = await consumerOf(tunnel.port(service))
  const served = await target.next()
  await Promise.all([exchange(consumer, 1, bytes), exchange(served, 2, bytes)])
  const meanwhile = await look()
  for (const way of ['received', 'sent']) {
    const name = `agent_${way}_bytes_total`
    const grown = (meanwhile.value(name, ofAgent) ?? 0) - (before.value(name, ofAgent) ?? 0)
    t.true(grown > bytes && grown < 1.2 * bytes, `${grown} bytes ${way}`)
  }
  t.is(meanwhile.value('streams', { state: 'led' }), 1)
  t.is(meanwhile.value('consumers'), 1)
  t.true((meanwhile.value('agent_silence_seconds', ofAgent) ?? 99) < 10)

  const { process: agent, proxy } = tunnel.agent('plant-1')
  const from = agent.here
  proxy.cut()
  await agent.waitForMessage('link ready', { from })
  const refused = await consumerOf(tunnel.port('plant-1/shut'))
  t.is((await readToEnd(refused)).by, 'reset')
  consumer.destroy()
  served.destroy()
  await tunnel.relay.waitForMessage('stream ended')
  const after = await look()
  t.is(after.value('agent_cuts_total', ofAgent), 1)
  t.is(after.value('carriers_ended_total', { code: 'carrier_lost' }), 1)
  t.is(after.value('refusals_total', { by: 'switch', code: 'denied_by_policy' }), 1)
  t.is(after.value('streams', { state: 'led' }), 0)
  t.is(after.value('stalls_total'), 0)
})

/** One answer. */
class Look {
  readonly #families: ReadonlyMap<string, ReadFamily>

  constructor(families: ReadonlyMap<string, ReadFamily>) {
    this.#families = families
  }

  value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    return this.#families.get(`sallyport_${name}`)?.samples.get(JSON.stringify(labels))
  }
}
