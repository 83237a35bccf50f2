/**
 * What befalls a world: every kind of fault, drawn by weight, reported with the phases that it met.
 *
 * Invariant: each fault heals by itself, after `outageMsMax` at the latest, so that what must end
 * can end. Only a path that is black stays so: that it is noticed, and left, is what is tested.
 */
import type { Phase } from '../../shared/protocol/life.ts'
import { Agent } from './agent.ts'
import type { Socket } from './application.ts'
import type { Carrier } from './network.ts'
import type { Relay } from './relay.ts'
import { services } from './services.ts'
import type { Stream } from './stream.ts'
import { checkDrained, leavesMs } from './ways.ts'
import type { World } from './world.ts'

export type FaultKind =
  | 'cut'
  | 'cut untold'
  | 'black'
  | 'black one way'
  | 'stall'
  | 'late frames'
  | 'partition'
  | 'agent restart'
  | 'relay restart'
  | 'policy change'
  | 'socket reset'

/** A kind of fault; `near` is the stream that it is to meet, if it is to meet one. */
interface Kind {
  readonly weight: number
  readonly strike: (world: World, near: Stream | undefined) => void
}

const kinds: Readonly<Record<FaultKind, Kind>> = {
  cut: { weight: 12, strike: onCarrier('cut', (_, carrier) => carrier.cut()) },
  'cut untold': { weight: 4, strike: onCarrier('cut untold', cutUntold) },
  black: { weight: 2, strike: onCarrier('black', blacken) },
  'black one way': { weight: 2, strike: onCarrier('black one way', blackenOneWay) },
  stall: { weight: 4, strike: onCarrier('stall', stall) },
  'late frames': { weight: 3, strike: onCarrier('late frames', delayPastDeath) },
  partition: { weight: 2, strike: partition },
  'agent restart': { weight: 0.6, strike: restartAgent },
  'relay restart': { weight: 0.8, strike: restartRelay },
  'policy change': { weight: 0.4, strike: changePolicy },
  'socket reset': { weight: 0.6, strike: resetSocket },
}

/** The kinds, for a report that demands each of them. */
export const faultKinds = Object.keys(kinds) as readonly FaultKind[]

/** One fault of a random kind; in a calm world only cuts that both sides see. */
export function strike(world: World, near?: Stream): void {
  const possible = faultKinds.filter((kind) => mayHappen(kind, world))
  const { weights: drawn } = world.options
  const weights = possible.map((kind) =>
    drawn === undefined ? kinds[kind].weight : (drawn[kind] ?? 0),
  )
  let left = world.chance.next() * weights.reduce((sum, weight) => sum + weight, 0)
  for (const [index, kind] of possible.entries()) {
    left -= weights[index] as number
    if (left < 0) return kinds[kind].strike(world, near)
  }
}

/** The carrier of one of the stream's agents is cut. */
export function cut(world: World, near: Stream): void {
  kinds.cut.strike(world, near)
}

/** A fault of any kind, each as likely as the other: for what is to meet a short phase. */
export function strikeEvenly(world: World, near: Stream): void {
  const possible = faultKinds.filter((kind) => mayHappen(kind, world))
  kinds[world.chance.pick(possible)].strike(world, near)
}

function mayHappen(kind: FaultKind, { options }: World): boolean {
  if (options.calm) return kind === 'cut'
  // A key that a stranger has seen is his to open once nobody remembers it.
  if (options.hostile) return kind !== 'agent restart'
  return true
}

function hit(world: World, kind: FaultKind, streams: readonly Stream[]): void {
  const phases: Phase[] = streams.flatMap((stream) => stream.phases)
  world.report.hit(kind, phases)
}

function streamsOf(world: World, agent: Agent): readonly Stream[] {
  return world.streams.filter(({ options }) => options.target === agent || options.opener === agent)
}

/** The agent that a fault strikes: one of the stream that it is to meet, or any. */
function pickAgent(world: World, near: Stream | undefined): Agent {
  if (near === undefined) return world.chance.pick(world.agents)
  const { opener, target } = near.options
  return opener instanceof Agent && world.chance.happens(0.5) ? opener : target
}

function pickRelay(world: World, near: Stream | undefined): Relay {
  const opener = near?.options.opener
  return opener === undefined || opener instanceof Agent ? world.chance.pick(world.relays) : opener
}

function onCarrier(kind: FaultKind, act: (world: World, carrier: Carrier) => void): Kind['strike'] {
  return (world, near) => {
    for (const carrier of world.carriers) if (!carrier.alive) world.carriers.delete(carrier)
    const alive = [...world.carriers].filter(({ agent, relay }) => agent.alive && relay.alive)
    const agent = near === undefined ? undefined : pickAgent(world, near)
    const nearby = alive.filter(({ from }) => agent === undefined || from === agent)
    if (nearby.length === 0) return
    const carrier = world.chance.pick(nearby)
    hit(world, kind, streamsOf(world, carrier.from))
    world.report.cuts += kind === 'stall' ? 0 : 1
    act(world, carrier)
  }
}

function cutUntold(world: World, carrier: Carrier): void {
  carrier.untold = true
  if (world.chance.happens(0.5)) carrier.agent.end()
  else carrier.relay.end()
}

function blacken(_world: World, carrier: Carrier): void {
  carrier.agent.black = true
  carrier.relay.black = true
}

function blackenOneWay(world: World, carrier: Carrier): void {
  const side = world.chance.happens(0.5) ? carrier.agent : carrier.relay
  side.black = true
}

function stall(world: World, carrier: Carrier): void {
  carrier.stall(world.chance.between(50, 2_500))
}

/** The agent has given the carrier up, and what it said arrives when the next one is long there. */
function delayPastDeath(world: World, carrier: Carrier): void {
  carrier.stall(world.chance.between(50, 8_000))
  carrier.untold = true
  carrier.agent.end()
}

function partition(world: World, near: Stream | undefined): void {
  const agent = pickAgent(world, near)
  const relay = world.chance.pick(world.relays)
  hit(world, 'partition', streamsOf(world, agent))
  // A path that takes every carrier but one leaves the streams of that one another lane.
  const lanes = agent.linksTo(relay).map(({ lane }) => lane)
  const isOne = lanes.length > 1 && world.laterChance.happens(0.5)
  const lost = isOne ? [world.laterChance.pick(lanes)] : lanes
  world.partition(agent, relay, lost)
  for (const carrier of world.carriers) {
    if (carrier.from !== agent || carrier.to !== relay || !carrier.alive) continue
    if (!lost.includes(carrier.lane)) continue
    world.report.cuts += 1
    carrier.cut()
  }
  const forMs = world.chance.between(100, world.options.outageMsMax)
  // Where another lane serves it may last for long.
  const lostMs = isOne ? world.laterChance.between(forMs, 15_000) : forMs
  world.clock.after(lostMs, () => world.heal(agent, relay))
  const led = world.streams.filter(({ options, over }) => options.target === agent && !over)
  if (led.length > 0 && world.chance.happens(world.options.denials)) {
    const others = world.relays.filter((other) => other !== relay)
    forbid(world, world.chance.pick(led).to, others, forMs)
  }
}

function restartAgent(world: World, near: Stream | undefined): void {
  const agent = pickAgent(world, near)
  hit(world, 'agent restart', streamsOf(world, agent))
  agent.restart(world.chance.happens(0.5))
}

function restartRelay(world: World, near: Stream | undefined): void {
  const relay = pickRelay(world, near)
  if (!relay.up) return
  hit(world, 'relay restart', world.streams)
  const { chance, clock, laterChance, options } = world
  const untold = chance.happens(0.3)
  const forMs = chance.between(1, options.outageMsMax)
  const stop = (): void => {
    relay.kill(untold)
    clock.after(forMs, () => relay.start())
  }
  if (relay.draining || laterChance.happens(0.5)) stop()
  else drain(world, relay, laterChance.between(1, 4_000), stop)
}

/** A relay is told to stop, and does after so long, if nothing else has ended it before. */
function drain(world: World, relay: Relay, forMs: number, stop: () => void): void {
  const { clock, report } = world
  const { restarts } = relay
  report.count('relay drains')
  relay.drain(forMs)
  let settled: readonly Stream[] = []
  clock.after(forMs - leavesMs, () => {
    if (forMs > leavesMs) settled = world.streams.filter(({ wasEstablished }) => wasEstablished)
  })
  clock.after(forMs, () => {
    if (relay.restarts !== restarts) return
    checkDrained(world, relay, settled)
    stop()
  })
}

/** An operator restarts all relays, one after the other, in a world that is well. */
export function roll(world: World, [relay, ...others]: readonly Relay[] = world.relays): void {
  if (relay === undefined) return
  const { carriers, clock, laterChance } = world
  if (!relay.up || relay.draining) return roll(world, others)
  // Whoever is away in that very moment is told when it is back.
  for (const carrier of carriers) {
    if (carrier.to === relay && carrier.alive && laterChance.happens(0.3)) carrier.cut()
  }
  drain(world, relay, laterChance.between(0, 3_000), () => {
    world.report.count('rolling restart')
    relay.kill(false)
    clock.after(laterChance.between(1, 500), () => relay.start())
    clock.after(laterChance.between(3_000, 5_000), () => roll(world, others))
  })
}

function changePolicy(world: World, near: Stream | undefined): void {
  const { chance } = world
  const service = near?.to ?? `${chance.pick(world.agents).name}/${chance.pick(services)}`
  hit(
    world,
    'policy change',
    world.streams.filter(({ to }) => to === service),
  )
  // A new policy reaches one relay before the other, if it reaches the other at all.
  const relays = chance.happens(0.5) ? world.relays : [chance.pick(world.relays)]
  forbid(world, service, relays, chance.between(50, 3_000))
}

function forbid(world: World, service: string, relays: readonly Relay[], forMs: number): void {
  world.forbid(service, relays)
  world.clock.after(forMs, () => world.forbid(undefined, relays))
}

function resetSocket(world: World, near: Stream | undefined): void {
  const sockets = ({ opener, target }: Stream): readonly Socket[] =>
    [opener, ...(target === undefined ? [] : [target])].filter((one) => !one.over && !one.didReset)
  const possible = (near === undefined ? world.streams : [near]).flatMap(sockets)
  if (possible.length > 0) world.chance.pick(possible).hangUp()
}
