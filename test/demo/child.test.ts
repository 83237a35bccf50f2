/** Tests the demo's child processes: what they say is heard, and that they end is noticed. */
import test from 'ava'
import type { Child } from '../../demo/child.ts'
import { Processes } from '../../demo/processes.ts'
import { temporaryFolder } from '../support/temporary.ts'

const stays = 'setInterval(() => {}, 1_000);'

test('a record is found behind the place, and only there', async (t) => {
  await using stage = await openStage()
  const child = stage.start(`console.log('{"message":"up","life":1}'); ${stays}`)
  const isUp = ({ message }: { readonly message?: unknown }): boolean => message === 'up'
  t.is((await child.said('up', isUp)).life, 1)
  const late = child.said('up again', isUp, { after: child.here, withinMs: 30 })
  await t.throwsAsync(late, {
    code: 'promise_broken',
    message: 'relay: up again: not within 0.03 s.',
  })
})

test('one that ends before it says what it should is quoted', async (t) => {
  await using stage = await openStage()
  const child = stage.start('console.error("✗ 127.0.0.1:1 is in use (port_in_use)")')
  const waiting = child.said('ready', () => false)
  await t.throwsAsync(waiting, {
    code: 'port_in_use',
    message: /^relay ended before ready; the last it said: ✗ 127/,
  })
})

test('a program that is not there is noticed', async (t) => {
  await using stage = await openStage()
  const child = stage.processes.start({ name: 'broker', program: '/no/such/program', args: [] })
  await t.throwsAsync(
    child.said('ready', () => false),
    { message: /ENOENT/ },
  )
})

test('one that falls is noticed; one that is killed or stopped is not', async (t) => {
  await using stage = await openStage()
  const killed = stage.start(stays)
  const watching = stage.processes.untilOneFalls()
  await killed.kill()
  t.false(killed.isRunning)
  const stopped = stage.start(stays)
  await stopped.stop()
  stage.start('process.exitCode = 7; console.error("out of luck")')
  await t.throwsAsync(watching, {
    message: /^relay ended by itself; the last it said: out of luck$/,
  })
})

test('the settings of the user do not reach it', async (t) => {
  process.env.SALLYPORT_DEMO_TEST = 'set'
  await using stage = await openStage()
  const child = stage.start(`console.log('it is', process.env.SALLYPORT_DEMO_TEST); ${stays}`)
  const found = await child.heard('the setting', (line) => /^it is (.*)$/.exec(line)?.[1])
  t.is(found, 'undefined')
})

test('an interruption ends every wait with its reason', async (t) => {
  const controller = new AbortController()
  await using stage = await openStage(controller.signal)
  const child = stage.start(stays)
  const waiting = child.said('nothing', () => false)
  controller.abort(new Error('enough'))
  await t.throwsAsync(waiting, { message: 'enough' })
  await t.throwsAsync(stage.processes.untilOneFalls(), { message: 'enough' })
})

async function openStage(signal = new AbortController().signal): Promise<
  AsyncDisposable & {
    readonly processes: Processes
    readonly start: (script: string) => Child
  }
> {
  await using scope = new AsyncDisposableStack()
  const folder = scope.use(await temporaryFolder())
  const processes = scope.use(new Processes(folder.path, signal))
  const rest = scope.move()
  return {
    processes,
    start: (script) =>
      processes.start({ name: 'relay', program: process.execPath, args: ['-e', script] }),
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  }
}
