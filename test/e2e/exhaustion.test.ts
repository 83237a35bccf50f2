/**
 * People who have proved nothing and want a live relay busy: large bodies, half of what was
 * announced, lengths that nothing backs, handshakes that never end. None of it costs memory, and
 * an honest agent still comes in.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { connect as connectTcp, type Socket, type TcpNetConnectOpts } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { authorityPaths, pairPaths } from '../../certs/store.ts'
import { encode, frameBytesMax } from '../../shared/protocol/frame.ts'
import { helloFrame } from '../support/hostile-agent.ts'
import { mebibyte, residentBytes } from '../support/memory.ts'
import { Eavesdropper, rawFrame, upgradeRequest } from '../support/raw-websocket.ts'
import { consumerOf, echoes, startEcho } from '../support/tcp.ts'
import { openTunnel, type Tunnel, type TunnelPlan } from '../support/tunnel.ts'
import { within } from '../support/within.ts'

const slackBytes = 64 * mebibyte

/** An honest agent with an echo, and a consumer's path for WebSockets. */
function planFor(target: number): TunnelPlan {
  return {
    services: { 'plant-1/any': { target, websocket: '/any' } },
    relayLimits: { handshakeTimeout: '5s', carriersMax: 255 },
  }
}

/** Connections of a crowd: so few from each address that none is shed. */
const perSource = 10
const sourceOf = (index: number): string => `127.0.1.${1 + Math.floor(index / perSource)}`

/** A connection to the gate; with `agent`, its certificate is shown. */
async function secured(tunnel: Tunnel, index: number, agent?: string): Promise<Eavesdropper> {
  const pair = agent === undefined ? undefined : pairPaths(tunnel.store, 'agent', agent)
  const place: TcpNetConnectOpts = {
    host: '127.0.0.1',
    port: tunnel.listenPort,
    localAddress: sourceOf(index),
  }
  const socket = connect({
    ...place,
    servername: 'localhost',
    ca: await readFile(authorityPaths(tunnel.store).certificateFile, 'utf8'),
    ...(pair && {
      cert: await readFile(pair.certificateFile, 'utf8'),
      key: await readFile(pair.keyFile, 'utf8'),
    }),
  })
  const heard = new Eavesdropper(socket)
  await within('TLS', once(socket, 'secureConnect'))
  return heard
}

/** So many connections, made a few at a time. */
async function crowd<Made>(
  count: number,
  make: (index: number) => Promise<Made>,
): Promise<readonly Made[]> {
  const made: Made[] = []
  for (let index = 0; index < count; index += 10) {
    const some = Array.from({ length: Math.min(10, count - index) }, (_, more) => index + more)
    made.push(...(await Promise.all(some.map(make))))
  }
  return made
}

/** After the attack: the relay is no larger, its agent never left, and another one comes in. */
async function stands(t: ExecutionContext, tunnel: Tunnel, residentBefore: number): Promise<void> {
  const grownBytes = residentBytes(tunnel.relay.pid) - residentBefore
  t.log(`the relay has grown by ${Math.round(grownBytes / mebibyte)} MiB`)
  t.true(grownBytes < slackBytes, `the relay has grown by ${grownBytes} bytes`)
  const health = await fetch(`http://127.0.0.1:${tunnel.adminPort}/healthz`)
  t.is(health.status, 200)
  const consumer = await consumerOf(tunnel.port('plant-1/any'))
  t.true(await echoes(consumer, 'hello'))
  consumer.destroy()
  const newcomer = await secured(tunnel, 0, 'plant-1')
  newcomer.socket.write(upgradeRequest('/sallyport'))
  t.regex(await newcomer.take('\r\n\r\n'), /^HTTP\/1\.1 101 /)
  newcomer.socket.destroy()
}

test.serial('200 bodies of a gigabyte at once are refused before they are read (X1)', async (t) => {
  t.timeout(240_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel(planFor(echo.port))
  const resident = residentBytes(tunnel.relay.pid)
  const bodies = await crowd(200, async (index) => {
    const heard = await secured(tunnel, index)
    const { socket } = heard
    const length = index % 2 === 0 ? 'Content-Length: 1073741824' : 'Transfer-Encoding: chunked'
    const path = index % 3 === 0 ? '/sallyport' : '/enrol'
    const type = 'Content-Type: application/json'
    socket.write(`POST ${path} HTTP/1.1\r\nHost: localhost\r\n${type}\r\n${length}\r\n\r\n`)
    pour(socket, index % 2 === 0 ? body : chunk)
    return heard
  })
  for (const { gone, heard, socket } of bodies) {
    await within('end of the body', gone)
    t.regex(heard.toString('latin1', 0, 12), /^(?:HTTP\/1\.1 4\d\d)?$/)
    t.true(socket.bytesWritten < 8 * mebibyte, `${socket.bytesWritten} bytes were taken`)
  }
  await stands(t, tunnel, resident)
})

const body = Buffer.alloc(65_536, '[')
const chunk = Buffer.concat([Buffer.from('10000\r\n'), body, Buffer.from('\r\n')])

/** Writes the same bytes for as long as somebody takes them. */
function pour(socket: TLSSocket, bytes: Buffer): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(bytes));
  }
  socket.on('drain', more)
  more()
}

const beginnings: Readonly<Record<string, Buffer>> = {
  'a request': Buffer.from(upgradeRequest('/sallyport').slice(0, -3)),
  'a request of a stranger': Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\nX: '),
  'a body': Buffer.from('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 16000\r\n\r\n{'),
  HELLO: Buffer.concat([
    Buffer.from(upgradeRequest('/sallyport')),
    rawFrame({ payload: encode(helloFrame()) }, true).subarray(0, -1),
  ]),
  'the largest frame': Buffer.concat([
    Buffer.from(upgradeRequest('/sallyport')),
    rawFrame({ payload: new Uint8Array(frameBytesMax) }, true).subarray(0, -1),
  ]),
}

test.serial('most of what was begun, and then silence, ends at the deadline (X2)', async (t) => {
  t.timeout(240_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel(planFor(echo.port))
  const resident = residentBytes(tunnel.relay.pid)
  for (const [what, bytes] of Object.entries(beginnings)) {
    const silent = await crowd(20, async (index) => {
      const heard = await secured(tunnel, index, 'plant-1')
      heard.socket.write(bytes)
      return heard
    })
    const ends = Promise.all(silent.map(({ gone }) => gone))
    // The handshake has 5 s; so has the HELLO from its carrier; a body 10 s from its first byte.
    await within(`end of most of ${what}`, ends)
  }
  await stands(t, tunnel, resident)
})

test.serial('a length that nothing backs takes no memory (X3)', async (t) => {
  t.timeout(240_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel(planFor(echo.port))
  const resident = residentBytes(tunnel.relay.pid)
  const claims = [BigInt(frameBytesMax), 2n ** 20n, 2n ** 31n, 2n ** 40n, 2n ** 63n]
  const heard = await crowd(200, async (index) => {
    const isAgent = index % 2 === 0
    const path = isAgent ? '/sallyport' : '/any'
    const one = await secured(tunnel, index, isAgent ? 'plant-1' : undefined)
    one.socket.write(upgradeRequest(path))
    const claimedLength = claims[index % claims.length] ?? 0n
    one.socket.write(rawFrame({ claimedLength, payload: Buffer.from('x') }, true))
    return one
  })
  for (const one of heard) await one.take('101 Switching Protocols')
  await stands(t, tunnel, resident)
  for (const { socket } of heard) socket.destroy()
})

test.serial('300 handshakes that time out one after the other leave no trace (X5)', async (t) => {
  t.timeout(240_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel(planFor(echo.port))
  const resident = residentBytes(tunnel.relay.pid)
  const hello = Buffer.from('16030100c8010000c40303', 'hex')
  for (let wave = 0; wave < 3; wave += 1) {
    const silent = await crowd(100, async (index) => {
      const socket = await tcp(tunnel.listenPort, sourceOf(index))
      if (index % 2 === 0) socket.write(hello)
      return socket
    })
    const ends = silent.map(async (socket) => void (socket.closed || (await once(socket, 'close'))))
    await within('end of all handshakes', Promise.all(ends))
  }
  // Each line has those of its second.
  let timedOut = 0
  await tunnel.relay.waitForRecord((record) => {
    timedOut += Number(record.timedOut ?? 0)
    return timedOut === 300
  }, 'all that have timed out')
  await stands(t, tunnel, resident)
})

async function tcp(port: number, localAddress: string): Promise<Socket> {
  const socket = connectTcp({ host: '127.0.0.1', port, localAddress })
  socket.on('error', () => {}).resume()
  await within('connection', once(socket, 'connect'))
  return socket
}
