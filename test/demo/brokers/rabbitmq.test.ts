/** Tests RabbitMQ as a broker of its own: where it listens, and what it leaves behind. */
import { access } from 'node:fs/promises'
import test from 'ava'
import { findRabbitMq, startRabbitMq } from '../../../demo/brokers/rabbitmq.ts'
import { Processes } from '../../../demo/processes.ts'
import { Fault } from '../../../shared/protocol/fault.ts'
import { run } from '../../support/process.ts'
import { programPath, testWith } from '../../support/program.ts'
import { temporaryFolder } from '../../support/temporary.ts'

test('without RabbitMQ the fault names the package', (t) => {
  for (const missing of ['rabbitmq-server', 'epmd']) {
    const find = (name: string): string | undefined => (name === missing ? undefined : `/${name}`)
    const fault = t.throws(() => findRabbitMq(find), { instanceOf: Fault })
    t.is(fault?.code, 'usage')
    t.regex(fault?.message ?? '', /apt-get install rabbitmq-server/)
  }
})

testWith('rabbitmq-server', 'ss')(
  'it listens on loopback only, with a port mapper of its own, and leaves no process',
  async (t) => {
    t.timeout(240_000)
    await using folder = await temporaryFolder()
    const pids: number[] = []
    {
      await using processes = new Processes(folder.path, new AbortController().signal)
      const { port, version } = await startRabbitMq(processes, folder.path)
      t.regex(version, /^\d+\.\d+/)
      for (const { name, pid } of processes.children) {
        pids.push(pid)
        const lines = (await run(programPath('ss'), ['-H', '-l', '-t', '-n', '-p']))
          .split('\n')
          .filter((line) => line.includes(`pid=${pid},`))
        const places = lines.map((line) => line.split(/\s+/)[3] ?? '')
        t.true(places.length > 0, name)
        for (const place of places) {
          t.regex(place, /^(?:127\.0\.0\.1|\[::1\]):\d+$/)
          t.notRegex(place, /:(?:4369|5672|25672)$/, 'no usual port')
        }
        if (name === 'broker') t.true(places.includes(`127.0.0.1:${port}`))
      }
    }
    t.is(pids.length, 2)
    for (const pid of pids) await t.throwsAsync(access(`/proc/${pid}`))
  },
)
