/**
 * The WebSocket ingress: a browser's MQTT over a path of the relay reaches a plain TCP broker, and
 * only from pages that may.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connectAsync } from 'mqtt'
import { WebSocket } from 'ws'
import { authorityPaths } from '../../certs/store.ts'
import { startMosquitto } from '../support/mosquitto.ts'
import { serialTestWith } from '../support/program.ts'
import { openTunnel, type Tunnel, type TunnelPlan } from '../support/tunnel.ts'
import { within } from '../support/within.ts'

const page = 'https://todo.plant.test'
const withMosquitto = serialTestWith('mosquitto')

function planFor(brokerPort: number): TunnelPlan {
  const mqtt = { target: brokerPort, websocket: '/mqtt', origins: [page] }
  return { services: { 'plant-1/mqtt': mqtt } }
}

async function trusting(tunnel: Tunnel): Promise<{ readonly ca: string }> {
  return { ca: await readFile(authorityPaths(tunnel.store).certificateFile, 'utf8') }
}

withMosquitto('MQTT.js talks to a plain TCP broker over a WebSocket', async (t) => {
  t.timeout(180_000)
  await using broker = await startMosquitto()
  await using tunnel = await openTunnel(planFor(broker.port))
  const url = `wss://localhost:${tunnel.listenPort}/mqtt`
  const wsOptions = { ...(await trusting(tunnel)), origin: page }
  const client = await connectAsync(url, { wsOptions, protocolVersion: 5 })
  try {
    const body = 'water the plants '.repeat(10_000)
    const heard = new Promise<[string, Buffer]>((resolve) => {
      client.once('message', (topic, payload) => resolve([topic, payload]))
    })
    await client.subscribeAsync('todo', { qos: 2 })
    await client.publishAsync('todo', body, { qos: 2 })
    const [topic, payload] = await within('the message', heard)
    t.is(topic, 'todo')
    t.is(payload.toString(), body)
  } finally {
    await client.endAsync(true)
  }
})

withMosquitto('the sub-protocol that the page asks for is echoed', async (t) => {
  t.timeout(180_000)
  await using broker = await startMosquitto()
  await using tunnel = await openTunnel(planFor(broker.port))
  const options = { ...(await trusting(tunnel)), origin: page }
  const socket = new WebSocket(`wss://localhost:${tunnel.listenPort}/mqtt`, ['mqtt'], options)
  await within('an open socket', once(socket, 'open'))
  t.is(socket.protocol, 'mqtt')
  socket.close()
  await within('its end', once(socket, 'close'))
})

withMosquitto('a page of another origin is answered 403, and the log says why', async (t) => {
  t.timeout(180_000)
  await using broker = await startMosquitto()
  await using tunnel = await openTunnel(planFor(broker.port))
  const trust = await trusting(tunnel)
  const wrong = [
    'https://evil.test',
    'http://todo.plant.test',
    `${page}:8443`,
    `${page}.evil.test`,
    'https://x.todo.plant.test',
    'null',
  ]
  for (const origin of wrong) {
    const options = { ...trust, origin }
    const socket = new WebSocket(`wss://localhost:${tunnel.listenPort}/mqtt`, ['mqtt'], options)
    socket.on('error', () => {})
    const refused = once(socket, 'unexpected-response') as Promise<
      [unknown, { statusCode: number }]
    >
    const from = tunnel.relay.here
    const [, response] = await within(`a refusal of ${origin}`, refused)
    t.is(response.statusCode, 403, origin)
    await tunnel.relay.waitForCode('origin_denied', { from: Math.max(0, from - 1) })
    socket.terminate()
  }
})
