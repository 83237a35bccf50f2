/**
 * NGINX before a relay, in both published forms: it passes TLS on without a look inside, or it
 * ends TLS for browsers and proves itself to the relay.
 */
import { once } from 'node:events'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, createServer, type Server } from 'node:tls'
import type { ExecutionContext } from 'ava'
import { connectAsync, type IClientOptions, type MqttClient } from 'mqtt'
import { chromium, type Page } from 'playwright-core'
import { WebSocket } from 'ws'
import { stringify } from 'yaml'
import { authorityPaths, issuePair, pairPaths } from '../../certs/store.ts'
import { startActiveMq } from '../support/activemq.ts'
import { TestAuthority } from '../support/authority.ts'
import { startMosquitto } from '../support/mosquitto.ts'
import { type Nginx, startNginx } from '../support/nginx.ts'
import { freePort, onFreePort } from '../support/ports.ts'
import { programPath, serialTestWith } from '../support/program.ts'
import { replacing } from '../support/replacing.ts'
import { Sallyport } from '../support/sallyport.ts'
import { repository } from '../support/sources.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { openTunnel, type Tunnel } from '../support/tunnel.ts'
import { within } from '../support/within.ts'

const plant = 'plant-1'

/** What is published, in the places of this test. */
async function published(file: string, places: Readonly<Record<string, string>>): Promise<string> {
  const text = await readFile(join(repository, 'deploy', 'nginx', file), 'utf8')
  for (const place of Object.keys(places)) {
    if (!text.includes(place)) throw new Error(`${file} does not say ${place}`)
  }
  return replacing(places)(text)
}

/** A client of the broker that writes to itself. */
class Mail implements AsyncDisposable {
  readonly #client: MqttClient

  private constructor(client: MqttClient) {
    this.#client = client
  }

  static async at(url: string, options: IClientOptions = {}): Promise<Mail> {
    const connecting = connectAsync(url, { reconnectPeriod: 0, ...options })
    return new Mail(await within(`a connection to ${url}`, connecting))
  }

  /** What comes back of a message. */
  async sends(text: string): Promise<string> {
    const heard = new Promise<string>((resolve) => {
      this.#client.once('message', (_topic, payload) => resolve(payload.toString()))
    })
    await this.#client.subscribeAsync('todo', { qos: 1 })
    await this.#client.publishAsync('todo', text, { qos: 1 })
    return await within('the message', heard)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.endAsync(true)
  }
}

const testPassthrough = serialTestWith('nginx', 'ngx_stream_module.so', 'mosquitto')

testPassthrough('passthrough.conf: agent and relay prove themselves through it', async (t) => {
  t.timeout(180_000)
  await using broker = await startMosquitto()
  const services = { 'plant-1/mqtt': { target: broker.port } }
  await using tunnel = await openTunnel({ services, absent: [plant] })
  await using pages = await startPages()
  const { listenPort } = tunnel
  await using nginx = await startPassthrough(listenPort, pages.port)
  await using agent = await startAgent(tunnel, nginx.port, broker.port)
  await agent.waitForMessage('link ready', { deadlineMs: 60_000 })
  await using mail = await Mail.at(`mqtt://127.0.0.1:${tunnel.port('plant-1/mqtt')}`)
  t.is((await mail.sends('milk '.repeat(100_000))).length, 500_000)

  await using lost = await startAgent(tunnel, nginx.port, broker.port, '127.0.0.1')
  await lost.waitForCode('tls_intercepted', { deadlineMs: 60_000 })
  const authority = await readFile(authorityPaths(tunnel.store).certificateFile, 'utf8')
  t.is(await shownTo(nginx.port, 'localhost', authority), 'localhost, TLSv1.3')
  t.is(await shownTo(nginx.port, 'todo.plant.test', pages.authority), 'todo.plant.test, TLSv1.3')
})

const testBrowsers = serialTestWith('nginx', 'mosquitto')

testBrowsers('websocket.conf: MQTT.js through it, from listed pages only', async (t) => {
  t.timeout(180_000)
  await using broker = await startMosquitto()
  await using front = await openFront('plant-1/mqtt', '/mqtt', broker.port)
  const url = `wss://localhost:${front.port}/mqtt`
  const wsOptions = { ca: front.authority, origin: front.origin }
  await using mail = await Mail.at(url, { wsOptions, protocolVersion: 5 })
  t.is((await mail.sends('milk '.repeat(100_000))).length, 500_000)

  t.is(await answerTo(url, { ...wsOptions, origin: 'https://evil.test' }), 403)
  t.is(await answerTo(url, wsOptions), 101)
  const direct = `wss://localhost:${front.tunnel.listenPort}/mqtt`
  const ca = await readFile(authorityPaths(front.tunnel.store).certificateFile, 'utf8')
  const stranger = new WebSocket(direct, 'mqtt', { ca })
  stranger.on('error', () => {})
  const [code, reason] = await within('a refusal', once(stranger, 'close'))
  t.deepEqual([code, String(reason)], [1011, 'denied_by_policy'], 'not by its address')
})

testBrowsers('websocket.conf: no other path of the relay is behind it', async (t) => {
  t.timeout(180_000)
  await using broker = await startMosquitto()
  await using front = await openFront('plant-1/mqtt', '/mqtt', broker.port)
  const options = { ca: front.authority, origin: front.origin }
  for (const path of ['/mqtt/', '/mqtt/x', '/MQTT', '/sallyport', '/healthz', '/x/../sallyport']) {
    t.is(await answerTo(`wss://localhost:${front.port}${path}`, options), 404, path)
  }
})

testBrowsers('websocket.conf: a relay of another authority is not spoken to', async (t) => {
  t.timeout(180_000)
  await using broker = await startMosquitto()
  const stranger = await TestAuthority.create('Somebody Else')
  await using front = await openFront('plant-1/mqtt', '/mqtt', broker.port, stranger.certificate)
  const options = { ca: front.authority, origin: front.origin }
  t.is(await answerTo(`wss://localhost:${front.port}/mqtt`, options), 502)
  await front.nginx.log.waitForLine(/upstream SSL certificate verify error/)
})

const testStomp = serialTestWith('nginx', 'java', 'activemq.jar', 'chromium-headless-shell')

testStomp('a page behind it is CONNECTED to the plain STOMP of ActiveMQ', async (t) => {
  t.timeout(300_000)
  await using broker = await startActiveMq()
  await using front = await openFront('plant-1/stomp', '/stomp', broker.stompPort)
  const browser = await chromium.launch({
    executablePath: programPath('chromium-headless-shell'),
    args: ['--no-sandbox'],
  })
  try {
    const context = await browser.newContext({ ignoreHTTPSErrors: true })
    const page = await context.newPage()
    await page.goto(front.origin)
    t.is(await page.inputValue('#location'), `wss://localhost:${front.port}/stomp`)
    await page.click('#connect')
    t.regex(await logLine(page, 'CONNECTED'), /^CONNECTED ActiveMQ\/\S+ 1\.2$/)
    await page.fill('#message', 'Gießen 💧')
    await page.click('#publish')
    t.is(await logLine(page, 'MESSAGE'), 'MESSAGE Gießen 💧')
    await stompRoundTrip(t, page)
  } finally {
    await browser.close()
  }
})

/** A second page, as another user has it: what one publishes, the other one hears. */
async function stompRoundTrip(t: ExecutionContext, first: Page): Promise<void> {
  const second = await first.context().newPage()
  await second.goto(first.url())
  await second.click('#connect')
  await logLine(second, 'CONNECTED')
  await second.fill('#message', 'from the second page')
  await second.click('#publish')
  t.is(await logLine(first, 'MESSAGE from'), 'MESSAGE from the second page')
}

async function logLine(page: Page, beginning: string): Promise<string> {
  const log = page.locator('#log')
  await log.getByText(beginning).waitFor()
  const lines = ((await log.textContent()) ?? '').split('\n')
  return lines.find((line) => line.startsWith(beginning)) ?? ''
}

/** NGINX on websocket.conf before a relay whose rule names nobody but it. */
interface Front extends AsyncDisposable {
  readonly tunnel: Tunnel
  readonly nginx: Nginx
  readonly port: number
  readonly origin: string
  /** The authority of the public certificate. */
  readonly authority: string
}

async function openFront(
  service: string,
  websocket: string,
  target: number,
  relayAuthority?: string,
): Promise<Front> {
  await using opening = new AsyncDisposableStack()
  const { path: folder } = opening.use(await temporaryFolder())
  const port = await freePort()
  const origin = `https://localhost:${port}`
  const tunnel = opening.use(
    await openTunnel({
      services: { [service]: { target, websocket, origins: [origin] } },
      policy: [{ rule: 'the page', from: ['client/web'], to: [service] }],
      prepare: async (store) => {
        const request = { role: 'client', name: 'web', dnsNames: [], ipAddresses: [] } as const
        await issuePair(store, request)
      },
    }),
  )
  const authority = await TestAuthority.create('Public')
  const { certificate, key } = await authority.issue({ names: ['DNS:localhost'] })
  const own = pairPaths(tunnel.store, 'client', 'web')
  const trusted = authorityPaths(tunnel.store).certificateFile
  await mkdir(join(folder, 'public'))
  await mkdir(join(folder, 'sallyport'))
  const place = (name: string): string => join(folder, name)
  await writeFile(place('public/certificate.pem'), certificate)
  await writeFile(place('public/key.pem'), key)
  await cp(own.certificateFile, place('sallyport/certificate.pem'))
  await cp(own.keyFile, place('sallyport/key.pem'))
  const trust = relayAuthority ?? (await readFile(trusted, 'utf8'))
  await writeFile(place('sallyport/authority.pem'), trust)
  await cp(join(repository, 'demo/examples/stomp'), place('page'), { recursive: true })
  const library = 'node_modules/@stomp/stompjs/bundles/stomp.umd.min.js'
  await cp(join(repository, library), place('page/stomp.umd.min.js'))
  const http = await published('websocket.conf', {
    'relay.example.com:443': `localhost:${tunnel.listenPort}`,
    'relay.example.com': 'localhost',
    'listen 9443': `listen 127.0.0.1:${port}`,
    'todo.example.com': 'localhost',
    '/etc/nginx/': `${folder}/`,
    '/var/www/todo': place('page'),
  })
  const nginx = opening.use(await startNginx({ http }))
  const opened = opening.move()
  return {
    ...{ tunnel, nginx, port, origin, authority: authority.certificate },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

async function startPassthrough(
  relayPort: number,
  pagesPort: number,
): Promise<Nginx & { readonly port: number }> {
  return await onFreePort(async (port) => {
    const top = await published('passthrough.conf', {
      'relay.example.com': 'localhost',
      '127.0.0.1:8443': `127.0.0.1:${relayPort}`,
      '127.0.0.1:9443': `127.0.0.1:${pagesPort}`,
      'listen 443': `listen 127.0.0.1:${port}`,
    })
    return { ...(await startNginx({ top })), port }
  })
}

/** An agent that dials NGINX, by the relay's name if it knows it. */
async function startAgent(
  tunnel: Tunnel,
  port: number,
  target: number,
  host = 'localhost',
): Promise<Sallyport> {
  const file = `behind-${host}.yaml`
  const text = stringify({
    relay: `${host}:${port}`,
    name: plant,
    expose: { mqtt: `127.0.0.1:${target}` },
  })
  await writeFile(join(tunnel.folder, file), text)
  return new Sallyport(['agent', '--config', file], tunnel.folder)
}

/** Another server behind the same port; it needs no more than a certificate. */
async function startPages(): Promise<
  AsyncDisposable & { readonly port: number; readonly authority: string }
> {
  const authority = await TestAuthority.create('Public')
  const pair = await authority.issue({
    names: ['DNS:todo.plant.test'],
    subject: 'CN=todo.plant.test',
  })
  const server: Server = createServer({ cert: pair.certificate, key: pair.key }, (socket) => {
    socket.on('error', () => {})
    socket.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    authority: authority.certificate,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

/** Whom a client meets who asks for this name: `localhost, TLSv1.3`. */
async function shownTo(port: number, servername: string, ca: string): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1', servername, ca })
  socket.on('error', () => {})
  try {
    await within(`a greeting of ${servername}`, once(socket, 'secureConnect'))
    const { subjectaltname = '' } = socket.getPeerCertificate()
    const [, name] = /DNS:([^,]+)/.exec(subjectaltname) ?? []
    return `${name}, ${socket.getProtocol()}`
  } finally {
    socket.destroy()
  }
}

/** The status with which an upgrade is answered; 101 is an open WebSocket. */
async function answerTo(url: string, options: { ca: string; origin: string }): Promise<number> {
  const socket = new WebSocket(url, 'mqtt', options)
  socket.on('error', () => {})
  const opened = once(socket, 'open').then(() => 101)
  const refused = once(socket, 'unexpected-response').then(([, response]) => response.statusCode)
  opened.catch(() => {})
  refused.catch(() => {})
  try {
    return await within('an answer', Promise.race([opened, refused]))
  } finally {
    socket.terminate()
  }
}
