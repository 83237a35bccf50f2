/**
 * The command `sallyport`: puts the commands of all parts together and turns faults into exit codes.
 *
 * Invariant: 0 is done, 1 failed, 2 wrong usage or configuration; a fault is printed once, with its
 * code, and nothing else of it reaches standard output.
 */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { agentCommand } from '../agent/main.ts'
import { certsCommand } from '../certs/main.ts'
import { relayCommand } from '../relay/main.ts'
import { Fault, type FaultCode } from '../shared/protocol/fault.ts'
import { agentInitCommand, relayInitCommand } from './init.ts'
import { throwingUsage } from './usage.ts'

const examples = `Examples:
  sallyport demo                             see it work, on this machine, in a minute
  sallyport relay init relay.example.com     begin a relay
  sallyport certs issue agent plant-1        a certificate for an agent
  sallyport agent                            run an agent on agent.yaml
`

/** Runs one command line; gives the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...argv])
    return 0
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0
    const fault =
      error instanceof Fault ? error : new Fault('internal', undefined, { cause: error })
    process.stderr.write(`✗ ${withCode(fault)}\n`)
    if (fault.code === 'internal') process.stderr.write(`${fault.cause ?? fault.stack}\n`)
    return wrongUse.has(fault.code) ? 2 : 1
  }
}

const wrongUse: ReadonlySet<FaultCode> = new Set([
  'usage',
  'config_invalid',
  'name_invalid',
  'file_unreadable',
])

function program(): Command {
  const version: unknown = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  const command = new Command('sallyport')
    .description('reach systems behind a firewall over one WebSocket, by white list')
    .version((version as { version: string }).version)
    .addHelpText('before', examples)
    .addCommand(relayCommand().addCommand(relayInitCommand()))
    .addCommand(agentCommand().addCommand(agentInitCommand()))
    .addCommand(certsCommand())
    .addCommand(
      new Command('demo')
        .description('see it work: relay, agent and an on-prem broker on this machine')
        .option('--check', 'check every promise and exit')
        .action(async (options: { readonly check?: true }) => {
          const { runDemo } = await import('../demo/main.ts')
          await runDemo({ check: options.check === true })
        }),
    )
  return throwingUsage(command)
}

/** The code behind the first line: a report of several lines ends with what it points at. */
function withCode({ code, message }: Fault): string {
  if (message.includes(`(${code})`)) return message
  return message.replace(/$/m, ` (${code})`)
}
