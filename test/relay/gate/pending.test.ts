/** Tests of the places of those who have not said who they are. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import test from 'ava'
import { PendingConnections, type PendingLimits, sourceOf } from '../../../relay/gate/pending.ts'
import { within } from '../../support/within.ts'

/** A server whose connections are all pending, and both ends of those that came. */
async function stand(limits: Partial<PendingLimits>) {
  const pending = new PendingConnections({
    pendingHandshakesMax: 100,
    pendingPerSourceMax: 100,
    handshakeTimeoutMs: 5_000,
    ...limits,
  })
  const server = createServer((socket) => pending.arrive(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const near: Socket[] = []
  return {
    pending,
    /** Connects from this loopback address; gives the server's socket. */
    async come(localAddress = '127.0.0.1'): Promise<Socket> {
      const accepted = once(server, 'connection') as Promise<[Socket]>
      near.push(connect({ host: '127.0.0.1', port, localAddress }).on('error', () => {}))
      const [socket] = await within('a connection', accepted)
      return socket
    },
    async [Symbol.asyncDispose]() {
      for (const socket of near) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Waits until the door has shown the socket out. */
async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await within('the end', once(socket, 'close'))
}

async function destroy(socket: Socket): Promise<void> {
  const end = once(socket, 'close')
  socket.destroy()
  await within('the end', end)
}

test('a source is an IPv4 address or an IPv6 network of 64 bits', (t) => {
  t.is(sourceOf('203.0.113.7'), '203.0.113.7')
  t.is(sourceOf('::ffff:203.0.113.7'), '203.0.113.7')
  t.is(sourceOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2::/64')
  t.is(sourceOf('2001:db8:1:2::1'), '2001:db8:1:2::/64')
  t.is(sourceOf('fe80::1%eth0'), 'fe80::1%eth0')
})

test('one source has its places, and another has its own', async (t) => {
  await using door = await stand({ pendingPerSourceMax: 2 })
  const [first, second] = [await door.come(), await door.come()]
  const third = await door.come()
  const other = await door.come('127.0.0.2')
  await closed(third)
  t.deepEqual(
    [first, second, other].map(({ destroyed }) => destroyed),
    [false, false, false],
  )
  t.is(door.pending.size, 3)
  t.deepEqual(door.pending.takeCounts(), { shed: 1, timedOut: 0, lastSource: '127.0.0.1' })
  t.is(door.pending.takeCounts(), undefined)
  t.like(door.pending.totals, { shed: 1, timedOut: 0 }, 'and in all')
})

test('all sources together have no more than all places', async (t) => {
  await using door = await stand({ pendingHandshakesMax: 2 })
  await door.come('127.0.0.1')
  await door.come('127.0.0.2')
  await closed(await door.come('127.0.0.3'))
  t.is(door.pending.size, 2)
})

test('a place is free when its holder has settled, or is gone, and once only', async (t) => {
  await using door = await stand({ pendingPerSourceMax: 2 })
  const [first, second] = [await door.come(), await door.come()]
  door.pending.settle(first)
  door.pending.settle(first)
  t.is(door.pending.size, 1)
  await destroy(second)
  t.is(door.pending.size, 0)
  await destroy(first)
  const [third, fourth, fifth] = [await door.come(), await door.come(), await door.come()]
  await closed(fifth)
  t.false(third.destroyed || fourth.destroyed)
})

test('who takes too long is gone, who has settled is not', async (t) => {
  await using door = await stand({ handshakeTimeoutMs: 100 })
  const [slow, settled] = [await door.come(), await door.come()]
  door.pending.settle(settled)
  await closed(slow)
  t.false(settled.destroyed)
  t.like(door.pending.takeCounts(), { shed: 0, timedOut: 1 })
  t.is(door.pending.size, 0)
})
