/** Tests that a test process which is killed takes its children with it, and theirs. */
import test from 'ava'
import { Child } from './process.ts'
import { readToEnd, startTarget } from './tcp.ts'

test('who is killed leaves nobody behind, whether stopped or at work', async (t) => {
  await using target = await startTarget()
  const call = `require('node:net').connect(${target.port}, '127.0.0.1').on('error', () => {})`
  const spawn = `require('node:child_process').spawn(process.execPath, ['-e', "${call}"])`
  const parent = `${call}; ${spawn}`
  const module = new URL('process.ts', import.meta.url).href
  const killed = `
    import { Child } from ${JSON.stringify(module)}
    const over = new Child(process.execPath, ['-e', ''])
    await over.waitForExit()
    const parent = ['-e', ${JSON.stringify(parent)}]
    const children = [1, 2].map(() => new Child(process.execPath, parent))
    process.stdin.once('data', () => {
      children[0].signal('SIGSTOP')
      process.kill(process.pid, 'SIGKILL')
    })
    console.log('ready')`
  const options = { isTypedTo: true } as const
  await using child = new Child(process.execPath, ['--input-type=module', '-e', killed], options)
  await child.waitForLine(/^ready$/)
  const sockets = await Promise.all([1, 2, 3, 4].map(async () => await target.next()))
  child.type('now')
  await Promise.all(sockets.map(async (socket) => await readToEnd(socket)))
  t.deepEqual(await child.waitForExit(), { status: null, signal: 'SIGKILL' })
})
