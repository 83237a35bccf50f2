/** Tests of free ports. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import test from 'ava'
import { freePort, onFreePort } from './ports.ts'

test('nobody listens on a free port, and one can', async (t) => {
  const port = await freePort()
  const refused = connect(port, '127.0.0.1')
  const [error] = (await once(refused, 'error')) as [NodeJS.ErrnoException]
  t.is(error.code, 'ECONNREFUSED')
  await using server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  t.pass()
})

test('tries another port when a start fails, and gives up after the fifth', async (t) => {
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
