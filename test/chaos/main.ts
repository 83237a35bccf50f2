/**
 * `npm run chaos`: real processes, real TLS, and one fault after the other, chosen by a seed.
 *
 * Invariant: standard output is the report, standard error is talk. It exits with 0 when nothing
 * was lost or wrong, with 1 when something was, and with 2 for a wrong command line.
 */
import { randomInt } from 'node:crypto'
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { Chance } from '../simulation/chance.ts'
import { chooseFault, type FaultKind, faultKinds } from './faults.ts'
import { isInWorld, runInWorld, settleInWorld, whyNoWorld } from './ground.ts'
import { runChaos } from './run.ts'

interface Options {
  readonly minutes: number
  readonly faults: number
  readonly cuts: number
  readonly relays: number
  readonly seed: number
  readonly kinds: readonly FaultKind[]
  readonly inTurn: boolean
  readonly idleSeconds: number
  readonly network: 'auto' | 'namespaces' | 'proxies'
}

/** What was asked for cannot be had here. */
class Unable extends Error {}

const put = (text: string): void => void process.stdout.write(text)
const say = (line: string): void => void process.stderr.write(`${line}\n`)

function number(text: string): number {
  const value = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && value > 0) return value
  throw new InvalidArgumentError('It must be a number above 0.')
}

function kindsNamed(text: string): readonly FaultKind[] {
  return text.split(',').map((name) => {
    const kind = faultKinds.find((one) => one.name === name)
    if (kind !== undefined) return kind
    const names = faultKinds.map((one) => one.name).join(', ')
    throw new InvalidArgumentError(`There is no ${name}; there are ${names}.`)
  })
}

function kindsText(): string {
  const lines = faultKinds.map(
    ({ name, what, needsNamespaces }) =>
      `  ${name.padEnd(16)}${what}${needsNamespaces ? ' (namespaces)' : ''}`,
  )
  return `\nKinds of faults:\n${lines.join('\n')}\n`
}

function parse(args: readonly string[]): Options {
  const command = new Command('npm run chaos --')
    .description('Run two agents and their relays under faults, and count what is lost.')
    .option('--minutes <count>', 'how long at most', number, 2)
    .option('--faults <count>', 'how many faults at most', number)
    .option('--cuts <count>', 'how many carriers are cut at most', number)
    .option('--kinds <names>', 'only these kinds, separated by commas', kindsNamed)
    .option('--in-turn', 'each kind once, in this order, instead of by chance', false)
    .option('--relays <count>', 'how many relays', number, 2)
    .option('--seed <number>', 'what decides the faults (default: random)', number)
    .option('--idle-seconds <count>', 'after how long a box ends what is idle', number, 2)
    .addOption(
      new Option('--network <kind>', 'what lies between agents and relays')
        .choices(['auto', 'namespaces', 'proxies'])
        .default('auto'),
    )
    .addHelpText('after', kindsText())
    .exitOverride()
    .parse(args, { from: 'user' })
  const endless = Number.POSITIVE_INFINITY
  const defaults = {
    seed: 1 + randomInt(2 ** 31),
    kinds: faultKinds,
    faults: endless,
    cuts: endless,
  }
  return { ...defaults, ...command.opts<Omit<Options, keyof typeof defaults>>() }
}

/** The kinds that can be made here; a kind that was asked for by name and cannot is a fault. */
function possible({ kinds }: Options, namespaces: boolean): readonly FaultKind[] {
  if (namespaces) return kinds
  const able = kinds.filter(({ needsNamespaces }) => needsNamespaces !== true)
  const unable = kinds.filter((kind) => !able.includes(kind)).map(({ name }) => name)
  if (kinds !== faultKinds && unable.length > 0) {
    throw new Unable(`${unable.join(', ')}: only with network namespaces.`)
  }
  if (unable.length > 0) say(`Left out: ${unable.join(', ')}.`)
  return able
}

async function chaos(options: Options, namespaces: boolean): Promise<number> {
  const { seed, relays, idleSeconds, inTurn } = options
  const kinds = possible(options, namespaces)
  say(`Seed ${seed}, ${relays} relays, at most ${options.minutes} minutes.`)
  const chooser = (from: number): ((below: number) => number) => {
    const chance = new Chance(from)
    return (below) => Math.floor(chance.next() * below)
  }
  const choose = chooser(seed)
  let turns = 0
  const next = (): FaultKind => {
    const turn = inTurn ? kinds[turns % kinds.length] : undefined
    turns += 1
    return turn ?? chooseFault(kinds, choose)
  }
  const sizes = { chooseSize: chooser(seed + 1), idleAfterMs: idleSeconds * 1_000 }
  const { text, isClean } = await runChaos({
    ...options,
    ...sizes,
    faults: inTurn ? Math.min(kinds.length, options.faults) : options.faults,
    namespaces,
    next,
    choose,
    say,
  })
  put(text)
  put(isClean ? 'Nothing was lost.\n' : `Again:  npm run chaos -- --seed ${seed}\n`)
  return isClean ? 0 : 1
}

async function main(args: readonly string[]): Promise<number> {
  const options = parse(args)
  if (isInWorld()) {
    await settleInWorld()
    return await chaos(options, true)
  }
  if (options.network === 'proxies') return await chaos(options, false)
  const obstacle = await whyNoWorld()
  if (obstacle === undefined) {
    say('Network: a namespace for each agent, and a proxy before each relay.')
    const seeded = args.includes('--seed') ? args : [...args, '--seed', String(options.seed)]
    return await runInWorld(import.meta.filename, seeded)
  }
  say(`Network: loopback proxies only; ${obstacle}`)
  if (options.network === 'auto') return await chaos(options, false)
  throw new Unable('Network namespaces were asked for.')
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  if (error instanceof Unable) say(error.message)
  else if (!(error instanceof CommanderError)) throw error
  process.exitCode = error instanceof CommanderError && error.exitCode === 0 ? 0 : 2
}
