/**
 * `npm run simulate`: many seeded worlds on all cores, and a table of what they met.
 *
 * Invariant: standard output is the report, standard error is talk. It exits with 0 when every seed
 * held and nothing was left out, with 1 when not, and with 2 for a wrong command line.
 */
import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { missing, seedsForCoverage } from './coverage.ts'
import { runSeeds } from './crew.ts'
import { Progress } from './progress.ts'
import { replay } from './replay.ts'
import { number, tableOf } from './table.ts'

interface Options {
  readonly seeds: number
  readonly seed: number
  readonly workers: number
  readonly trace?: true
}

const put = (text: string): void => void process.stdout.write(text)
const say = (text: string): void => void process.stderr.write(text)

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && Number.isSafeInteger(value)) return value
    throw new InvalidArgumentError(`It must be a whole number, ${least} or more.`)
  }
}

function parse(args: readonly string[]): Options {
  const command = new Command('npm run simulate --')
    .description('Run seeded worlds of agents and relays whose carriers are cut.')
    .option('--seeds <count>', 'how many worlds', wholeNumber(1), 2_000)
    .option('--seed <first>', 'the seed of the first (default: random)', wholeNumber(0))
    .option('--workers <count>', 'processes', wholeNumber(1), availableParallelism())
    .option('--trace', 'print each frame of the stream that fails')
    .exitOverride()
    .parse(args, { from: 'user' })
  return { seed: randomInt(2 ** 31), ...command.opts<Omit<Options, 'seed'>>() }
}

async function simulate({ seed, seeds, workers, trace }: Options): Promise<number> {
  say(`Seeds ${seed} to ${seed + seeds - 1}, on ${workers} processes.\n`)
  using progress = new Progress(seeds, say, process.stderr.isTTY)
  const { report, failure } = await runSeeds({
    firstSeed: seed,
    seeds,
    workers,
    progress: (so) => progress.show(so),
  })
  progress.end()
  put(tableOf(report))
  if (failure !== undefined) {
    put(`\n${failure.stack}\n`)
    if (trace === true) replay(failure.seed, put)
    put(`\nSeed ${failure.seed} failed: ${failure.message}\n`)
    put(`Again:  npm run simulate -- --seeds 1 --seed ${failure.seed}`)
    put(trace === true ? '\n' : '    its frames: add --trace\n')
    return 1
  }
  const lacks = seeds < seedsForCoverage ? [] : missing(report)
  if (lacks.length > 0) {
    put(`\nNever met in ${number(seeds)} seeds: ${lacks.join(', ')}.\n`)
    return 1
  }
  put(seeds === 1 ? '\nThe seed held.\n' : `\nAll ${number(seeds)} seeds held.\n`)
  return 0
}

try {
  process.exitCode = await simulate(parse(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  process.exitCode = error.exitCode === 0 ? 0 : 2
}
