/** A Mosquitto broker of the test's own: plain MQTT on a loopback port, nothing kept. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onFreePort } from './ports.ts'
import { Child } from './process.ts'
import { programPath } from './program.ts'
import { temporaryFolder } from './temporary.ts'

/** The running broker. */
export interface Mosquitto extends AsyncDisposable {
  readonly port: number
  /** What the broker logs: each packet with its direction, such as `Sending SUBACK to`. */
  readonly log: Pick<Child, 'waitForLine' | 'lines'>
}

/** Starts the broker; resolves when it accepts clients. Needs `mosquitto`. */
export async function startMosquitto(): Promise<Mosquitto> {
  return await onFreePort(async (port) => {
    await using started = new AsyncDisposableStack()
    const folder = started.use(await temporaryFolder())
    const file = join(folder.path, 'mosquitto.conf')
    await writeFile(file, configuration(port))
    const broker = started.use(new Child(programPath('mosquitto'), ['-v', '-c', file]))
    await broker.waitForLine(/mosquitto version .* running/)
    const stack = started.move()
    return { port, log: broker, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  })
}

function configuration(port: number): string {
  return [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence false',
    'log_dest stderr',
    // Started by root, it would become a user that cannot read the test's folder.
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    '',
  ].join('\n')
}
