/**
 * `sallyport relay`: runs a relay on its file, or checks the file.
 *
 * Invariant: a wrong file never replaces a good one: SIGHUP reads the policy again, and what is
 * wrong with it is told while the old one goes on.
 */
import type { Command } from 'commander'
import { configCommand, counted } from '../shared/io/command.ts'
import { createLog, type Log, logFault } from '../shared/io/log.ts'
import { placeText } from '../shared/io/network-fault.ts'
import { untilSignal } from '../shared/io/process.ts'
import {
  type ConfigSource,
  describeEffective,
  loadRelayConfig,
  type RelayConfig,
  relaySchema,
} from './config.ts'
import { openRelay, type Relay, type RelayPlaces } from './relay.ts'

const examples = `Examples:
  sallyport relay init relay.example.com     write relay.yaml and a certificate authority
  sallyport relay --check                    say what is wrong with relay.yaml, and exit
  sallyport relay                            run on relay.yaml
  kill -HUP PID                              read the policy again while it runs
`

/** The command `relay`. Its subcommand `init` belongs to the program, which has the authority. */
export function relayCommand(): Command {
  return configCommand<RelayConfig>({
    name: 'relay',
    description: 'run the relay that agents dial and consumers use',
    examples,
    file: 'relay.yaml',
    schema: relaySchema(),
    load: loadRelayConfig,
    describe: describeEffective,
    summary: ({ services, policy, expectations }) =>
      `${counted(services.length, 'service')}, ${counted(policy.rules.length, 'rule')}, ` +
      `${expectations.length} of ${expectations.length} expectations hold`,
    run,
  })
}

async function run(config: RelayConfig, source: ConfigSource): Promise<void> {
  const log = createLog(config.log)
  await using relay = await openRelay(config, log)
  // Heard before it is said that there is somebody to hear.
  const signalled = untilSignal({ SIGHUP: () => reload(relay, source, log) })
  log.info('relay ready', { ...placesText(relay.places), rules: config.policy.rules.length })
  if (config.policy.rules.length === 0) {
    log.warn('nobody may reach anything yet: the policy has no rule', { file: source.file })
  }
  const signal = await signalled
  log.info(`the relay stops: ${signal}`)
  // Whoever presses Ctrl-C is waiting for it.
  if (signal !== 'SIGTERM') return
  const streams = await relay.drain()
  const left = streams === 0 ? 'no stream is left' : 'what is left ends now, or is held'
  log.info(`the relay has drained: ${left}`, { streams })
}

function reload(relay: Relay, source: ConfigSource, log: Log): void {
  try {
    const { policy } = loadRelayConfig(source)
    relay.replacePolicy(policy)
    log.info('policy read again', { file: source.file, rules: policy.rules.length })
  } catch (error) {
    logFault(log, error, { file: source.file, consequence: 'the policy stays as it was' })
  }
}

function placesText({ listen, admin, services }: RelayPlaces) {
  const entries = Object.entries(services).map(([name, { tcp, websocket }]) => [
    name,
    { ...(tcp && { tcp: placeText(tcp) }), ...(websocket && { websocket }) },
  ])
  return {
    listen: placeText(listen),
    admin: placeText(admin),
    services: Object.fromEntries(entries),
  }
}
