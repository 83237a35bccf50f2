/**
 * Runs one world: faults until a random time, then everything heals and must end within a bound.
 *
 * Invariant: `runWorld` throws a `WorldFailure` that names the seed, or gives the world's report.
 */
import { checkEnd, checkStep } from './checker.ts'
import { healAll, strike } from './faults.ts'
import type { Report } from './report.ts'
import { World } from './world.ts'

/** Events that a world may take; a world beyond it goes round in circles. */
const eventsMax = 400_000

export class WorldFailure extends Error {
  override readonly name = 'WorldFailure'
  readonly seed: number

  constructor(seed: number, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`seed ${seed}: ${reason}`, { cause })
    this.seed = seed
  }
}

/** One world from its seed to its end. */
export function runWorld(seed: number): Report {
  try {
    return liveThrough(new World(seed))
  } catch (cause) {
    throw new WorldFailure(seed, cause)
  }
}

function liveThrough(world: World): Report {
  const { clock, chance, options } = world
  for (let made = 0; made < options.streams; made += 1) {
    clock.at(chance.between(0, Math.max(500, options.faultsUntilMs)), () => world.openStream())
  }
  const plague = () => {
    if (clock.now >= options.faultsUntilMs) return healAll(world)
    strike(world)
    clock.after(chance.between(1, 2 * options.faultEveryMs), plague)
  }
  clock.after(chance.between(1, 2 * options.faultEveryMs), plague)
  world.settle()
  const boundMs = options.faultsUntilMs + 120_000 + 2 * options.resumeWindowMs
  let quietSince = Number.POSITIVE_INFINITY
  for (let events = 0; events < eventsMax; events += 1) {
    if (!world.step()) break
    checkStep(world)
    const allMade = clock.now > Math.max(500, options.faultsUntilMs)
    if (clock.now > boundMs) break
    if (!allMade || !world.streams.every((stream) => stream.over) || !isQuiet(world)) continue
    quietSince = Math.min(quietSince, clock.now)
    if (clock.now > quietSince + 5_000) break
  }
  checkEnd(world)
  world.report.worlds = 1
  return world.report
}

/** Nothing is left to be said about any stream. */
function isQuiet(world: World): boolean {
  return (
    world.relays.every((relay) => relay.switch.routes.size === 0) &&
    world.agents.every((agent) => agent.endpoint.ends.size === 0)
  )
}
