/** Tests of the faulty proxy: honest while it behaves, and each of its faults. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { exchange } from './hash.ts'
import { FaultyProxy } from './proxy.ts'

interface Pair extends AsyncDisposable {
  readonly proxy: FaultyProxy
  readonly near: Socket
  readonly far: Socket
}

/** A connection through a new proxy: its near end, and its far end, both half-open at will. */
async function connected(): Promise<Pair> {
  const stack = new AsyncDisposableStack()
  const server = stack.use(createServer({ allowHalfOpen: true })).listen(0, '127.0.0.1')
  server.on('connection', (socket) => {
    socket.on('error', () => {})
    // A paused socket hears of no end: one that no test has taken would keep the server open.
    stack.defer(() => void socket.destroy())
  })
  await once(server, 'listening')
  const proxy = stack.use(await FaultyProxy.before(portOf(server)))
  const near = connect({ port: proxy.port, host: '127.0.0.1', allowHalfOpen: true })
  near.on('error', () => {})
  const [far] = (await once(server, 'connection')) as [Socket]
  stack.defer(() => void near.destroy())
  return { proxy, near, far, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

test('passes bytes both ways unchanged', async (t) => {
  await using pair = await connected()
  const [near, far] = await Promise.all([
    exchange(pair.near, 1, 20_000_000),
    exchange(pair.far, 2, 20_000_000),
  ])
  t.is(near.sent, far.received)
  t.is(far.sent, near.received)
})

test('passes FIN as FIN, one direction at a time', async (t) => {
  await using pair = await connected()
  pair.near.end('last')
  pair.far.resume()
  await once(pair.far, 'end')
  pair.far.end('words')
  const [words] = (await once(pair.near, 'data')) as [Buffer]
  t.is(words.toString(), 'words')
})

test('passes RST as RST, in both directions', async (t) => {
  for (const [from, to] of [
    ['near', 'far'],
    ['far', 'near'],
  ] as const) {
    await using pair = await connected()
    pair[to].resume()
    pair[from].resetAndDestroy()
    await reset(t, pair[to])
  }
})

test('cut resets both sides of every connection, and new ones may come', async (t) => {
  await using pair = await connected()
  pair.near.resume()
  pair.far.resume()
  pair.proxy.cut()
  await Promise.all([reset(t, pair.near), reset(t, pair.far)])
  const again = connect(pair.proxy.port, '127.0.0.1')
  again.on('error', () => {})
  await once(again, 'connect')
  again.destroy()
  t.is(pair.proxy.connectionsTotal, 2)
})

test('finish ends both sides of every connection', async (t) => {
  await using pair = await connected()
  pair.near.resume()
  pair.far.resume()
  pair.proxy.finish()
  await Promise.all([once(pair.near, 'end'), once(pair.far, 'end')])
  t.pass()
})

test('a black hole swallows bytes, FIN and new connections, and gives all back', async (t) => {
  await using pair = await connected()
  pair.proxy.blackHole(true)
  pair.near.write('held')
  const late = connect({ port: pair.proxy.port, host: '127.0.0.1' })
  late.on('error', () => {})
  await once(late, 'connect')
  let heard = ''
  pair.far.on('data', (bytes: Buffer) => {
    heard += bytes.toString()
  })
  await wait(200)
  t.is(heard, '')
  t.false(pair.far.destroyed)
  pair.proxy.blackHole(false)
  await once(pair.far, 'data')
  t.is(heard, 'held')
  pair.near.end()
  await once(pair.far, 'end')
  late.destroy()
})

test('delays bytes without slowing them down', async (t) => {
  await using pair = await connected()
  pair.proxy.delayMs = 100
  const start = performance.now()
  const [near, far] = await Promise.all([
    exchange(pair.near, 1, 10_000_000),
    exchange(pair.far, 2, 10_000_000),
  ])
  const tookMs = performance.now() - start
  t.is(near.sent, far.received)
  t.true(tookMs >= 100, `${tookMs} ms`)
  t.true(tookMs < 10_000, `${tookMs} ms`)
})

test('throttles to the given rate', async (t) => {
  await using pair = await connected()
  pair.proxy.throttleBytesPerSecond = 1_000_000
  const start = performance.now()
  await Promise.all([exchange(pair.near, 1, 400_000), exchange(pair.far, 2, 400_000)])
  t.true(performance.now() - start >= 380)
})

test('cut and finish meet one connection of several where that is asked for', async (t) => {
  await using pair = await connected()
  const other = connect({ port: pair.proxy.port, host: '127.0.0.1' })
  other.on('error', () => {})
  await once(other, 'connect')
  other.write('here')
  await until(() => pair.proxy.clientPorts.length === 2)
  pair.near.resume()
  t.is(pair.proxy.cut(0), 1)
  await reset(t, pair.near)
  t.is(pair.proxy.cut(7), 0)
  other.resume()
  t.deepEqual(pair.proxy.clientPorts, [other.localPort])
  t.is(pair.proxy.finish(0), 1)
  await once(other, 'end')
  other.destroy()
})

test('tears a connection within a record, whatever pieces it comes in', async (t) => {
  const record = Buffer.concat([Buffer.from([23, 3, 3, 1, 0]), Buffer.alloc(256, 7)])
  for (const pieceBytes of [1, 3, 100, 261, 1_000]) {
    await using pair = await connected()
    const heard: Buffer[] = []
    pair.far.on('data', (bytes: Buffer) => heard.push(bytes))
    const sent = Buffer.concat(Array.from({ length: 8 }, () => record))
    pair.near.write(sent.subarray(0, 700))
    await until(() => Buffer.concat(heard).length === 700)
    const torn = pair.proxy.tear('out', 0)
    for (let at = 700; at < sent.length; at += pieceBytes) {
      pair.near.write(sent.subarray(at, at + pieceBytes))
    }
    t.is(await torn, 1)
    await once(pair.far, 'end')
    const { length } = Buffer.concat(heard)
    t.true(length % record.length > 5, `${length} bytes in pieces of ${pieceBytes}`)
    t.deepEqual(Buffer.concat(heard), sent.subarray(0, length))
  }
})

test('a middle box ends what is idle, by RST or without a word, and nothing else', async (t) => {
  for (const how of ['close', 'drop'] as const) {
    await using pair = await connected()
    pair.near.resume()
    pair.far.resume()
    const met = Promise.withResolvers<void>()
    pair.proxy.idleBox({ afterMs: 60_000, how }, () => t.fail('it was not idle so long'))
    const ends = Promise.all([reset(t, pair.near), reset(t, pair.far)])
    ends.catch(() => {})
    pair.proxy.idleBox({ afterMs: 100, how }, met.resolve)
    await met.promise
    if (how === 'close') await ends
    pair.proxy.idleBox(undefined)
    if (how === 'close') continue
    pair.far.once('data', () => t.fail('a word came through'))
    const { bytesRead } = pair.far
    await new Promise((resolve) => pair.near.write('into the void', resolve))
    pair.near.resetAndDestroy()
    await once(pair.near, 'close')
    t.is(pair.far.bytesRead, bytesRead)
    t.false(pair.far.destroyed)
  }
})

test('a target that is not there is a reset', async (t) => {
  await using unused = await FaultyProxy.before(1)
  const socket = connect(unused.port, '127.0.0.1')
  await reset(t, socket)
})

/** Resolves when it is so; looks anew whenever the loop comes round. */
async function until(isSo: () => boolean): Promise<void> {
  const deadline = AbortSignal.timeout(30_000)
  while (!isSo()) {
    deadline.throwIfAborted()
    await wait(1)
  }
}

async function reset(t: ExecutionContext, socket: Socket): Promise<void> {
  const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
  t.is(error.code, 'ECONNRESET')
}
