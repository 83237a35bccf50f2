/**
 * Which ways there were: how long each stream had no relay that linked both of its ends (check 13),
 * and whether what ends and switches believe of a way is true.
 *
 * Invariant: a way counts once it has been good for a while without a pause; a belief is called
 * false only when it stays so for longer than the last word about it can be under way.
 */
import type { SwitchPort } from '../../relay/switch/port.ts'
import type { Leg } from '../../relay/switch/route.ts'
import type { Attachment } from '../../shared/protocol/attachment.ts'
import type { EndpointEnd } from '../../shared/protocol/endpoint.ts'
import type { EndpointPort } from '../../shared/protocol/port.ts'
import { Agent } from './agent.ts'
import { demand } from './demand.ts'
import { Relay } from './relay.ts'
import type { Stream } from './stream.ts'
import type { World } from './world.ts'

/** So long a way must have been good before it must have been found and used. */
export const findsWayMs = 4_000
/** So long another way must have been good while a relay drains before it must have been taken. */
export const leavesMs = 1_500
/** So long the word that a relay is about to stop may be under way. */
const toldMs = 500
/** So long a belief may be false while the word that corrects it is under way. */
const correctsMs = 1_500
/** So long the refusal of a relay that had no way may be under way. */
const refusesMs = 1_500
/** So long, and a little, the watch-dog of a stream waits for progress. */
const watchDogMs = 6_000
/** So long a route may lead to an end that has left, until the other end has answered. */
const answersMs = 5_000

/** How long some relay has linked both ends of a stream without a pause. */
export function waySteadyMs({ relays }: World, stream: Stream): number {
  return Math.max(...relays.map((relay) => relaySteadyMs(relay, stream)))
}

/** How long this relay has linked both ends of a stream without a pause. */
export function relaySteadyMs(relay: Relay, { options, to }: Stream): number {
  const { opener, target } = options
  const isOpen = relay.up && !relay.draining && relay.forbids !== to
  if (!isOpen || (opener instanceof Relay && opener !== relay)) return 0
  const own = opener instanceof Agent ? opener.steadyMs(relay) : Number.POSITIVE_INFINITY
  return Math.min(own, target.steadyMs(relay), relay.allowsForMs)
}

/** A relay that has drained stops: whoever had another way for long enough has taken it. */
export function checkDrained(world: World, relay: Relay, streams: readonly Stream[]): void {
  for (const stream of streams) {
    const end = stream.livingOpener
    const { opener } = stream.options
    // Whom nothing has reached from there cannot know.
    const wasTold = opener instanceof Agent && opener.steadyMs(relay) >= leavesMs
    const isThere = end?.current?.port.name === relay.name && end.established
    // Where the other end is over there is nothing to go on with: all refuse, and rightly.
    if (stream.livingAcceptor === undefined) continue
    if (!wasTold || !isThere || (end.phase !== 'open' && end.phase !== 'aborting')) continue
    const hasOther = world.relays.some((other) => isGood(other, stream))
    demand(!hasOther, '13: a stream stays where it will be lost', stream)
  }
}

/** By this relay the stream is sure to go on: one silent lane may swallow what asks for a way. */
function isGood(relay: Relay, stream: Stream): boolean {
  const { opener, target } = stream.options
  const ends = [target, ...(opener instanceof Agent ? [opener] : [])]
  const steadyMs = Math.min(...ends.map((end) => end.allSteadyMs(relay)))
  return Math.min(steadyMs, relaySteadyMs(relay, stream)) >= leavesMs
}

type Way = Attachment<EndpointPort>

export class Ways {
  readonly #world: World
  readonly #doubted = new WeakMap<object, number>()
  /** Legs that have led to an end which used them. */
  readonly #led = new WeakSet<Leg>()

  constructor(world: World) {
    this.#world = world
  }

  /** Notes for each stream whether it has a way, and holds beliefs against what is. */
  look(): void {
    const { now } = this.#world.clock
    for (const stream of this.#world.streams) {
      if (stream.over) continue
      const isFound = waySteadyMs(this.#world, stream) >= findsWayMs
      stream.wayLostMs = Math.max(stream.wayLostMs, now - stream.wayFoundAt)
      if (isFound) stream.wayFoundAt = now
      const { livingOpener, livingAcceptor } = stream
      if (livingOpener !== undefined) this.#hold(livingOpener, stream.options.opener, stream)
      if (livingAcceptor !== undefined) this.#hold(livingAcceptor, stream.options.target, stream)
      if (livingAcceptor !== undefined) this.#lookAtWait(livingOpener, isFound, stream)
    }
    for (const relay of this.#world.relays) {
      if (relay.up) this.#lookAtRoutes(relay)
      if (relay.up && relay.draining) this.#lookAtDraining(relay)
    }
  }

  /**
   * A stream was made to restate itself: never while its whole way was good, and both applications
   * read (check 16).
   */
  watchDog(port: EndpointPort, id: number): void {
    const { agents, clock, options, relays, report } = this.#world
    report.count('watch-dog')
    for (const relay of relays) {
      const isLocal = relay.inner === port
      const holder = isLocal ? relay : agents.find((one) => isLinked(one, relay, port))
      const leg = holder === undefined ? undefined : outerPortOf(relay, holder, port)?.legs.get(id)
      if (leg === undefined) continue
      const legs = leg.route.legs.map(({ port }) => this.#world.legSteadyMs(relay.switch, port))
      const stream = this.#world.streamOf(leg.route.key)
      const { caughtUpAt: openerAt = 0 } = stream?.opener ?? {}
      const { caughtUpAt: targetAt = 0 } = stream?.target ?? {}
      const readsMs = clock.now - Math.max(openerAt, targetAt)
      const isGood = Math.min(...legs) >= watchDogMs && readsMs >= correctsMs
      demand(!isGood || options.loss > 0, '16: a stream stood still on a good way', stream)
    }
  }

  /** A relay has refused an opening for want of the agent: then it led to none (check 13). */
  refused({ name }: EndpointPort, stream: Stream): void {
    const { opener } = stream.options
    const relay = opener instanceof Relay ? opener : this.#world.relayCalled(name)
    const isLinked = relaySteadyMs(relay, stream) >= refusesMs
    demand(!isLinked, '13: a relay that has the agent refuses', stream)
  }

  /** Who has lost its way finds another where there is one: by another lane, or another relay. */
  #lookAtWait(end: EndpointEnd | undefined, isFound: boolean, stream: Stream): void {
    if (end === undefined) return
    const { clock, options } = this.#world
    const waits = end.phase === 'open' && end.current?.ready !== true && !stream.denied
    if (!waits || !isFound) return void this.#doubted.delete(end)
    const since = this.#doubted.get(end) ?? clock.now
    this.#doubted.set(end, since)
    const isLong = clock.now - since >= findsWayMs && options.loss === 0
    demand(!isLong, '13: an end waits beside a way', stream)
  }

  /** An end that believes in its way must be right about it. */
  #hold(end: EndpointEnd, holder: Agent | Relay, stream: Stream): void {
    const { current } = end
    if (current === undefined) return
    if (!current.ready || this.#leads(end, current, holder)) this.#doubted.delete(current)
    else this.#doubt(current, correctsMs, 'an end believes in a way that leads nowhere', stream)
  }

  #leads(end: EndpointEnd, { port, id }: Way, holder: Agent | Relay): boolean {
    const relay = holder instanceof Relay ? holder : this.#world.relayCalled(port.name)
    const isAgent = holder instanceof Agent
    if (isAgent && holder.linkSteadyMs(holder.linkOf(port)) < correctsMs) return true
    const leg = outerPortOf(relay, holder, port)?.legs.get(id)
    return leg !== undefined && leg.route.key === end.key && leg.far?.port.up === true
  }

  /** Every agent of a relay that drains is told, and who comes in meanwhile too. */
  #lookAtDraining(relay: Relay): void {
    const { agents, clock } = this.#world
    for (const agent of agents) {
      for (const link of agent.linksTo(relay)) {
        const goodMs = Math.min(clock.now - relay.drainingSince, agent.linkSteadyMs(link))
        const isTold = link.port.leaving
        demand(goodMs < toldMs || isTold, '13: an agent is not told that its relay will stop')
      }
    }
  }

  /** A route must lead from an end to an end, and no longer than its ends can say so. */
  #lookAtRoutes(relay: Relay): void {
    for (const { key, legs } of relay.switch.routes) {
      for (const leg of legs) {
        const inner = innerPortOf(this.#world, relay, leg.port)
        if (inner === undefined) continue
        const lead = inner.find(leg.id)
        if (lead?.end.key === key) {
          if (lead.end.current === lead.attachment) this.#led.add(leg)
          this.#doubted.delete(leg)
          continue
        }
        // Who has used a way gives it up aloud; whoever never did hears of it from the other end.
        const wasLed = this.#led.has(leg)
        const sayers = wasLed ? [leg] : legs
        const patienceMs = wasLed ? correctsMs : answersMs
        const steady = sayers.map(({ port }) => this.#world.legSteadyMs(relay.switch, port))
        if (Math.min(...steady) < patienceMs) continue
        const stream = this.#world.streamOf(key)
        this.#doubt(leg, patienceMs, `a route leads to no end by id ${leg.id}`, stream)
      }
    }
  }

  #doubt(belief: object, patienceMs: number, reason: string, stream?: Stream): void {
    const { now } = this.#world.clock
    const since = this.#doubted.get(belief) ?? now
    this.#doubted.set(belief, since)
    demand(now - since < patienceMs || this.#world.options.loss > 0, `15: ${reason}`, stream)
  }
}

function isLinked(agent: Agent, relay: Relay, port: EndpointPort): boolean {
  return agent.linksTo(relay).some((link) => link.port === port)
}

/** The switch's side of this port of an actor. */
function outerPortOf(
  relay: Relay,
  holder: Agent | Relay,
  port: EndpointPort,
): SwitchPort | undefined {
  if (holder instanceof Relay) return relay.outer
  const links = relay.switch.linksOf(holder.identity)
  return links.find(({ lane }) => lane === holder.linkOf(port)?.lane)?.port
}

/** The endpoint's side of a switch's port. */
export function innerPortOf(
  world: World,
  relay: Relay,
  port: SwitchPort,
): EndpointPort | undefined {
  if (relay.outer === port) return relay.inner
  const agent = world.agents.find(({ identity }) => identity === port.identity)
  const lane = relay.switch.linkOf(port)?.lane
  return agent?.linksTo(relay).find((link) => link.lane === lane)?.port
}
