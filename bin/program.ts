/**
 * The command `sallyport`: puts the commands of all parts together, turns faults into exit codes.
 *
 * Invariant: 0 is done, 1 failed, 2 wrong usage or configuration; a fault is printed once, with its
 * code, and nothing else of it reaches standard output.
 */
import { readFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { Command, CommanderError, Option } from 'commander'
import type { BrokerKind } from '../demo/broker.ts'
import type { Transport } from '../demo/todo/page/settings.ts'
import { Fault, type FaultCode } from '../shared/protocol/fault.ts'
import { agentInitCommand, relayInitCommand } from './init.ts'
import { throwingUsage } from './usage.ts'

const examples = `Examples:
  sallyport demo                             see it work, on this machine, in a minute
  sallyport relay init relay.example.com     begin a relay
  sallyport certs issue agent plant-1        a certificate for an agent
  sallyport agent                            run an agent on agent.yaml
  sallyport explain port_in_use              what an error means, and what to do
`

const exitCodes = `
Exit codes: 0 done, 1 failed, 2 wrong command line or configuration`

/** Runs one command line; gives the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    const command = await program(argv[2])
    await command.parseAsync([...argv])
    return 0
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    const fault =
      error instanceof Fault ? error : new Fault('internal', undefined, { cause: error })
    process.stderr.write(`✗ ${withCode(fault)}\n`)
    if (wrongUse.has(fault.code)) return 2
    const isOurs = fault.code === 'internal'
    const more = isOurs ? inspect(fault.cause ?? fault) : `  More: sallyport explain ${fault.code}`
    process.stderr.write(`${more}\n`)
    return 1
  }
}

const wrongUse: ReadonlySet<FaultCode> = new Set([
  'usage',
  'config_invalid',
  'name_invalid',
  'file_unreadable',
])

async function program(word: string | undefined): Promise<Command> {
  const version: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  const command = new Command('sallyport')
    .enablePositionalOptions()
    .description('reach systems behind a firewall over one WebSocket, by white list')
    .version((version as { version: string }).version)
    .addHelpText('before', examples)
    .addHelpText('after', exitCodes)
  for (const name of word !== undefined && Object.hasOwn(parts, word) ? [word as Part] : allParts) {
    command.addCommand(await parts[name]())
  }
  return throwingUsage(command)
}

/** Each part is read only when it is called for: an agent holds no code of an authority. */
const parts = {
  relay: async () => {
    const { relayCommand } = await import('../relay/main.ts')
    return relayCommand().addCommand(relayInitCommand())
  },
  agent: async () => {
    const { agentCommand } = await import('../agent/main.ts')
    return agentCommand().addCommand(agentInitCommand())
  },
  certs: async () => {
    const { certsCommand } = await import('../certs/main.ts')
    return certsCommand()
  },
  demo: async () => {
    const { deviceCommand } = await import('../demo/device/command.ts')
    const { exampleCommand } = await import('../demo/examples/command.ts')
    const { serverCommand } = await import('../demo/todo/command.ts')
    return [deviceCommand(), serverCommand(), exampleCommand()].reduce(
      (demo, command) => demo.addCommand(command),
      demoCommand(),
    )
  },
  explain: async () => {
    const { explainCommand } = await import('./explain.ts')
    return explainCommand()
  },
} as const satisfies Readonly<Record<string, () => Promise<Command>>>

type Part = keyof typeof parts
const allParts = Object.keys(parts) as readonly Part[]

/** The demo brings an MQTT client and a broker along: they are read when it runs, not before. */
function demoCommand(): Command {
  return new Command('demo')
    .enablePositionalOptions()
    .description('see it work: relay, agents and an on-prem broker on this machine')
    .option('--check', 'check every promise and exit')
    .addOption(
      new Option('--broker <kind>', 'by default Mosquitto, if it is installed').choices(brokers),
    )
    .addOption(
      new Option('--transport <kind>', 'by default mqtt, and all of them with --check').choices(
        transports,
      ),
    )
    .option('--keep', 'leave the folder with certificates and configuration')
    .action(async ({ check, broker, transport, keep }: DemoFlags) => {
      const { runDemo } = await import('../demo/main.ts')
      await runDemo({ check: check === true, broker, transport, keep: keep === true })
    })
}

interface DemoFlags {
  readonly check?: true
  readonly broker?: BrokerKind
  readonly transport?: Transport
  readonly keep?: true
}

const brokers: readonly BrokerKind[] = ['embedded', 'mosquitto', 'rabbitmq']
const transports: readonly Transport[] = ['socket.io', 'mqtt', 'amqp']

/** The code behind the first line: a report of several lines ends with what it points at. */
function withCode({ code, message }: Fault): string {
  if (message.includes(`(${code})`)) return message
  return message.replace(/$/m, ` (${code})`)
}
