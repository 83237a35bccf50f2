/**
 * What befalls a world: every kind of fault, drawn by weight, reported with the phases that it met.
 *
 * Invariant: each fault heals by itself or by `healAll`, so that what must end can end.
 */
import type { Agent, Relay } from './actors.ts'
import type { Carrier } from './network.ts'
import { services, type World } from './world.ts'

interface Kind {
  readonly name: string
  readonly weight: number
  readonly strike: (world: World) => void
}

const kinds: readonly Kind[] = [
  { name: 'cut', weight: 10, strike: (world) => onCarrier(world, 'cut', cut) },
  { name: 'cut untold', weight: 4, strike: (world) => onCarrier(world, 'cut untold', cutUntold) },
  { name: 'black', weight: 2, strike: (world) => onCarrier(world, 'black', blacken) },
  {
    name: 'black one way',
    weight: 2,
    strike: (world) => onCarrier(world, 'black one way', oneWay),
  },
  { name: 'stall', weight: 4, strike: (world) => onCarrier(world, 'stall', stall) },
  { name: 'partition', weight: 2, strike: partition },
  { name: 'agent restart', weight: 0.6, strike: restartAgent },
  { name: 'relay restart', weight: 0.8, strike: restartRelay },
  { name: 'policy change', weight: 0.3, strike: changePolicy },
]

/** The kinds, for a report that demands each of them. */
export const faultKinds: readonly string[] = kinds.map(({ name }) => name)

/** One fault of a random kind; in a calm world only cuts that both sides see. */
export function strike(world: World): void {
  const possible = world.options.calm ? kinds.slice(0, 1) : kinds
  let left = world.chance.next() * possible.reduce((sum, { weight }) => sum + weight, 0)
  for (const kind of possible) {
    left -= kind.weight
    if (left < 0) return kind.strike(world)
  }
}

function onCarrier(
  world: World,
  name: string,
  act: (world: World, carrier: Carrier) => void,
): void {
  for (const carrier of world.carriers) if (!carrier.alive) world.carriers.delete(carrier)
  const alive = [...world.carriers].filter(({ agent, relay }) => agent.alive && relay.alive)
  if (alive.length === 0) return
  const carrier = world.chance.pick(alive)
  const agent = carrier.agent.owner as Agent
  world.report.hit(name, world.phases(agent.endpoint))
  world.report.cuts += name === 'stall' ? 0 : 1
  act(world, carrier)
}

function cut(world: World, carrier: Carrier): void {
  world.cut(carrier)
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

function oneWay(world: World, carrier: Carrier): void {
  const side = world.chance.happens(0.5) ? carrier.agent : carrier.relay
  side.black = true
}

function stall(world: World, carrier: Carrier): void {
  carrier.stall(world.chance.between(50, 2_500), world)
}

function partition(world: World): void {
  const agent = world.chance.pick(world.agents)
  const relay = world.chance.pick(world.relays)
  world.report.hit('partition', world.phases(agent.endpoint))
  world.partition(agent, relay)
  for (const carrier of world.carriers) {
    if (carrier.agent.owner === agent && carrier.relay.owner === relay && carrier.alive) {
      world.report.cuts += 1
      world.cut(carrier)
    }
  }
  const longMs = world.options.harsh ? 15_000 : 4_000
  world.clock.after(world.chance.between(100, longMs), () => world.heal(agent, relay))
}

function restartAgent(world: World): void {
  const agent = world.chance.pick(world.agents)
  world.report.hit('agent restart', world.phases(agent.endpoint))
  agent.restart()
}

function restartRelay(world: World): void {
  const relay = world.chance.pick(world.relays)
  if (!relay.up) return
  const served = world.agents.map(({ endpoint }) => endpoint)
  world.report.hit('relay restart', world.phases(relay.endpoint, ...served))
  relay.kill()
  const longMs = world.options.harsh ? 15_000 : 3_000
  world.clock.after(world.chance.between(1, longMs), () => start(relay))
}

function start(relay: Relay): void {
  if (!relay.up) relay.start()
}

function changePolicy(world: World): void {
  const service = `${world.chance.pick(world.agents).name}/${world.chance.pick(services)}`
  for (const stream of world.streams) if (stream.to === service) stream.forbidden = true
  world.report.hit('policy change', world.phases(...world.agents.map(({ endpoint }) => endpoint)))
  world.setPolicy(world.policyWithout(service))
  world.clock.after(world.chance.between(50, 3_000), () => {
    for (const stream of world.streams) if (stream.to === service) stream.forbidden = true
    world.setPolicy(world.policyWithout(undefined))
  })
}

/** Everything works again from now on. */
export function healAll(world: World): void {
  world.heal()
  for (const relay of world.relays) start(relay)
  world.setPolicy(world.policyWithout(undefined))
  for (const carrier of world.carriers) {
    // A path that is black stays so: that it is noticed, and left, is what is tested.
    if (carrier.alive && !carrier.untold) carrier.relay.wake()
  }
}
