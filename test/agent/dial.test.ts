/** Tests of dialling: what a good relay gives, and what everything else is called. */

import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import test from 'ava'
import { type DialOptions, dial } from '../../agent/dial.ts'
import { relayTls } from '../../shared/io/tls.ts'
import { Fault, type FaultCode } from '../../shared/protocol/fault.ts'
import { type Credentials, TestAuthority } from '../support/authority.ts'
import { Recorder, sendMessage } from '../support/carriers.ts'
import { GateStand } from '../support/gates.ts'
import { Eavesdropper, rawFrame, upgradeAnswer } from '../support/raw-websocket.ts'
import { patienceMs, within } from '../support/within.ts'

const authority = await TestAuthority.create()
const agent = await authority.issue({ names: ['URI:spiffe://test/agent/plant-1'] })
const relay = await authority.issue({ names: ['DNS:localhost', 'URI:spiffe://test/relay/relay'] })
const trusted = (shown: Credentials) => ({ ...shown, authority: authority.certificate })

function optionsFor(port: number, more: Partial<DialOptions> = {}): DialOptions {
  return {
    relay: { host: 'localhost', port },
    trustDomain: 'test',
    credentials: trusted(agent),
    listener: new Recorder(),
    signal: new AbortController().signal,
    deadlineMs: patienceMs,
    ...more,
  }
}

async function faultOf(options: DialOptions): Promise<Fault> {
  const attempt = dial(options).then(
    (carrier) => {
      carrier.destroy()
      return undefined
    },
    (error: unknown) => error,
  )
  const error = await within('end of the attempt', attempt, 2 * patienceMs)
  if (!(error instanceof Fault)) throw new Error('no fault', { cause: error })
  return error
}

/** A relay that says what a test tells it to, in answer to whole requests. */
async function relayThatSays(
  say: (socket: TLSSocket, request: string) => void,
  shown: Credentials = relay,
): Promise<{ readonly port: number; readonly server: Server } & AsyncDisposable> {
  const sockets = new Set<TLSSocket>()
  const server = createTlsServer(relayTls(trusted(shown)), (socket) => {
    sockets.add(socket)
    const heard = new Eavesdropper(socket)
    heard.take('\r\n\r\n').then(
      (request) => say(socket, request),
      () => {},
    )
  })
  server.on('tlsClientError', () => {})
  server.listen(0, 'localhost')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    server,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

test('dialling a gate gives a carrier', async (t) => {
  const gateRelay = await authority.issue({
    names: ['IP:127.0.0.1', 'URI:spiffe://test/relay/relay'],
  })
  await using stand = await GateStand.open({ credentials: trusted(gateRelay) })
  for (const masked of [false, true]) {
    const listener = new Recorder()
    const carrier = await dial({
      ...optionsFor(stand.port, { listener, masked }),
      relay: { host: '127.0.0.1', port: stand.port },
    })
    const arrival = stand.arrivals.at(-1)
    sendMessage(carrier, Buffer.from('from the agent'))
    if (arrival !== undefined) sendMessage(arrival.carrier, Buffer.from('from the relay'))
    await arrival?.listener.until('a message', () => arrival.listener.messages[0])
    await listener.until('a message', () => listener.messages[0])
    t.is(arrival?.peer.identity.name, 'plant-1')
    t.deepEqual(arrival?.listener.messages, [Buffer.from('from the agent')])
    t.deepEqual(listener.messages, [Buffer.from('from the relay')])
    carrier.close(1000, 'bye')
    t.is((await listener.fault()).code, 'carrier_lost')
  }
})

test("the relay's refusal is the cause of the fault", async (t) => {
  const gateRelay = await authority.issue({
    names: ['IP:127.0.0.1', 'URI:spiffe://test/relay/relay'],
  })
  const revoked = new Set([new X509Certificate(agent.certificate).serialNumber])
  await using stand = await GateStand.open({ credentials: trusted(gateRelay), revoked })
  const place = { host: '127.0.0.1', port: stand.port }
  const fault = await faultOf({ ...optionsFor(stand.port), relay: place })
  t.is(fault.code, 'carrier_refused')
  t.true(fault.cause instanceof Fault && fault.cause.code === 'revoked')
  t.regex(
    fault.message,
    /^127\.0\.0\.1:\d+ refused \(revoked\): The certificate [0-9A-F]+ is revoked/,
  )
})

test('what comes with the answer waits for the carrier, and nothing is lost', async (t) => {
  const first = rawFrame({ payload: Buffer.from('first') }, false)
  await using hostile = await relayThatSays((socket, request) => {
    socket.write(Buffer.concat([Buffer.from(upgradeAnswer(request)), first]))
  })
  let given = false
  const heardEarly: boolean[] = []
  const listener = new Recorder({ message: () => heardEarly.push(!given) })
  const carrier = await dial(optionsFor(hostile.port, { listener }))
  given = true
  await listener.until('the first message', () => listener.messages[0])
  t.deepEqual(listener.messages, [Buffer.from('first')])
  t.deepEqual(heardEarly, [false])
  carrier.destroy()
})

test('a relay that is not ours is turned away from before anything is said', async (t) => {
  const other = await TestAuthority.create('FortiGate CA')
  const names = ['DNS:localhost', 'URI:spiffe://test/relay/relay']
  const dayMs = 86_400_000
  const cases: readonly (readonly [Credentials, FaultCode, RegExp])[] = [
    [await other.issue({ names }), 'tls_intercepted', /comes from "FortiGate CA"/],
    [await authority.issue({ names: names.slice(0, 1) }), 'identity_invalid', /0 URI names/],
    [agent, 'certificate_invalid', /ERR_TLS_CERT_ALTNAME_INVALID/],
    [
      await authority.issue({ names: ['DNS:localhost', 'URI:spiffe://test/agent/x'] }),
      'role_wrong',
      /localhost shows the certificate of agent x in test, not of a relay in test/,
    ],
    [
      await authority.issue({ names, notBefore: new Date(Date.now() + dayMs) }),
      'clock_wrong',
      /begins .*, but the clock of this machine says/,
    ],
    [
      await authority.issue({ names, notAfter: new Date(Date.now() - dayMs / 2) }),
      'certificate_expired',
      /ended \d{4}-/,
    ],
  ]
  for (const [shown, code, sentence] of cases) {
    let said = ''
    await using hostile = await relayThatSays((_, request) => {
      said = request
    }, shown)
    const fault = await faultOf(optionsFor(hostile.port))
    t.is(fault.code, code)
    t.regex(fault.message, sentence)
    t.is(said, '')
  }
})

test('a relay that does not answer is told by how far the attempt came', async (t) => {
  const deadlineMs = 3_000
  await using silent = await relayThatSays(() => {})
  const upgrade = await faultOf(optionsFor(silent.port, { deadlineMs }))
  t.is(upgrade.code, 'carrier_unreachable')
  t.regex(upgrade.message, /speaks TLS, but does not answer the WebSocket request within 3 s/)

  const deaf = createTcpServer((socket) => socket.on('error', () => {}).resume())
  deaf.listen(0, 'localhost')
  await once(deaf, 'listening')
  const { port } = deaf.address() as AddressInfo
  const secure = await faultOf(optionsFor(port, { deadlineMs }))
  t.regex(secure.message, /takes the connection, but does not answer in TLS within 3 s/)
  deaf.close()
  await once(deaf, 'close')
  const refused = await faultOf(optionsFor(port))
  t.is(refused.code, 'carrier_unreachable')
  t.regex(refused.message, /refused the connection: nothing listens there/)
})

test('an abort ends the attempt with its reason, at once and later', async (t) => {
  await using silent = await relayThatSays(() => {})
  const reason = new Fault('shutdown')
  const aborted = AbortSignal.abort(reason)
  t.is(await t.throwsAsync(dial(optionsFor(silent.port, { signal: aborted }))), reason)

  const controller = new AbortController()
  const attempt = dial(optionsFor(silent.port, { signal: controller.signal }))
  const [socket] = (await within('TLS', once(silent.server, 'secureConnection'))) as [TLSSocket]
  const socketGone = once(socket, 'close')
  controller.abort(reason)
  t.is(await t.throwsAsync(attempt), reason)
  await within('end of the socket', socketGone)
})

test('certificate and key that do not fit are said to be of no use', async (t) => {
  const options = optionsFor(1, { credentials: { ...trusted(agent), key: relay.key } })
  const fault = await faultOf(options)
  t.is(fault.code, 'certificate_invalid')
  t.regex(fault.message, /own certificate and key are of no use/)
  const without = await faultOf(optionsFor(1, { credentials: { ...agent, authority: '' } }))
  t.is(without.code, 'authority_missing')
})

const ok = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
const withLine = (line: string) => (request: string) => upgradeAnswer(request, `${line}\r\n`)
const badAnswers: Readonly<Record<string, (request: string) => string>> = {
  'no HTTP at all': () => 'SSH-2.0-OpenSSH_9.2\r\n\r\n',
  'half a status line and the end': () => 'HTTP/1.1 1',
  'no accept key': () => `${ok}Sec-WebSocket-Protocol: sallyport.v1\r\n\r\n`,
  'a wrong accept key': () =>
    `${ok}Sec-WebSocket-Accept: AAAA\r\nSec-WebSocket-Protocol: sallyport.v1\r\n\r\n`,
  'no sub-protocol': (request) =>
    upgradeAnswer(request).replace(/Sec-WebSocket-Protocol.*\r\n/, ''),
  'another sub-protocol': (request) => upgradeAnswer(request).replace('sallyport.v1', 'mqtt'),
  'two sub-protocols': withLine('Sec-WebSocket-Protocol: sallyport.v2'),
  'another upgrade': (request) => upgradeAnswer(request).replace('websocket', 'h2c'),
  'deflate that was not offered (W6)': withLine('Sec-WebSocket-Extensions: permessage-deflate'),
  'deflate with a window of 0 (CVE-2026-2229)': withLine(
    'Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=0',
  ),
  'a header that is a prototype (W8)': (request) =>
    withLine('__proto__: x')(request).replace('101', '400'),
  '3,000 headers (W1)': (request) =>
    upgradeAnswer(
      request,
      Array.from({ length: 3_000 }, (_, index) => `a${index}: b\r\n`).join(''),
    ),
  'a header of a megabyte': withLine(`X: ${'x'.repeat(1_000_000)}`),
  'a redirect': () =>
    'HTTP/1.1 302 Found\r\nLocation: wss://localhost:1/\r\nContent-Length: 0\r\n\r\n',
  'a login page': () => 'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>hi</html>',
  'a refusal without end': () =>
    `HTTP/1.1 403 Forbidden\r\nContent-Length: 100000000\r\n\r\n${'x'.repeat(10_000)}`,
  'a refusal that is cut': () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 100\r\n\r\n{"code":',
  'two lengths': () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
}

for (const [what, answer] of Object.entries(badAnswers)) {
  test(`an answer with ${what} ends the attempt and no more (W7)`, async (t) => {
    await using hostile = await relayThatSays((socket, request) => {
      socket.end(answer(request))
    })
    const fault = await faultOf(optionsFor(hostile.port))
    t.is(fault.code, what.startsWith('half') ? 'carrier_unreachable' : 'carrier_refused')
    t.regex(fault.message, new RegExp(`localhost:${hostile.port}`))
  })
}

test('an endless stream of interim answers ends at the deadline (W7)', async (t) => {
  await using hostile = await relayThatSays((socket) => {
    const more = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 1)
    socket.once('close', () => clearInterval(more))
  })
  const fault = await faultOf(optionsFor(hostile.port, { deadlineMs: 1_000 }))
  t.is(fault.code, 'carrier_unreachable')
})

test('no TLS session of one relay is shown to another, nor again (T11)', async (t) => {
  const sessions: boolean[] = []
  const look = (socket: TLSSocket, request: string): void => {
    sessions.push(socket.isSessionReused())
    socket.write(upgradeAnswer(request))
  }
  await using one = await relayThatSays(look)
  await using other = await relayThatSays(look)
  for (const { port } of [one, other, one, other]) (await dial(optionsFor(port))).destroy()
  t.deepEqual(sessions, [false, false, false, false])
})
