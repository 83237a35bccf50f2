/**
 * What the gateway that went before did wrong on its way into a firewall, done right here. The ids
 * of these failures stand in the titles; those of the todo list are in test/demo/todo.
 */
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import test from 'ava'
import { type Credentials, TestAuthority } from '../support/authority.ts'
import { Child } from '../support/process.ts'
import { entryPoint, Sallyport } from '../support/sallyport.ts'
import { consumerOf, echoes, readToEnd, startEcho } from '../support/tcp.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { openTunnel } from '../support/tunnel.ts'

test.serial(
  'B12: a consumer without an agent is told so; the next one finds the agent',
  async (t) => {
    t.timeout(180_000)
    await using echo = await startEcho()
    await using tunnel = await openTunnel({
      services: { 'plant-1/echo': { target: echo.port, websocket: '/echo' } },
      absent: ['plant-1'],
      relayLimits: { park: '200ms' },
    })
    for (let consumer = 0; consumer < 3; consumer += 1) {
      const from = tunnel.relay.here
      const ending = await readToEnd(await consumerOf(tunnel.port('plant-1/echo')), 4_500)
      t.is(ending.by, 'reset')
      await tunnel.relay.waitForCode('no_agent', { from })
    }
    await tunnel.startAgent('plant-1')
    const consumer = await consumerOf(tunnel.port('plant-1/echo'))
    t.true(await echoes(consumer, 'hello'))
    consumer.destroy()
  },
)

test.serial(
  'B13: an agent behind a proxy that reads TLS says who that is, and goes on',
  async (t) => {
    t.timeout(180_000)
    await using tunnel = await openTunnel({
      services: { 'plant-1/any': { target: 9 } },
      absent: ['plant-1'],
    })
    const company = await TestAuthority.create('Company Proxy CA')
    await using proxy = await interceptingProxy(await company.issue({ names: ['DNS:localhost'] }))
    const file = `relay: localhost:${proxy.port}\nname: plant-1\n`
    await writeFile(join(tunnel.folder, 'inside.yaml'), file)
    await using agent = new Sallyport(['agent', '--config', 'inside.yaml'], tunnel.folder)
    const { message } = await agent.waitForCode('tls_intercepted')
    t.regex(String(message), /Company Proxy CA/)
    t.true(agent.isRunning)
    t.is(proxy.requests, 0, 'nothing was said to the proxy')
  },
)

test.serial(
  'B14: what is wrong in a file is said at the start, and not at the first use',
  async (t) => {
    t.timeout(180_000)
    await using folder = await temporaryFolder()
    const relay = `name: relay.example.com
ciphers: TLS_AES_256_GCM_SHA385
services:
  plant-1/mqtt:
    tcp: 127.0.0.1:99999
policy:
  - rule: typo
    from: [agent/]
    to: [plant-1/mqtt]
`
    await writeFile(join(folder.path, 'relay.yaml'), relay)
    const args = [entryPoint, 'relay', '--config', 'relay.yaml']
    await using child = new Child(process.execPath, args, { folder: folder.path })
    t.is((await child.waitForExit()).status, 2)
    const said = child.lines.join('\n')
    for (const place of ['relay.yaml:2:', 'relay.yaml:5:', 'relay.yaml:8:']) {
      t.true(said.includes(place), said)
    }
  },
)

interface Proxy extends AsyncDisposable {
  readonly port: number
  /** How many requests it has read. */
  readonly requests: number
}

/** Ends TLS with a certificate of its own and knows no Upgrade, as such proxies do. */
async function interceptingProxy({ certificate, key }: Credentials): Promise<Proxy> {
  let requests = 0
  const server = createServer({ cert: certificate, key }, (socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      requests += 1
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get requests() {
      return requests
    },
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
