/** Tests of child processes: waiting for lines, deadlines, and that none outlives its scope. */
import test from 'ava'
import { Child, run } from './process.ts'

const node = process.execPath

test('waits for a line of either output, and collects both', async (t) => {
  await using child = new Child(node, [
    '-e',
    `console.log('one'); console.error('port 4711'); setInterval(() => {}, 1000)`,
  ])
  const [, port] = await child.waitForLine(/^port (\d+)$/)
  t.is(port, '4711')
  await child.waitForLine(/^one$/)
  t.is(child.output, 'one\n')
  t.true(child.isRunning)
})

test('waits from a given line on, so that a repeated line is seen as new', async (t) => {
  await using child = new Child(
    node,
    ['-e', `process.stdin.on('data', (data) => console.log('tick\\ntick ' + data))`],
    { input: 'tock' },
  )
  await child.waitForLine(/^tick/)
  const [line] = await child.waitForLine(/^tick.*/, { from: 1 })
  t.is(line, 'tick tock')
})

test('says what the child wrote when a wait fails', async (t) => {
  await using child = new Child(node, ['-e', `console.log('alas')`])
  await t.throwsAsync(child.waitForLine(/hooray/), { message: /ended before[\s\S]*alas/ })
  await using silent = new Child(node, ['-e', 'setInterval(() => {}, 1000)'])
  await t.throwsAsync(silent.waitForLine(/hooray/, { deadlineMs: 50 }), {
    message: /did not say .hooray. within 50 ms/,
  })
})

test('a program that does not exist fails its first wait', async (t) => {
  await using child = new Child('no-such-program', [])
  await t.throwsAsync(child.waitForLine(/./, { from: 1 }), { message: /ENOENT/ })
})

test('ends a child that is stopped, and kills one that does not listen', async (t) => {
  await using stopped = new Child(node, ['-e', `console.log('up'); setInterval(() => {}, 1000)`])
  await stopped.waitForLine(/up/)
  stopped.signal('SIGSTOP')
  t.deepEqual(await stopped.end(), { status: null, signal: 'SIGTERM' })
  await using deaf = new Child(node, [
    '-e',
    `process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)`,
  ])
  await deaf.waitForLine(/up/)
  t.deepEqual(await deaf.end(50), { status: null, signal: 'SIGKILL' })
})

test('runs a program to its end, and throws for any status but 0', async (t) => {
  t.is(await run(node, ['-p', '6 * 7']), '42\n')
  await t.throwsAsync(run(node, ['-e', `console.error('why'); process.exit(3)`]), {
    message: /status 3[\s\S]*why/,
  })
})
