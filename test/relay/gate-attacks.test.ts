/** Tests of the gate against those who want it busy, confused or dead. */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { Fault } from '../../shared/protocol/fault.ts'
import { answerOf, GateStand } from '../support/gates.ts'
import { processorWatch } from '../support/processor.ts'
import { upgradeRequest } from '../support/raw-websocket.ts'
import { within } from '../support/within.ts'

/** True when an honest agent still comes in. */
async function stillServes(stand: GateStand): Promise<boolean> {
  return (await stand.upgrade(await stand.agent('honest'))).status === 101
}

/** Sends these bytes over TLS with an agent's certificate: the status of the answer, 0 for none. */
async function statusFor(stand: GateStand, bytes: string): Promise<number> {
  const raw = await stand.connect(await stand.agent())
  raw.socket.write(bytes)
  const answered = raw.take('\r\n').then((line) => Number(line.slice(9, 12)))
  return await Promise.race([answered, raw.gone.then(() => answered.catch(() => 0))])
}

async function tcp(stand: GateStand): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port: stand.port })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

function gone(socket: Socket): Promise<unknown> {
  return socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', resolve))
}

test.serial('broken ClientHellos cost nothing that stays (T13)', async (t) => {
  await using stand = await GateStand.open()
  t.true(await stillServes(stand))
  const descriptors = (): number => readdirSync('/proc/self/fd').length
  const before = descriptors()
  const hello = await clientHello()
  for (let round = 0; round < 300; round += 1) {
    const bytes = Buffer.from(hello)
    for (let fault = 0; fault < 1 + (round % 8); fault += 1) {
      bytes[(round * 7919 + fault * 104_729) % bytes.length] = randomBytes(1)[0] ?? 0
    }
    const socket = await tcp(stand)
    socket.end(round % 3 === 0 ? bytes.subarray(0, round % bytes.length) : bytes)
    await within('end', gone(socket.resume()))
  }
  t.true(await stillServes(stand))
  t.true(descriptors() <= before + 4)
})

for (const proven of [true, false]) {
  const who = proven ? 'an agent' : 'a stranger'
  test(`a reset of ${who} at any point ends that connection only (T14)`, async (t) => {
    await using stand = await GateStand.open()
    const { certificate: cert, key } = await stand.agent()
    const options = { ca: stand.authority.certificate, ...(proven ? { cert, key } : {}) }
    const points = [0, 1, 5, 100, 250, 400, 700, 1_000, 1_300, 1_500, 1_700, 2_000, 3_000]
    for (const point of points) {
      await using cutter = await cutAfter(point, stand.port)
      const client = connectTls({ host: '127.0.0.1', port: cutter.port, ...options })
      client.on('error', () => {}).write(upgradeRequest('/sallyport') + 'x'.repeat(3_000))
      await within(`cut at ${point}`, gone(client))
    }
    t.true(await stillServes(stand))
    await Promise.all(stand.arrivals.slice(0, -1).map(({ listener }) => listener.fault()))
  })
}

test('h2 and TLS 1.2 are not spoken (T14, X6)', async (t) => {
  await using stand = await GateStand.open()
  const error = async (connecting: Promise<unknown>): Promise<string> =>
    await connecting.then(
      () => 'spoken',
      (reason: NodeJS.ErrnoException) => reason.code ?? 'no code',
    )
  t.is(
    await error(stand.connect(undefined, { ALPNProtocols: ['h2'] })),
    'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL',
  )
  t.is(
    await error(stand.connect(undefined, { maxVersion: 'TLSv1.2' })),
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
  )
  const both = await stand.connect(undefined, { ALPNProtocols: ['h2', 'http/1.1'] })
  t.is(both.socket.alpnProtocol, 'http/1.1')
})

test('whatever server name is asked for, the same rules answer (T10)', async (t) => {
  await using stand = await GateStand.open()
  const names = [
    'RELAY.TEST',
    'relay.test.',
    `${'a'.repeat(251)}.com`,
    '',
    'admin.relay.test',
    'x\u3002y',
  ]
  for (const servername of names) {
    const checkServerIdentity = (): undefined => undefined
    const raw = await stand.connect(undefined, { servername, checkServerIdentity })
    raw.socket.write(upgradeRequest('/sallyport'))
    t.is((await answerOf(raw)).code, 'certificate_missing', servername)
  }
})

test('a throw in a callback ends its socket and no more (T13)', async (t) => {
  const bug = new Error('bug in the relay')
  await using stand = await GateStand.open({
    onCarrier() {
      throw bug
    },
    onIngress() {
      throw bug
    },
    onRevoked() {
      throw bug
    },
    routes(app) {
      app.get('/broken', () => {
        throw bug
      })
      app.get('/refused', () => {
        throw new Fault('denied_by_policy', 'Not you.')
      })
    },
  })
  const doors = [
    ['/sallyport', await stand.agent()],
    ['/mqtt', undefined],
  ] as const
  for (const [path, shown] of doors) {
    const raw = await stand.connect(shown)
    raw.socket.write(upgradeRequest(path))
    await within('end', raw.gone)
  }
  t.is(await statusFor(stand, 'GET /broken HTTP/1.1\r\nHost: x\r\n\r\n'), 500)
  t.is(await statusFor(stand, 'GET /refused HTTP/1.1\r\nHost: x\r\n\r\n'), 403)
  t.is(stand.logged('internal').length, 3)
})

test('each path but its own is 404, in whatever spelling (W9)', async (t) => {
  await using stand = await GateStand.open()
  const shown = await stand.agent()
  const paths = [
    '/',
    '/sallyport/',
    '//sallyport',
    '/SALLYPORT',
    '/sallyport%00',
    '/%73allyport',
    '/sallyport;x',
    '/sallyport/../sallyport',
    '/mqtt/',
    '/stomp',
    '/__proto__',
    '*',
    'https://relay.test/sallyport',
  ]
  for (const path of paths) {
    t.like(await stand.upgrade(shown, path), { status: 404, code: 'unknown_service' }, path)
  }
  t.is((await stand.upgrade(shown, '/sallyport?x=1')).status, 101)
  t.is((await stand.upgrade(undefined, '/mqtt?x=1')).status, 503, 'the stand refuses consumers')
  t.is(stand.ingress[0]?.path, '/mqtt')
  await using closed = await GateStand.open({ ingressPaths: new Set() })
  t.is((await closed.upgrade(undefined, '/mqtt')).status, 404)
  t.is(await statusFor(stand, 'GET /sallyport HTTP/1.1\r\nHost: x\r\n\r\n'), 404)
})

test('too many headers are refused, and prototypes are only names (W1, W4, W8)', async (t) => {
  await using stand = await GateStand.open()
  const shown = await stand.agent()
  const many = (count: number): Record<string, string> =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, 'b']))
  const computedMs = processorWatch()
  t.is((await stand.upgrade(shown, '/sallyport', many(3_000))).status, 431)
  t.is((await stand.upgrade(shown, '/sallyport', many(100))).status, 431)
  t.is((await stand.upgrade(shown, '/sallyport', many(50))).status, 101)
  const long = 'x'.repeat(16_384)
  const names = [
    'Sec-WebSocket-Protocol',
    'Sec-WebSocket-Extensions',
    'Sec-WebSocket-Key',
    'Cookie',
  ]
  for (const name of names) t.is((await stand.upgrade(shown, '/', { [name]: long })).status, 431)
  const spaces = `permessage-deflate${' '.repeat(7_000)};`
  t.is(
    (await stand.upgrade(shown, '/sallyport', { 'Sec-WebSocket-Extensions': spaces })).status,
    101,
  )
  for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString']) {
    const headers = Object.fromEntries([[name, 'x']])
    t.is((await stand.upgrade(shown, '/sallyport', headers)).status, 101, name)
    const request = `GET /?${name}=x&${name}[y]=z HTTP/1.1\r\nHost: x\r\n${name}: x\r\n\r\n`
    t.is(await statusFor(stand, request), 404, name)
  }
  t.true(computedMs() < 5_000)
})

test('what is no request for a WebSocket gets no WebSocket (W4)', async (t) => {
  await using stand = await GateStand.open()
  const shown = await stand.agent()
  const wrong = [
    { Upgrade: 'h2c' },
    { Upgrade: 'websocket, h2c' },
    { 'Sec-WebSocket-Key': undefined },
    { 'Sec-WebSocket-Key': 'short' },
    { 'Sec-WebSocket-Version': '7' },
    { 'Sec-WebSocket-Protocol': 'sallyport.v1, sallyport.v1' },
    { 'Sec-WebSocket-Protocol': 'sallyport.v1,,' },
  ]
  for (const headers of wrong) {
    const answer = await stand.upgrade(shown, '/sallyport', headers)
    t.like(answer, { status: 400, code: 'carrier_refused' }, JSON.stringify(headers))
  }
  const post = upgradeRequest('/sallyport').replace('GET', 'POST')
  t.is(await statusFor(stand, post), 400)
  t.is(stand.arrivals.length, 0)
})

test('a body beside an upgrade, and two lengths, are refused (W10)', async (t) => {
  await using stand = await GateStand.open()
  const shown = await stand.agent()
  const body = { 'Content-Length': '5' }
  t.is((await stand.upgrade(shown, '/sallyport', body)).code, 'carrier_refused')
  const chunked = { 'Transfer-Encoding': 'chunked' }
  t.is((await stand.upgrade(shown, '/sallyport', chunked)).code, 'carrier_refused')
  for (const lines of [
    'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello',
    'Content-Length: +5\r\n\r\nhello',
    ' folded: x\r\n\r\n',
  ]) {
    t.is(await statusFor(stand, `POST / HTTP/1.1\r\nHost: x\r\n${lines}`), 400, lines)
  }
  const raw = await stand.connect(shown)
  raw.socket.end(upgradeRequest('/sallyport'))
  await within('end after a lone FIN', raw.gone)
  t.true(await stillServes(stand))
})

test('a large body is refused before it is read (X1)', async (t) => {
  await using stand = await GateStand.open({
    routes(app) {
      app.post('/enrol', () => t.fail('nobody gets here'))
    },
  })
  const request = 'POST /enrol HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n'
  t.is(await statusFor(stand, `${request}Content-Length: 1073741824\r\n\r\n{`), 413)
})

const stalls: Readonly<Record<string, (stand: GateStand) => Promise<Socket>>> = {
  'says nothing': tcp,
  'sends half of a ClientHello (X2)': async (stand) => {
    const socket = await tcp(stand)
    socket.write((await clientHello()).subarray(0, 100))
    return socket
  },
  'sends no request after TLS': async (stand) => (await stand.connect()).socket,
  'sends its headers byte by byte': async (stand) => {
    const { socket } = await stand.connect()
    dripHeaders(socket)
    return socket
  },
}

for (const [what, stall] of Object.entries(stalls)) {
  test(`who ${what} is gone after the handshake time`, async (t) => {
    // Long enough for an honest agent on a busy machine, which comes in at the end.
    const handshakeTimeoutMs = 4_000
    await using stand = await GateStand.open({ limits: { ...generous, handshakeTimeoutMs } })
    await within('end of the stall', gone((await stall(stand)).resume()))
    await logsAbout(t, stand, '"timedOut":1')
    t.true(await stillServes(stand))
  })
}

test('the handshake may take longer than a request has by itself', async (t) => {
  await using stand = await GateStand.open({ limits: { ...generous, handshakeTimeoutMs: 60_000 } })
  t.true(await stillServes(stand))
})

test('one source gets so many pending connections, and the earlier ones stay (X5)', async (t) => {
  await using stand = await GateStand.open({ limits: { ...generous, pendingPerSourceMax: 5 } })
  const early = await Promise.all(Array.from({ length: 5 }, () => tcp(stand)))
  await within('end of the sixth', gone((await tcp(stand)).resume()))
  t.true(early.every((socket) => !socket.destroyed))
  await logsAbout(t, stand, '"shed":1')
  const [first, ...rest] = early
  first?.destroy()
  // The place is free as soon as the gate has heard of it.
  for (;;) {
    const next = await stand.connect(await stand.agent()).catch(() => undefined)
    if (next === undefined) continue
    next.socket.write(upgradeRequest('/sallyport'))
    t.is((await answerOf(next)).status, 101)
    break
  }
  t.is(rest.length, 4)
})

test('who has come in takes no place of those who come', async (t) => {
  await using stand = await GateStand.open({ limits: { ...generous, pendingHandshakesMax: 1 } })
  for (let count = 0; count < 5; count += 1) t.true(await stillServes(stand))
  t.is(stand.arrivals.length, 5)
  t.true(stand.arrivals.every(({ socket }) => !socket.destroyed))
})

test('beyond all connections there is no further one', async (t) => {
  await using stand = await GateStand.open({ limits: { ...generous, connectionsMax: 3 } })
  const shown = await stand.agent()
  for (let count = 0; count < 3; count += 1) t.is((await stand.upgrade(shown)).status, 101)
  await within('end of the fourth', gone((await tcp(stand)).resume()))
  await logsAbout(t, stand, '"shed":1')
})

const generous = {
  carriersMax: 255,
  pendingHandshakesMax: 100,
  pendingPerSourceMax: 100,
  handshakeTimeoutMs: 5_000,
  connectionsMax: 1_000,
}

/** Waits for the line that the gate writes once a second about those it has turned away. */
async function logsAbout(t: ExecutionContext, stand: GateStand, text: string): Promise<void> {
  await within(text, stand.logs(text))
  t.pass()
}

function dripHeaders(socket: TLSSocket): void {
  const drip = setInterval(() => socket.write('x'), 50)
  socket.once('close', () => clearInterval(drip))
  socket.write('GET /sallyport HTTP/1.1\r\nHost: x\r\nA: ')
}

/** A proxy that resets both sides when so many bytes of the client have passed. */
async function cutAfter(
  point: number,
  port: number,
): Promise<{ readonly port: number } & AsyncDisposable> {
  const server = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port })
    let passed = 0
    const cut = (): void => {
      near.resetAndDestroy()
      far.resetAndDestroy()
    }
    if (point === 0) far.once('connect', cut)
    near
      .on('error', () => {})
      .on('data', (bytes: Buffer) => {
        far.write(bytes.subarray(0, point - passed))
        passed += bytes.length
        if (passed >= point) setImmediate(cut)
      })
    far.on('error', () => {}).on('data', (bytes: Buffer) => near.write(bytes))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.close()
      await once(server, 'close')
    },
  }
}

/** The first bytes of a client. */
async function clientHello(): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connectTls({ host: '127.0.0.1', port, servername: 'relay.test' })
  client.on('error', () => {})
  const [socket] = (await once(server, 'connection')) as [Socket]
  const [bytes] = (await once(socket, 'data')) as [Buffer]
  client.destroy()
  socket.destroy()
  server.close()
  return bytes
}
