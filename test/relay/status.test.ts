/** Tests what the relay tells its own machine: the data path, and to nobody who was led there. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import test from 'ava'
import {
  type AgentStatus,
  openStatus,
  type RelayStatus,
  serviceStatus,
} from '../../relay/status.ts'

const agent: AgentStatus = {
  agent: 'agent/plant-1',
  state: 'up',
  carriers: 1,
  streams: 0,
  cuts: 0,
  receivedBytes: 0,
  sentBytes: 0,
  services: ['mqtt'],
}

const well: RelayStatus = {
  healthy: true,
  draining: false,
  agents: [agent],
  services: [{ service: 'plant-1/mqtt', state: 'up' }],
  streams: 0,
  memoryBytes: 0,
}

const anyPort = { host: '127.0.0.1', port: 0 }

test('a service is what its agent is, and never more', (t) => {
  const cases = [
    [[], 'down', 'its agent is not connected'],
    [[agent], 'up', undefined],
    [[{ ...agent, services: ['ldap'] }], 'down', 'its agent does not expose it'],
    [[{ ...agent, state: 'silent' }], 'held', 'its agent is silent'],
    [[{ ...agent, state: 'away' }], 'held', 'its agent is away'],
    [[{ ...agent, agent: 'agent/plant-2' }], 'down', 'its agent is not connected'],
  ] as const
  for (const [agents, state, reason] of cases) {
    const [status] = serviceStatus([{ name: 'plant-1/mqtt' }], agents)
    t.deepEqual([status?.service, status?.state, status?.reason], ['plant-1/mqtt', state, reason])
  }
})

test('health is 200 while every service is up, and 503 otherwise', async (t) => {
  let status = well
  await using server = await openStatus(anyPort, { status: () => status, metrics: () => '' })
  t.is((await get(server.address.port, '/healthz')).statusCode, 200)
  status = { ...well, healthy: false }
  t.is((await get(server.address.port, '/healthz')).statusCode, 503)
  t.deepEqual(JSON.parse(await text(await get(server.address.port, '/status'))), status)
})

test('metrics say which format they have, and are read anew each time', async (t) => {
  let count = 0
  const metrics = (): string => {
    count += 1
    return `a_total ${count}\n`
  }
  await using server = await openStatus(anyPort, { status: () => well, metrics })
  for (const wanted of ['a_total 1\n', 'a_total 2\n']) {
    const answer = await get(server.address.port, '/metrics')
    t.is(answer.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
    t.is(await text(answer), wanted)
  }
  t.is((await get(server.address.port, '/metrics', 'rebound.example.com')).statusCode, 421)
})

test('A1: a name that is no loopback is not answered, whatever it resolves to', async (t) => {
  await using server = await openStatus(anyPort, { status: () => well, metrics: () => '' })
  const { port } = server.address
  for (const host of ['127.0.0.1', '127.0.0.1:9470', 'localhost', 'localhost:9470', '[::1]:9470']) {
    t.is((await get(port, '/status', host)).statusCode, 200, host)
  }
  for (const host of ['rebound.example.com', 'localhost.example.com', '127.0.0.1.example.com']) {
    t.is((await get(port, '/status', host)).statusCode, 421, host)
  }
})

async function get(port: number, path: string, host = 'localhost'): Promise<IncomingMessage> {
  const asked = request({ host: '127.0.0.1', port, path, headers: { host } }).end()
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  return answer
}
