/**
 * `sallyport demo example`: the command line of the examples.
 *
 * Invariant: an example is read when it is played: the help needs no LDAP client.
 */
import { Argument, Command } from 'commander'
import type { Example } from './stage.ts'

const examples = `Examples:
  sallyport demo example ldap        a CRM in the cloud asks a directory on premises (needs slapd)
  sallyport demo example market      two feeds of quotes, no gap through three cuts
  sallyport demo example partners    three suppliers, none of whom can pass for another
`

const plays = {
  ldap: async () => (await import('./ldap.ts')).ldap,
  market: async () => (await import('./market.ts')).market,
  partners: async () => (await import('./partners.ts')).partners,
} as const satisfies Readonly<Record<string, () => Promise<Example>>>

/** The command `example`, to be added to `demo`. */
export function exampleCommand(): Command {
  return new Command('example')
    .description('play one example of what Sallyport is for, on this machine')
    .addHelpText('before', examples)
    .addArgument(new Argument('<name>', 'which').choices(Object.keys(plays)))
    .action(async (name: keyof typeof plays) => {
      const { perform } = await import('./stage.ts')
      await perform(await plays[name]())
    })
}
