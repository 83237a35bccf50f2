/** Tests of free ports. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import test from 'ava'
import { freePort, onFreePort } from './ports.ts'

test.serial('nobody listens on a free port, and one can', async (t) => {
  const port = await freePort()
  const refused = connect(port, '127.0.0.1')
  const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException]
  t.is(error.code, 'ECONNREFUSED')
  await using server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.pass()
})

test.serial('a port is not handed out again at once', async (t) => {
  const ports = new Set<number>()
  for (let count = 0; count < 20; count += 1) ports.add(await freePort())
  t.is(ports.size, 20)
})

test.serial('a port that is taken is passed over', async (t) => {
  const taken = new Set<number>()
  await using servers = new AsyncDisposableStack()
  for (let count = 0; count < 40; count += 1) {
    const port = await freePort()
    if (taken.size === 16) {
      t.false(taken.has(port))
      continue
    }
    const server = servers.use(createServer().listen(port, '127.0.0.1'))
    await once(server, 'listening')
    taken.add(port)
  }
})

test.serial('tries another port when a start fails, and gives up after the fifth', async (t) => {
  const tried = new Set<number>()
  const second = await onFreePort((port) => {
    tried.add(port)
    return tried.size < 2 ? Promise.reject(new Error('taken')) : Promise.resolve(port)
  })
  t.true(tried.has(second))
  let starts = 0
  const failing = onFreePort(() => {
    starts += 1
    return Promise.reject(new Error('taken'))
  })
  await t.throwsAsync(failing, { message: 'taken' })
  t.is(starts, 5)
})
