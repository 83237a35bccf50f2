/**
 * `npm run bench -- throughput`: Sallyport beside a bare Node TLS pipe of two hops, in turn, in
 * one run.
 *
 * Invariant: absolute figures are the machine's; what counts is the ratio of CPU seconds per
 * gigabyte, pair by pair, of which the median is quoted.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Load, openTarget, runLoad } from './load.ts'
import {
  cpuSeconds,
  end,
  makeCertificates,
  openFloor,
  openSallyport,
  stolenSeconds,
  type Way,
} from './processes.ts'

/**
 * What runs for weeks is measured after it was compiled, and so is the floor. V8 compiles anew for
 * several gigabytes, for bytes are counted in numbers that leave their first form at two of them:
 * so much goes through both ways, of each load, before the first measurement.
 */
const warmUpBytes = 3e9
/** A machine of which a greater part was lent out meanwhile is measured again, so many times. */
const stolenShareMax = 0.05
const repeatsMax = 5

interface Measured {
  readonly megabytesPerSecond: number
  readonly cpuPerGigabyte: number
  /** The host has had a processor away, each time that it was tried. */
  readonly isDisturbed: boolean
}

/** Measures 1 and 8 streams, up and down; so many megabytes a measurement, so many rounds. */
export async function throughput(megabytes: number, rounds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-'))
  const target = await openTarget()
  const ways: Way[] = []
  try {
    const certificates = await makeCertificates(folder)
    ways.push(await openFloor(certificates, target.port))
    ways.push(await openSallyport(folder, target.port))
    const [floor, ours] = ways as [Way, Way]
    process.stdout.write(
      `${megabytes} MB a measurement, ${rounds} rounds in turn; ` +
        'CPU of both processes of a way\n\n' +
        '                    bare TLS pipe           sallyport               ratio\n' +
        'load                MB/s     CPU s/GB       MB/s     CPU s/GB       CPU   disturbed\n',
    )
    const loads = ([1, 8] as const).flatMap((streams) =>
      (['up', 'down'] as const).map((direction) => ({
        streams,
        direction,
        bytes: megabytes * 1e6,
      })),
    )
    for (const load of loads) await warmUp([floor, ours], load)
    for (const load of loads) await compare(floor, ours, load, rounds)
  } finally {
    for (const way of ways) await end(way)
    target.server.close()
    await rm(folder, { recursive: true })
  }
}

async function compare(floor: Way, ours: Way, load: Load, rounds: number): Promise<void> {
  const pairs: (readonly [Measured, Measured])[] = []
  for (let round = 0; round < rounds; round += 1) {
    pairs.push([await measure(floor, load), await measure(ours, load)])
    process.stderr.write(`  ${nameOf(load)}: round ${round + 1} of ${rounds}\n`)
  }
  const of = (pick: (pair: readonly [Measured, Measured]) => number): string =>
    median(pairs.map(pick)).toFixed(2).padStart(8)
  const disturbed = pairs.flat().filter(({ isDisturbed }) => isDisturbed).length
  process.stdout.write(
    `${nameOf(load).padEnd(16)}` +
      `${of(([one]) => one.megabytesPerSecond)} ${of(([one]) => one.cpuPerGigabyte)}` +
      `     ${of(([, two]) => two.megabytesPerSecond)} ${of(([, two]) => two.cpuPerGigabyte)}` +
      `     ${of(([one, two]) => two.cpuPerGigabyte / one.cpuPerGigabyte)}` +
      `   ${disturbed} of ${2 * rounds}\n`,
  )
}

async function warmUp(ways: readonly Way[], load: Load): Promise<void> {
  process.stderr.write(`  ${nameOf(load)}: ${warmUpBytes / 1e9} GB through each to warm up\n`)
  for (const way of ways) await runLoad(way.port, { ...load, bytes: warmUpBytes })
}

function nameOf({ streams, direction }: Load): string {
  return `${streams} stream${streams > 1 ? 's' : ' '} ${direction}`
}

/** Caches go cold and interrupts dear on a processor that others have used in between. */
async function measure(way: Way, load: Load, repeats = 0): Promise<Measured> {
  const before = await cpuSeconds(way.processes)
  const stolenBefore = await stolenSeconds()
  const seconds = await runLoad(way.port, load)
  const cpu = (await cpuSeconds(way.processes)) - before
  const stolenShare = ((await stolenSeconds()) - stolenBefore) / seconds
  if (stolenShare > stolenShareMax) {
    const percent = Math.round(stolenShare * 100)
    const next = repeats < repeatsMax ? 'once more' : 'it counts all the same'
    process.stderr.write(`  the host gave ${percent} % of a processor to others: ${next}\n`)
    if (repeats < repeatsMax) return await measure(way, load, repeats + 1)
  }
  return {
    megabytesPerSecond: load.bytes / 1e6 / seconds,
    cpuPerGigabyte: cpu / (load.bytes / 1e9),
    isDisturbed: stolenShare > stolenShareMax,
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, two) => one - two)
  const middle = Math.floor(sorted.length / 2)
  const high = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? 0) + high) / 2
}
