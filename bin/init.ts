/**
 * `relay init` and `agent init` on the command line.
 *
 * Invariant: what they do is read when they do it, and not by every relay and agent that starts.
 */
import { Command } from 'commander'

/** `sallyport relay init NAME`. */
export function relayInitCommand(): Command {
  return new Command('init')
    .description('write relay.yaml, its schema and a certificate authority, here')
    .argument('<name>', 'what agents dial: relay.example.com')
    .option('--trust-domain <domain>', 'what the identities share; by default the parent domain')
    .action(async (name: string, options: { readonly trustDomain?: string }) => {
      const { initRelay } = await import('./starting.ts')
      await initRelay(name, options.trustDomain)
    })
}

/** `sallyport agent init --relay RELAY --name NAME`. */
export function agentInitCommand(): Command {
  return new Command('init')
    .description('write agent.yaml and its schema, here')
    .requiredOption('--relay <relay>', 'the relay to dial: relay.example.com or host:port')
    .requiredOption('--name <name>', 'the name in the certificate: plant-1')
    .action(async (options: { readonly relay: string; readonly name: string }) => {
      const { initAgent } = await import('./starting.ts')
      await initAgent(options)
    })
}
