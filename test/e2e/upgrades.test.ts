/**
 * Requests for a WebSocket at a live relay: from every kind of page, on every path, and in
 * protocols that it does not speak.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import test from 'ava'
import { authorityPaths } from '../../certs/store.ts'
import { mebibyte, residentBytes } from '../support/memory.ts'
import { Eavesdropper, upgradeRequest } from '../support/raw-websocket.ts'
import { consumerOf, echoes, startEcho } from '../support/tcp.ts'
import { openTunnel, type Tunnel } from '../support/tunnel.ts'
import { within } from '../support/within.ts'

const page = 'https://todo.plant.test'

/** A connection of a stranger to the gate. */
async function secured(tunnel: Tunnel, options: ConnectionOptions = {}): Promise<Eavesdropper> {
  const socket = connect({
    host: '127.0.0.1',
    port: tunnel.listenPort,
    servername: 'localhost',
    ca: await readFile(authorityPaths(tunnel.store).certificateFile, 'utf8'),
    ...options,
  })
  const heard = new Eavesdropper(socket)
  await within('TLS', once(socket, 'secureConnect'))
  return heard
}

/** The status of the answer to these bytes, 0 for none. */
async function statusFor(tunnel: Tunnel, bytes: string): Promise<number> {
  const heard = await secured(tunnel)
  heard.socket.write(bytes)
  const answered = heard.take('\r\n').then((line) => Number(line.slice(9, 12)))
  const status = await Promise.race([answered, heard.gone.then(() => answered.catch(() => 0))])
  heard.socket.destroy()
  return status
}

/** What a page of the listed origin is not. */
const foreign: readonly string[] = [
  'null',
  '',
  'https://evil.test',
  'http://todo.plant.test',
  'wss://todo.plant.test',
  'https://todo.plant.test:8443',
  'https://todo.plant.test:443',
  'https://todo.plant.test/',
  'https://todo.plant.test/page',
  'https://todo.plant.test.evil.test',
  'https://todo.plant.testevil',
  'https://todo.plant.tes',
  'https://x.todo.plant.test',
  'https://xtodo.plant.test',
  'https://plant.test',
  'https://evil.test#https://todo.plant.test',
  'https://todo.plant.test@evil.test',
  'https://Todo.plant.test',
  'HTTPS://todo.plant.test',
  'https://todo.plant.test.',
  'https://todo。plant。test',
  'todo.plant.test',
  `${page} ${page}`,
  `${page}, ${page}`,
  `https://evil.test, ${page}`,
  '*',
  'file://',
  'chrome-extension://todo.plant.test',
]

test.serial('only pages of the very origin that is listed come in (W11)', async (t) => {
  t.timeout(180_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel({
    services: {
      'plant-1/any': { target: echo.port, websocket: '/any', origins: [page] },
      'plant-1/bare': { target: echo.port, websocket: '/bare' },
    },
  })
  const asked = async (path: string, origin: string | undefined): Promise<number> =>
    await statusFor(tunnel, upgradeRequest(path, { Origin: origin }))
  const denied = async (answer: () => Promise<number>, what: string): Promise<void> => {
    const from = tunnel.relay.here
    t.is(await answer(), 403, what)
    await tunnel.relay.waitForCode('origin_denied', { from })
  }
  for (const origin of foreign) await denied(() => asked('/any', origin), origin)
  for (const origin of [page, 'null']) await denied(() => asked('/bare', origin), origin)
  const twice = upgradeRequest('/any', { Origin: page, origin: page })
  await denied(() => statusFor(tunnel, twice), 'two Origins')
  t.is(echo.accepted, 0)

  // Whoever is no page says no Origin, and a certificate or an address speaks for him.
  t.is(await asked('/any', undefined), 101)
  t.is(await asked('/any', page), 101)
  t.is(await asked('/bare', undefined), 101)
})

const paths: readonly string[] = [
  '/',
  '/any',
  '/mqtt',
  '/ws',
  '/sallyport/',
  '/sallyport/any',
  '/healthz',
  '/status',
  '/metrics',
  '/enrol',
  '/renew',
  '/crl',
  '/admin',
  '/dashboard',
  '/api',
  '/socket.io/?EIO=4&transport=websocket',
  '/.well-known/acme-challenge/x',
  '/__proto__',
  '/constructor',
  '//',
  '/%2e%2e/sallyport',
  `/${'x'.repeat(2_000)}`,
]

/** What the admin port has, whether or not an upgrade is asked for. */
const served: readonly string[] = ['/healthz', '/status', '/metrics']

test.serial(
  'an upgrade on the path of what is not there is refused, at each port (W9)',
  async (t) => {
    t.timeout(180_000)
    await using echo = await startEcho()
    await using tunnel = await openTunnel({ services: { 'plant-1/any': { target: echo.port } } })
    for (const path of paths) {
      t.is(await statusFor(tunnel, upgradeRequest(path)), 404, path)
      const onAdmin = await adminStatusFor(tunnel, upgradeRequest(path, { Host: '127.0.0.1' }))
      t.is(onAdmin, served.includes(path) ? 200 : 404, `${path} of admin`)
    }
    t.is(await statusFor(tunnel, upgradeRequest('/sallyport')), 401, 'who has no certificate')
    t.is(echo.accepted, 0)
    const consumer = await consumerOf(tunnel.port('plant-1/any'))
    t.true(await echoes(consumer, 'hello'))
    consumer.destroy()
  },
)

async function adminStatusFor(tunnel: Tunnel, bytes: string): Promise<number> {
  const socket = connectTcp({ host: '127.0.0.1', port: tunnel.adminPort })
  socket.on('error', () => {}).write(bytes)
  const [answer] = (await within('an answer', once(socket, 'data'))) as [Buffer]
  socket.destroy()
  return Number(answer.toString('latin1', 9, 12))
}

test.serial('HTTP/1.1 is all that is spoken, and its headers are few (X6)', async (t) => {
  t.timeout(180_000)
  await using tunnel = await openTunnel({ services: { 'plant-1/any': { target: 9 } } })
  const both = await secured(tunnel, { ALPNProtocols: ['h2', 'http/1.1'] })
  t.is(both.socket.alpnProtocol, 'http/1.1')
  both.socket.destroy()
  await t.throwsAsync(secured(tunnel, { ALPNProtocols: ['h2'] }), {
    code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
  })
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
  const settings = '\0\0\u0006\u0004\0\0\0\0\0\0\u0004\0\0\0\0'
  t.is(await statusFor(tunnel, preface + settings), 400)
  const upgraded = { Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': 'AA' }
  t.is(await statusFor(tunnel, upgradeRequest('/', upgraded)), 400)

  // What a compression bomb would unpack to comes as itself, and is not kept.
  const resident = residentBytes(tunnel.relay.pid)
  const cookie = `Cookie: ${'a=b; '.repeat(1_000)}\r\n`
  for (let count = 0; count < 50; count += 1) {
    const status = await statusFor(tunnel, `GET / HTTP/1.1\r\nHost: x\r\n${cookie.repeat(100)}\r\n`)
    t.true(status === 431 || status === 0, `${status}`)
  }
  const grownBytes = residentBytes(tunnel.relay.pid) - resident
  t.true(grownBytes < 64 * mebibyte, `the relay has grown by ${grownBytes} bytes`)
})
