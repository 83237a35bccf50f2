/**
 * `npm run fuzz`: hostile messages without a pause, and what they met.
 *
 * Invariant: standard output is the report, standard error is talk. It exits with 0 when everything
 * held, with 1 when not, and with 2 for a wrong command line.
 */
import { randomInt } from 'node:crypto'
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { episodeFrames, Fuzzer, FuzzFailure } from './fuzzer.ts'

interface Options {
  readonly frames: number
  readonly seed: number
}

const put = (text: string): void => void process.stdout.write(text)
const say = (text: string): void => void process.stderr.write(text)
const progressEvery = 100_000

function wholeNumber(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value
  throw new InvalidArgumentError('It must be a whole number.')
}

function parse(args: readonly string[]): Options {
  const command = new Command('npm run fuzz --')
    .description('Feed hostile messages to the decoder, to a live agent and to a live relay.')
    .option('--frames <count>', 'how many messages', wholeNumber, 1_000_000)
    .option('--seed <first>', 'the seed of the first episode (default: random)', wholeNumber)
    .exitOverride()
    .parse(args, { from: 'user' })
  return { seed: randomInt(2 ** 31), ...command.opts<Omit<Options, 'seed'>>() }
}

/** Megabytes of heap in use, after a collection where the process may ask for one. */
function heapMegabytes(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 2 ** 20
}

function fuzz({ frames, seed }: Options): number {
  const fuzzer = new Fuzzer()
  // An episode or two first, so that what is loaded once is not counted as a leak.
  new Fuzzer().run(seed)
  new Fuzzer().run(seed + 1)
  const before = heapMegabytes()
  const started = process.hrtime.bigint()
  let said = 0
  let episode = seed
  for (; fuzzer.frames < frames; episode += 1) {
    fuzzer.run(episode)
    if (fuzzer.frames - said < progressEvery) continue
    said = fuzzer.frames
    say(`${said} messages, ${fuzzer.episodes} episodes, ${heapMegabytes().toFixed(1)} MB\n`)
  }
  const seconds = Number(process.hrtime.bigint() - started) / 1e9
  put(`Messages      ${fuzzer.frames} in ${seconds.toFixed(1)} s\n`)
  put(`Episodes      ${fuzzer.episodes}, of ${episodeFrames} messages each, from seed ${seed} on\n`)
  put(`Malformed     ${fuzzer.malformed}\n`)
  put(`Ended by      ${list(fuzzer.faults)}\n`)
  put(`Heard         ${list(fuzzer.kinds)}\n`)
  put(`Ends met      ${list(fuzzer.phases)}\n`)
  const after = heapMegabytes()
  put(`Heap          ${before.toFixed(1)} MB at the start, ${after.toFixed(1)} at the end\n`)
  return 0
}

function list(counts: Readonly<Record<string, number>>): string {
  const entries = Object.entries(counts).sort(([, one], [, other]) => other - one)
  return entries.map(([name, count]) => `${name} ${count}`).join(', ')
}

try {
  process.exitCode = fuzz(parse(process.argv.slice(2)))
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else if (error instanceof FuzzFailure) {
    put(`${error.message}\n${(error.cause as Error).stack}\n`)
    put(`Again: npm run fuzz -- --frames 1 --seed ${error.seed}\n`)
    process.exitCode = 1
  } else throw error
}
