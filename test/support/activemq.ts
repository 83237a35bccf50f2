/** An ActiveMQ of the test's own: plain STOMP on a loopback port, nothing kept. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Child } from './process.ts'
import { programPath } from './program.ts'
import { temporaryFolder } from './temporary.ts'

/** The running broker. */
export interface ActiveMq extends AsyncDisposable {
  readonly stompPort: number
}

/** Starts the broker; resolves when it accepts clients. Needs `java` and `activemq.jar`. */
export async function startActiveMq(): Promise<ActiveMq> {
  await using started = new AsyncDisposableStack()
  const { path } = started.use(await temporaryFolder())
  const logging = join(path, 'log4j.properties')
  await writeFile(logging, loggingFile)
  const jar = programPath('activemq.jar')
  const properties = {
    'activemq.home': join(jar, '..', '..'),
    'activemq.base': path,
    'activemq.conf': path,
    'activemq.data': join(path, 'data'),
    'java.io.tmpdir': path,
    'log4j.configuration': `file:${logging}`,
  }
  const flags = Object.entries(properties).map(([name, value]) => `-D${name}=${value}`)
  const broker = started.use(
    new Child(programPath('java'), ['-Xmx128m', ...flags, '-jar', jar, 'start', brokerUri], {
      folder: path,
    }),
  )
  const listening = /Listening for connections at: stomp:\/\/\S+:(\d+)/
  const [, port] = await broker.waitForLine(listening, { deadlineMs: 60_000 })
  await broker.waitForLine(/Apache ActiveMQ .* started/, { deadlineMs: 30_000 })
  const stack = started.move()
  return { stompPort: Number(port), [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

const settings = 'brokerName=test&persistent=false&useJmx=false&schedulerSupport=false'
const brokerUri = `broker:(stomp://127.0.0.1:0)?${settings}`

const loggingFile = `log4j.rootLogger=INFO, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%m%n
`
