/** Tests what the kernel says of a process's sockets, against sockets of the test's own process. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import test from 'ava'
import { isLoopback, type ListeningPlace, listeningPlaces } from '../../demo/sockets.ts'
import { consumerOf, startEcho } from '../support/tcp.ts'

const places = async (): Promise<readonly ListeningPlace[]> =>
  (await listeningPlaces(process.pid)) ?? []

if (existsSync('/proc/self/net/tcp')) {
  test.serial('a listener is found with its address, and a connection is none', async (t) => {
    const before = await places()
    await using echo = await startEcho()
    const consumer = await consumerOf(echo.port)
    const added = (await places()).filter((one) => !before.some(({ port }) => port === one.port))
    t.deepEqual(added, [{ protocol: 'tcp', address: '127.0.0.1', port: echo.port }])
    t.true(added.every(isLoopback))
    consumer.destroy()
  })

  test.serial('a listener on every address is found and is no loopback', async (t) => {
    const server = createServer().listen(0, '0.0.0.0')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const found = (await places()).filter((one) => one.port === port)
    t.deepEqual(found, [{ protocol: 'tcp', address: '0.0.0.0', port }])
    t.false(found.some(isLoopback))
    server.close()
  })

  test.serial('a UDP socket that anybody may write to is found', async (t) => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1')
    await once(socket, 'listening')
    const { port } = socket.address()
    const found = (await places()).filter((one) => one.port === port)
    t.deepEqual(found, [{ protocol: 'udp', address: '127.0.0.1', port }])
    socket.close()
  })

  test.serial('IPv6 is read as well, where the machine has it', async (t) => {
    const server = createServer().listen(0, '::1')
    const isThere = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    if (!isThere) {
      t.pass('no IPv6 here')
      return
    }
    const { port } = server.address() as AddressInfo
    const found = (await places()).filter((one) => one.port === port)
    t.deepEqual(found, [{ protocol: 'tcp', address: '0:0:0:0:0:0:0:1', port }])
    t.true(found.every(isLoopback))
    server.close()
  })
}

test('of a process that is not there nothing is known', async (t) => {
  t.is(await listeningPlaces(2 ** 30), undefined)
})
