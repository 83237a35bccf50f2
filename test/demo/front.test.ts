/**
 * Tests the demo's front: what it passes on, to where, and what it refuses before anybody is asked.
 */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { Front } from '../../demo/front.ts'
import { startWebServer } from '../support/http.ts'
import { freePort } from '../support/ports.ts'
import { consumerOf, read, readToEnd, startTarget } from '../support/tcp.ts'

const nowhere = { relayPort: 1, authority: '', webSocketPaths: ['/mqtt'] }

/** The loopback names that a browser may have been led here by. */
const ownHosts = (port: number): readonly string[] => [
  `localhost:${port}`,
  `127.0.0.1:${port}`,
  `[::1]:${port}`,
]

test('requests go to the todo server as they are, and answers come back', async (t) => {
  await using server = await startWebServer()
  await using front = await Front.open(0)
  front.serve({ ...nowhere, webPort: server.port })
  const body = 'x'.repeat(200_000)
  const answer = await said(front.port, { method: 'POST', path: '/some?where', body })
  t.is(answer.statusCode, 200)
  t.is(answer.headers['x-method'], 'POST')
  t.is(await text(answer), body)
})

test('before it serves, and when the way is gone, it says to come again', async (t) => {
  await using front = await Front.open(0)
  t.is((await said(front.port, {})).statusCode, 503)
  front.serve({ ...nowhere, webPort: await freePort() })
  const answer = await said(front.port, {})
  t.is(answer.statusCode, 503)
  t.is(answer.headers.refresh, '1')
})

test('A1: whoever was led here by another name is not answered, whatever is asked', async (t) => {
  await using server = await startWebServer()
  await using front = await Front.open(0)
  front.serve({ ...nowhere, webPort: server.port })
  front.mount((_, response) => response.end('own'))
  for (const host of ownHosts(front.port)) {
    t.is((await said(front.port, { host })).statusCode, 200, host)
    t.is((await said(front.port, { host, path: '/path' })).statusCode, 200, host)
  }
  const foreign = ['rebound.example.com', `localhost.example.com:${front.port}`, '127.0.0.1.nip.io']
  for (const host of foreign) {
    t.is((await said(front.port, { host })).statusCode, 421, host)
    t.is((await said(front.port, { host, path: '/path' })).statusCode, 421, host)
    const refusal = await upgraded(front.port, '/mqtt', { host, origin: `http://${host}` })
    t.regex(refusal, /^HTTP\/1\.1 403 /, host)
  }
})

test('W11: what changes something is done for a page of this address only', async (t) => {
  await using server = await startWebServer()
  await using front = await Front.open(0)
  front.serve({ ...nowhere, webPort: server.port })
  front.mount((_, response) => response.end('own'))
  const own = `http://localhost:${front.port}`
  const foreign = [
    undefined,
    'null',
    'http://localhost',
    `http://localhost:${front.port}0`,
    `http://127.0.0.1:${front.port}`,
    `https://localhost:${front.port}`,
    `http://evil.example`,
    `${own}.evil.example`,
    own.toUpperCase(),
  ]
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
    for (const path of ['/path/break/cut', '/socket.io/']) {
      t.is((await said(front.port, { method, path, origin: own })).statusCode, 200)
      for (const origin of foreign) {
        const { statusCode } = await said(front.port, { method, path, origin: origin ?? '' })
        t.is(statusCode, 403, `${method} ${path} from ${origin}`)
      }
    }
  }
  for (const origin of foreign.slice(1)) {
    const refusal = await upgraded(front.port, '/socket.io/', { origin })
    t.regex(refusal, /^HTTP\/1\.1 403 /, origin)
  }
})

test('an upgrade of Socket.IO is joined to the todo server, byte for byte', async (t) => {
  await using target = await startTarget()
  await using front = await Front.open(0)
  front.serve({ ...nowhere, webPort: target.port })
  const consumer = await consumerOf(front.port)
  const head = upgradeHead('/socket.io/?EIO=4', {
    host: `localhost:${front.port}`,
    origin: `http://localhost:${front.port}`,
  })
  consumer.write(`${head}at once`)
  const server = await target.next()
  t.is((await read(server, head.length + 7)).toString(), `${head}at once`)
  server.write('back')
  t.is((await read(consumer, 4)).toString(), 'back')
  consumer.end()
  t.is((await readToEnd(server)).by, 'fin')
})

test('there is no WebSocket elsewhere', async (t) => {
  await using front = await Front.open(0)
  front.serve({ ...nowhere, webPort: 1 })
  const origin = `http://localhost:${front.port}`
  for (const path of ['/', '/path', '/mqtt/', '/mqtt/../amqp', '/socket.io', '/sallyport']) {
    t.regex(await upgraded(front.port, path, { origin }), /^HTTP\/1\.1 404 /, path)
  }
})

interface Question {
  readonly method?: string
  readonly path?: string
  readonly host?: string
  /** Empty for none; by default the address that is asked. */
  readonly origin?: string
  readonly body?: string
}

async function said(port: number, question: Question): Promise<IncomingMessage> {
  const { method = 'GET', path = '/', host = `localhost:${port}`, body = '' } = question
  const { origin = `http://${host}` } = question
  const headers = { host, ...(origin !== '' && { origin }) }
  const asked = request({ host: '127.0.0.1', port, path, method, headers, agent: false })
  asked.end(body)
  const [answer] = (await once(asked, 'response')) as [IncomingMessage]
  if (answer.statusCode !== 200) answer.resume()
  return answer
}

function upgradeHead(
  path: string,
  { host, origin }: { readonly host: string; readonly origin?: string | undefined },
): string {
  const lines = [`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: Upgrade']
  lines.push('Upgrade: websocket', 'Sec-WebSocket-Version: 13')
  if (origin !== undefined) lines.push(`Origin: ${origin}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** The first bytes that an upgrade is answered with. */
async function upgraded(
  port: number,
  path: string,
  { host = `localhost:${port}`, origin }: { host?: string; origin?: string | undefined },
): Promise<string> {
  const consumer = await consumerOf(port)
  consumer.write(upgradeHead(path, { host, origin }))
  const bytes = await read(consumer, 'HTTP/1.1 403 '.length)
  consumer.destroy()
  return bytes.toString()
}
