/**
 * RabbitMQ as a broker of its own for one run: AMQP 0-9-1 on a loopback port, as guest.
 *
 * Invariant: everything that it writes is in its folder, it listens on loopback only, and it shares
 * neither the port mapper (epmd) nor the cookie of any other Erlang on this machine, so that it can
 * neither disturb nor be disturbed.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../../shared/protocol/fault.ts'
import type { Child } from '../child.ts'
import { onFreePorts } from '../ports.ts'
import type { Processes } from '../processes.ts'
import { findProgram } from './installed.ts'

/** A RabbitMQ that takes clients. */
export interface RabbitMq {
  readonly version: string
  readonly port: number
  /** Where another node would reach it. */
  readonly nodePort: number
  readonly process: Child
  /** Starts it again, on the same data, after it was ended. */
  again(): Promise<RabbitMq>
}

/** The same of each Debian and Erlang: what the wrapper in PATH calls in the end. */
const folders = ['/usr/lib/rabbitmq/bin', '/opt/homebrew/sbin']

/** The programs that it consists of. */
export interface RabbitMqPrograms {
  readonly server: string
  readonly portMapper: string
}

/** True where it could be started. */
export function isRabbitMqInstalled(): boolean {
  return findProgram('rabbitmq-server', folders) !== undefined && findProgram('epmd') !== undefined
}

/** Where its programs are. Throws `usage` when it is not installed. */
export function findRabbitMq(find = findProgram): RabbitMqPrograms {
  const server = find('rabbitmq-server', folders)
  const portMapper = find('epmd')
  if (server !== undefined && portMapper !== undefined) return { server, portMapper }
  const advice = 'apt-get install rabbitmq-server, or take another broker with --broker'
  throw new Fault('usage', `RabbitMQ is not installed here: ${advice}`)
}

/** Starts it in a folder below this one. Throws `usage` when it is not installed. */
export async function startRabbitMq(processes: Processes, folder: string): Promise<RabbitMq> {
  const { server: program, portMapper } = findRabbitMq()
  return await onFreePorts([0, 0, 0], async ([port = 0, mapperPort = 0, nodePort = 0]) => {
    const own = join(folder, `rabbitmq-${port}`)
    await mkdir(own, { recursive: true, mode: 0o700 })
    await writeFile(join(own, 'rabbitmq.conf'), configuration(port))
    await writeFile(join(own, 'enabled_plugins'), '[].\n')
    const environment = environmentOf(own, mapperPort, nodePort)
    const mapperArgs = ['-port', `${mapperPort}`, '-address', '127.0.0.1']
    processes.start({ name: 'epmd', program: portMapper, args: mapperArgs, environment })
    const start = async (): Promise<RabbitMq> => {
      const process = processes.start({ name: 'rabbitmq', program, args: [], environment })
      const version = await process.heard(
        'startup',
        (line) => /Starting RabbitMQ (\S+)/.exec(line)?.[1],
        { withinMs: startWithinMs },
      )
      const isUp = (line: string): true | undefined =>
        line.includes('Server startup complete') || undefined
      await process.heard('that its startup is complete', isUp, { withinMs: startWithinMs })
      return { version, port, nodePort, process, again: start }
    }
    return await start()
  })
}

/** Erlang begins slowly, above all on a machine that does other things. */
const startWithinMs = 60_000

function configuration(port: number): string {
  return [
    `listeners.tcp.1 = 127.0.0.1:${port}`,
    'log.console = true',
    'log.console.level = info',
    'log.file = false',
    // A demo on a full disk is told so by what it writes itself.
    'disk_free_limit.absolute = 10MB',
    '',
  ].join('\n')
}

function environmentOf(
  folder: string,
  mapperPort: number,
  nodePort: number,
): Readonly<Record<string, string>> {
  return {
    // The cookie, by which nodes trust each other, is made here.
    HOME: folder,
    ERL_EPMD_PORT: `${mapperPort}`,
    ERL_EPMD_ADDRESS: '127.0.0.1',
    RABBITMQ_NODENAME: 'sallyport@localhost',
    RABBITMQ_DIST_PORT: `${nodePort}`,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    RABBITMQ_CONF_ENV_FILE: join(folder, 'none'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    // Otherwise a shell stands between us and the broker, and signals end only the shell.
    RUNNING_UNDER_SYSTEMD: 'true',
  }
}
