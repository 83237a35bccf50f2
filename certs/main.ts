/**
 * `sallyport certs`: the certificate authority on the command line.
 *
 * Invariant: standard output is data, standard error is talk; what was done ends with the next
 * command. Nothing here ends the process: a wrong command line is the fault `usage`, and every
 * other failure the fault of whoever found it.
 */
import { Argument, Command, type CommanderError, InvalidArgumentError, Option } from 'commander'
import { identityName, type Role, roles } from '../shared/identity.ts'
import { readDuration } from '../shared/io/config/values.ts'
import { Fault } from '../shared/protocol/fault.ts'
import { type Reason, reasonNumbers } from './crl.ts'
import { inspectStore } from './inspection.ts'
import * as print from './print.ts'
import {
  certificatesOf,
  listCertificates,
  publishRevocations,
  renewRevocations,
  revokeName,
} from './revoking.ts'
import { authorityPaths, initStore, issuePair, openStore, type Store } from './store.ts'

/** Where the command reads the time and where it writes; the process's own by default. */
export interface Surroundings {
  readonly now: () => Date
  readonly output: { write(text: string): unknown }
  readonly talk: { write(text: string): unknown }
}

const surroundings: Surroundings = {
  now: () => new Date(),
  output: process.stdout,
  talk: process.stderr,
}

/** The command `certs` with its subcommands, to be added to a program. */
export function certsCommand({ now, output, talk }: Surroundings = surroundings): Command {
  const certs = new Command('certs')
    .description('make, list and revoke certificates')
    .exitOverride(throwUsage)
    .configureOutput({
      writeOut: (text) => output.write(text),
      writeErr: (text) => talk.write(text),
      // The fault is printed by whoever catches it, once.
      outputError: () => undefined,
    })
    .addHelpText('before', examples)

  const put = (text: string): void => void output.write(`${text}\n`)
  const say = (text: string): void => void talk.write(`${text}\n`)
  const open = ({ dir }: FolderOptions): Promise<Store> => openStore({ directory: dir, now })

  subcommand(certs, 'init example.com', 'make the authority of a trust domain')
    .argument('<trust-domain>', 'what its identities share: example.com')
    .addOption(lifeOption('10 years'))
    .action(async (trustDomain: string, options: FolderOptions & LifeOptions) => {
      const { dir: directory, life: lifeMs } = options
      const store = await initStore({ directory, trustDomain, now, lifeMs })
      const { certificateFile, keyFile } = authorityPaths(store)
      const end = print.minuteOf(store.authority.validToDate)
      say(`wrote ${certificateFile} and ${keyFile} (0600), good until ${end}`)
      put(print.fingerprintText(store.authority))
      say(next(options, `issue relay relay.${trustDomain}`))
    })

  subcommand(certs, 'issue agent plant-1 --life 30d', 'make a key and its certificate')
    .addArgument(new Argument('<role>', 'what it may be used as').choices(roles))
    .argument('<name>', 'who it is: plant-1')
    .option('--dns <name>', 'a host name of a relay (repeatable; default: its name)', append)
    .option('--ip <address>', 'an IP address of a relay (repeatable)', append)
    .addOption(lifeOption('7 days, a relay 90'))
    .action(async (role: Role, name: string, options: IssueOptions) => {
      const store = await open(options)
      const { dns: dnsNames = [], ip: ipAddresses = [], life: lifeMs } = options
      const issued = await issuePair(store, { role, name, dnsNames, ipAddresses, lifeMs })
      await renewRevocations(store)
      say(`${role}/${name} is good until ${print.minuteOf(issued.notAfter)}`)
      put(`${issued.certificateFile}\n${issued.keyFile}`)
      say(`copy both and ${authorityPaths(store).certificateFile} to where it runs`)
      say(next(options, 'list', `revoke ${role}/${name}`))
    })

  subcommand(certs, 'revoke agent/plant-1', 'end every certificate of a name, for good')
    .argument('<name>', 'plant-1, or agent/plant-1')
    .addOption(
      new Option('--reason <reason>', 'why')
        .choices(Object.keys(reasonNumbers))
        .default('unspecified'),
    )
    .action(async (name: string, options: FolderOptions & { readonly reason: Reason }) => {
      const store = await open(options)
      const revoked = await revokeName(store, name, options.reason)
      if (revoked.length === 0) say(`${name} was revoked before; the list was made again`)
      for (const { identity, serialNumber } of revoked)
        put(`${identityName(identity)} ${serialNumber}`)
      say(`the list is in ${authorityPaths(store).revocationsFile}`)
      say(next(options, `show ${name}`))
    })

  subcommand(certs, 'list --json', 'all that was issued, and what is wrong in the folder')
    .option('--json', 'for programs')
    .action(async (options: FolderOptions & JsonOption) => {
      const store = await open(options)
      const certificates = await listCertificates(store)
      if (options.json) put(json(certificates.map((one) => print.factsOf(one, now()))))
      else if (certificates.length > 0) put(print.tableOf(certificates, now()))
      else say('nothing was issued yet')
      for (const problem of await inspectStore(store)) say(`! ${problem}`)
      say(next(options, certificates.length > 0 ? 'show <name>' : 'issue agent plant-1'))
    })

  subcommand(certs, 'show plant-1', 'all about a name, or about the authority')
    .argument('[name]', 'plant-1, or agent/plant-1; none: the authority')
    .option('--json', 'for programs')
    .action(async (name: string | undefined, options: FolderOptions & JsonOption) => {
      const store = await open(options)
      if (name === undefined) {
        const facts = print.authorityFacts(store)
        put(options.json ? json(facts) : print.listing(facts))
        say(next(options, 'list'))
      } else {
        const found = await certificatesOf(store, name)
        const facts = found.map((one) => print.factsOf(one, now()))
        put(options.json ? json(facts) : facts.map(print.listing).join('\n\n'))
        say(next(options, `revoke ${name}`))
      }
    })

  subcommand(certs, 'publish', 'make the revocation list again, before its time is over').action(
    async (options: FolderOptions) => {
      const store = await open(options)
      await publishRevocations(store)
      put(authorityPaths(store).revocationsFile)
      say(next(options, 'list'))
    },
  )

  return certs
}

interface FolderOptions {
  readonly dir: string
}

interface LifeOptions {
  readonly life?: number
}

interface JsonOption {
  readonly json?: true
}

type IssueOptions = FolderOptions &
  LifeOptions & { readonly dns?: readonly string[]; readonly ip?: readonly string[] }

const defaultFolder = 'pki'

const examples = `Examples:
  sallyport certs init example.com                        an authority, in ./pki
  sallyport certs issue relay relay.example.com --ip 198.51.100.4
  sallyport certs issue agent plant-1
  sallyport certs revoke plant-1 --reason keyCompromise
  sallyport certs list
`

/** A subcommand that is introduced by an example, and called as the example's first word. */
function subcommand(certs: Command, example: string, description: string): Command {
  const [name = ''] = example.split(' ')
  return certs
    .command(name)
    .description(description)
    .option('--dir <folder>', 'the folder of the authority', defaultFolder)
    .addHelpText('before', `Example: sallyport certs ${example}\n`)
}

function lifeOption(defaultLife: string): Option {
  return new Option(
    '--life <duration>',
    `how long it is good: 90m, 12h, 7d (default: ${defaultLife})`,
  ).argParser(readLife)
}

function readLife(text: string): number {
  const read = readDuration(text)
  if ('wrong' in read) throw new InvalidArgumentError(`${read.wrong}.`)
  return read.value
}

function append(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

function next({ dir }: FolderOptions, command: string, undo?: string): string {
  const where = dir === defaultFolder ? '' : ` --dir ${dir}`
  const again = (what: string): string => `sallyport certs ${what}${where}`
  return `next: ${again(command)}${undo === undefined ? '' : `      undo: ${again(undo)}`}`
}

function json(value: unknown): string {
  return JSON.stringify(value, undefined, 2)
}

function throwUsage(error: CommanderError): never {
  // Help was asked for and was printed: not a failure.
  if (error.exitCode === 0) throw error
  const bare = error.code === 'commander.help'
  const message = bare ? 'Say which command of `certs`.' : error.message.replace(/^error: /, '')
  throw new Fault('usage', message, { cause: error })
}
