/** What an agent is on its own machine: it opens no port, unless it is told to forward. */
import { run } from '../support/process.ts'
import { programPath, serialTestWith } from '../support/program.ts'
import { consumerOf, echoes, startEcho } from '../support/tcp.ts'
import { openTunnel } from '../support/tunnel.ts'

const withSocketStatistics = serialTestWith('ss')

/** The local addresses on which a process listens. */
async function listenersOf(pid: number): Promise<readonly string[]> {
  const table = await run(programPath('ss'), ['-H', '-l', '-t', '-u', '-n', '-p'])
  const mine = table.split('\n').filter((line) => line.includes(`pid=${pid},`))
  return mine.map((line) => line.trim().split(/\s+/)[4] ?? '')
}

withSocketStatistics('an agent listens on nothing, even while it carries a stream', async (t) => {
  t.timeout(180_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel({ services: { 'plant-1/any': { target: echo.port } } })
  const consumer = await consumerOf(tunnel.port('plant-1/any'))
  t.true(await echoes(consumer, 'hello'))
  t.deepEqual(await listenersOf(tunnel.agent('plant-1').process.pid), [])
  t.true((await listenersOf(tunnel.relay.pid)).length >= 3)
  consumer.destroy()
})

withSocketStatistics('an agent that forwards listens there and nowhere else', async (t) => {
  t.timeout(180_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel({
    services: { 'plant-1/any': { target: echo.port } },
    forwards: { 'desk-1': ['plant-1/any'] },
  })
  const port = tunnel.forwardPort('desk-1', 'plant-1/any')
  t.deepEqual(await listenersOf(tunnel.agent('desk-1').process.pid), [`127.0.0.1:${port}`])
})
