/**
 * `sallyport demo server`: the command line of the todo server.
 *
 * Invariant: what is wrong is said before anything is opened; the libraries of the transports are
 * read when the server runs, and not for its help.
 */
import { Command, Option } from 'commander'
import { type HostPort, readListenAddress } from '../../shared/io/config/values.ts'
import { Fault } from '../../shared/protocol/fault.ts'
import type { Transport } from './page/settings.ts'

const examples = `Examples:
  sallyport demo server                                  over MQTT, the broker on this machine
  sallyport demo server --transport amqp --broker amqp://127.0.0.1:5672
  sallyport demo server --transport socket.io --listen 127.0.0.1:3000
`

/** The command `server`, to be added to `demo`. */
export function serverCommand(): Command {
  const transport = new Option('--transport <kind>', 'what carries the events')
  const listen = new Option('--listen <address>', 'for pages and Socket.IO')
  return new Command('server')
    .description('run the todo server of the demo')
    .addHelpText('before', examples)
    .addOption(transport.choices(Object.keys(brokers)).default('mqtt'))
    .option('--broker <url>', 'mqtt or amqp; by default on this machine')
    .option('--folder <folder>', 'where the list is kept', 'todo')
    .addOption(listen.argParser(listenAddress).default(listenDefault, '127.0.0.1:3000'))
    .option('--press-path <path>', 'where a POST presses a simulated device; the page has a button')
    .action(async ({ transport, broker, folder, listen, pressPath }: ServerFlags) => {
      const url = brokerUrl(transport, broker ?? brokers[transport])
      const { runTodoServer } = await import('./main.ts')
      await runTodoServer({ transport, broker: url, folder, listen, pressPath })
    })
}

interface ServerFlags {
  readonly transport: Transport
  readonly broker?: string
  readonly folder: string
  readonly listen: HostPort
  readonly pressPath?: string
}

const listenDefault: HostPort = { host: '127.0.0.1', port: 3000 }

/** Where the broker of each transport is by default; Socket.IO has none. */
const brokers: Readonly<Record<Transport, string>> = {
  'socket.io': '',
  mqtt: 'mqtt://127.0.0.1:1883',
  amqp: 'amqp://127.0.0.1:5672',
}

const schemes: Readonly<Record<Transport, readonly string[]>> = {
  'socket.io': [],
  mqtt: ['mqtt:', 'mqtts:', 'ws:', 'wss:'],
  amqp: ['amqp:', 'amqps:'],
}

function brokerUrl(transport: Transport, text: string): string {
  if (transport === 'socket.io') {
    if (text === '') return text
    throw new Fault('usage', 'Socket.IO needs no --broker.')
  }
  const url = URL.parse(text)
  if (url !== null && schemes[transport].includes(url.protocol) && url.hostname !== '') return text
  const example = brokers[transport]
  throw new Fault('usage', `"${text}" is no address of an ${transport} broker, such as ${example}.`)
}

function listenAddress(text: string): HostPort {
  const read = readListenAddress(text)
  if ('wrong' in read) throw new Fault('usage', `--listen: ${read.wrong}.`)
  return read.value
}
