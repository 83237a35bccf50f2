/**
 * `npm run mutants`: switches off one rule of the protocol after the other, and demands that the
 * simulation finds it out.
 *
 * Invariant: it exits with 0 only when every mutant was caught; a rule that nobody would miss is
 * either not tested or not needed. Standard output is one line a mutant.
 *
 * Not here are rules that only spare memory or time, for no world ends otherwise without them. That
 * what comes for a socket that was reset counts as consumed is one: its far end hears of the reset
 * anyway, and need not keep until then what nobody will read (hearing.test.ts).
 */
import { availableParallelism } from 'node:os'
import { Command, CommanderError } from 'commander'
import { hunt } from './laboratory.ts'
import { mutantsOfEnds } from './mutants/ends.ts'
import { mutantsOfLinks } from './mutants/links.ts'
import type { Mutant } from './mutants/mutant.ts'
import { mutantsOfRoutes } from './mutants/routes.ts'
import { mutantsOfWays } from './mutants/ways.ts'

/** Every rule that is switched off, in the order of the protocol's tables. */
export const mutants: readonly Mutant[] = [
  ...mutantsOfEnds,
  ...mutantsOfWays,
  ...mutantsOfLinks,
  ...mutantsOfRoutes,
]

/** The most seeds that any mutant may take. */
export const seedsMax = 2_000

interface Options {
  readonly seeds: string
  readonly workers: string
  readonly only: string
}

function parse(args: readonly string[]): Options {
  return new Command('npm run mutants --')
    .description('Switch off each rule of the protocol: the simulation must find it out.')
    .option('--seeds <count>', 'how many seeds each may take', String(seedsMax))
    .option('--workers <count>', 'how many are hunted at once', String(availableParallelism()))
    .option('--only <text>', 'only rules or files with this in their name', '')
    .exitOverride()
    .parse(args, { from: 'user' })
    .opts<Options>()
}

async function main({ seeds, workers, only }: Options): Promise<number> {
  const chosen = mutants.filter(({ rule, file }) => `${file} ${rule}`.includes(only))
  const waiting = [...chosen]
  let survivors = 0
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const failure = await hunt(mutant, Number(seeds))
      if (failure === undefined) survivors += 1
      const found = failure === undefined ? 'survived' : `seed ${failure.seed}`
      const reason = failure?.message.replace(/^seed \d+: /, '').slice(0, 90) ?? mutant.why
      process.stdout.write(`${found.padEnd(10)} ${mutant.rule}\n${' '.repeat(11)}${reason}\n`)
    }
  }
  await Promise.all(Array.from({ length: Number(workers) }, work))
  process.stdout.write(`\n${chosen.length - survivors} of ${chosen.length} caught.\n`)
  return survivors === 0 ? 0 : 1
}

if (import.meta.main) {
  try {
    process.exitCode = await main(parse(process.argv.slice(2)))
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    process.exitCode = error.exitCode === 0 ? 0 : 2
  }
}
