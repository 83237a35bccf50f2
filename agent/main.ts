/**
 * `sallyport agent`: runs an agent on its file, or checks the file.
 *
 * Invariant: it goes on until it is told to stop; a relay that does not answer is no reason to end.
 */
import type { Command } from 'commander'
import { configCommand, counted } from '../shared/io/command.ts'
import { createLog } from '../shared/io/log.ts'
import { placeText } from '../shared/io/network-fault.ts'
import { untilSignal } from '../shared/io/process.ts'
import { openAgent } from './agent.ts'
import { type AgentConfig, agentSchema, describeEffective, loadAgentConfig } from './config.ts'

const examples = `Examples:
  sallyport agent init --relay relay.example.com --name plant-1     write agent.yaml
  sallyport agent --check                       say what is wrong with agent.yaml, and exit
  sallyport agent                               dial out and expose what agent.yaml names
`

/** The command `agent`. */
export function agentCommand(): Command {
  return configCommand<AgentConfig>({
    name: 'agent',
    description: 'run the agent that exposes services from inside the firewall',
    examples,
    file: 'agent.yaml',
    schema: agentSchema(),
    load: loadAgentConfig,
    describe: describeEffective,
    summary: ({ expose, forward }) =>
      `${counted(expose.length, 'service')}, ${counted(forward.length, 'forward')}`,
    run,
  })
}

async function run(config: AgentConfig): Promise<void> {
  const log = createLog(config.log)
  await using agent = await openAgent(config, log)
  // Heard before it is said that there is somebody to hear.
  const signalled = untilSignal()
  log.info('agent started', {
    relays: config.relays.map(placeText),
    expose: config.expose.map(({ name }) => name),
    forwards: Object.fromEntries(
      agent.forwards.map(({ service, listen }) => [placeText(listen), service]),
    ),
  })
  log.info(`the agent stops: ${await signalled}`)
}
