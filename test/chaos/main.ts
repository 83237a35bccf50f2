/**
 * `npm run chaos`: real processes, real TLS, and one fault after the other, chosen by a seed.
 *
 * Invariant: standard output is the report, standard error is talk. It exits with 0 when nothing
 * was lost or wrong, with 1 when something was, and with 2 for a wrong command line.
 */
import { randomInt } from 'node:crypto'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { Chance } from '../simulation/chance.ts'
import { chooseFault, type FaultKind, faultKinds } from './faults.ts'
import { runChaos } from './run.ts'

interface Options {
  readonly minutes: number
  readonly faults: number
  readonly relays: number
  readonly seed: number
  readonly kinds: readonly FaultKind[]
}

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

function parse(args: readonly string[]): Options {
  const command = new Command('npm run chaos --')
    .description('Run two agents and their relays under faults, and count what is lost.')
    .option('--minutes <count>', 'how long at most', number, 2)
    .option('--faults <count>', 'how many faults at most', number, Number.POSITIVE_INFINITY)
    .option('--kinds <names>', 'only these kinds, separated by commas', kindsNamed, faultKinds)
    .option('--relays <count>', 'how many relays', number, 2)
    .option('--seed <number>', 'what decides the faults (default: random)', number)
    .exitOverride()
    .parse(args, { from: 'user' })
  return { seed: 1 + randomInt(2 ** 31), ...command.opts<Omit<Options, 'seed'>>() }
}

try {
  const { seed, minutes, faults, relays, kinds } = parse(process.argv.slice(2))
  say(`Seed ${seed}, ${relays} relays, at most ${minutes} minutes.`)
  const chance = new Chance(seed)
  const choose = (below: number): number => Math.floor(chance.next() * below)
  const next = (): FaultKind => chooseFault(kinds, choose)
  const { text, isClean } = await runChaos({ minutes, faults, relays, next, choose, say })
  put(text)
  put(isClean ? 'Nothing was lost.\n' : `Again:  npm run chaos -- --seed ${seed}\n`)
  process.exitCode = isClean ? 0 : 1
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? 0 : 2
}
