/**
 * Runs one world: faults until a random time, then everything heals by itself and must end within a
 * bound.
 *
 * Invariant: `runWorld` throws a `WorldFailure` that names the seed, or gives the world's report.
 */
import { Ambush } from './ambush.ts'
import { BrokenDemand, demand } from './demand.ts'
import { roll, strike } from './faults.ts'
import type { Report } from './report.ts'
import { Stranger } from './stranger.ts'
import type { Tracer } from './trace.ts'
import { judge } from './verdict.ts'
import { World } from './world.ts'

/** Longer than an opening may take. */
const latecomerMs = 25_000
/** So long nothing must be left to be said. */
const quietMs = 1_500
/** So long after the last fault an operator restarts the relays. */
const rollsAfterMs = 5_000
/** Events that a world may take; a world beyond it goes round in circles. */
const eventsMax = 400_000

export class WorldFailure extends Error {
  override readonly name = 'WorldFailure'
  readonly seed: number
  /** The key of the stream that it is about, if it is about one. */
  readonly key: string | undefined

  constructor(seed: number, key: string | undefined, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`seed ${seed}: ${reason}`, { cause })
    this.seed = seed
    this.key = key
  }
}

/** One world from its seed to its end. */
export function runWorld(seed: number, tracer?: Tracer): Report {
  const world = new World(seed, tracer)
  if (tracer !== undefined) tracer.now = () => world.clock.now
  try {
    return liveThrough(world)
  } catch (cause) {
    const number = cause instanceof BrokenDemand ? cause.stream : undefined
    const key = number === undefined ? undefined : world.streams[number]?.key
    throw new WorldFailure(seed, key, cause)
  }
}

function liveThrough(world: World): Report {
  const { clock, options, report } = world
  begin(world)
  const windowMs = options.agentResumeWindowMs
  const boundMs = options.closingMs + 60_000 + 2 * windowMs
  let quietSince = Number.POSITIVE_INFINITY
  for (let events = 0; ; events += 1) {
    demand(events < eventsMax, '12: the world goes round in circles')
    if (!world.step() || clock.now > boundMs) break
    const lastMs = options.latecomer ? options.closingMs + latecomerMs : options.faultsUntilMs
    const allMade = clock.now > Math.max(500, lastMs)
    if (!allMade || !isQuiet(world)) continue
    quietSince = Math.min(quietSince, clock.now)
    if (clock.now > quietSince + quietMs) break
  }
  for (const stream of world.streams) judge(world, stream)
  checkLeft(world)
  report.worlds = 1
  report.virtualMs = clock.now
  return report
}

/** Streams and faults are set on their times. */
function begin(world: World): void {
  const { clock, chance, options } = world
  for (let made = 0; made < options.streams; made += 1) {
    clock.at(chance.between(0, Math.max(500, options.faultsUntilMs)), () => world.openStream())
  }
  // So long after the last word all clocks of the core stand still.
  if (options.latecomer) clock.at(options.closingMs + latecomerMs, () => world.openStream())
  const ambush = new Ambush(world)
  world.afterStep = () => ambush.look()
  if (options.hostile) new Stranger(world, chance.pick(world.relays))
  const plague = () => {
    if (clock.now >= options.faultsUntilMs) return
    if (options.hostile && chance.happens(0.3)) world.capturedRelay.strike()
    else strike(world)
    clock.after(chance.between(1, 2 * options.faultEveryMs), plague)
  }
  clock.after(chance.between(1, 2 * options.faultEveryMs), plague)
  // By then all has healed, and what is idle waits for the world to close.
  const rolls = options.relays > 1 && world.laterChance.happens(0.3)
  if (rolls) clock.at(options.faultsUntilMs + rollsAfterMs, () => roll(world))
  world.settle()
}

/** Nothing is left to be said about any stream. */
function isQuiet(world: World): boolean {
  return (
    world.streams.every((stream) => stream.over) &&
    world.relays.every((relay) => relay.up) &&
    world.relays.every((relay) => relay.switch.routes.size === 0) &&
    world.agents.every((agent) => agent.endpoint.ends.size === 0)
  )
}

/** Nothing is kept of streams that are over (check 15). */
function checkLeft(world: World): void {
  const { clock, options } = world
  for (const relay of world.relays) {
    for (const { key } of relay.switch.routes) {
      demand(false, '15: a route is left', world.streamOf(key))
    }
    const legs = [...relay.switch.links.values()].map(({ port }) => port.legs.size)
    demand(relay.outer.legs.size === 0 && legs.every((size) => size === 0), '15: ids are left')
    demand(relay.endpoint.ends.size === 0, '15: ends are left at a relay')
    demand(relay.budget.used === 0, '15: a relay still keeps bytes')
  }
  for (const { endpoint, budget } of world.agents) {
    demand(endpoint.ends.size === 0, '15: ends are left at an agent')
    demand(budget.used === 0, '15: an agent still keeps bytes')
    endpoint.tick(clock.now + 2 * options.agentResumeWindowMs + 1)
    demand(endpoint.tombstones === 0, '15: tombstones are left')
  }
}
