/**
 * Where faults happen: the fleet, the networks of its agents, and the chance that picks among them.
 *
 * Invariant: every choice comes from the seed, and each pick is of what is there at this moment.
 */
import type { Fleet } from '../support/fleet.ts'
import type { FaultyProxy, IdleBox } from '../support/proxy.ts'
import type { NamespaceSite } from './namespace-site.ts'

export type RelayState = 'ending' | 'listening' | 'ready'

export interface Scene {
  readonly fleet: Fleet
  readonly agents: readonly string[]
  /** The network of each agent, where the run has namespaces. */
  readonly sites: ReadonlyMap<string, NamespaceSite>
  readonly relays: number
  /** For how long a connection may be idle before a middle box ends it. */
  readonly idleAfterMs: IdleBox['afterMs']
  /** A whole number from 0 up to, and without, `below`. */
  readonly choose: (below: number) => number
  /** The relay is about to end, listens in another life, or has its agents back as well. */
  readonly relayIs: (index: number, state: RelayState) => void
  /** Lets all traffic rest while this goes on. */
  readonly rest: (during: () => Promise<void>) => Promise<void>
  /** A dead path was noticed at an end that heard nothing, so long after it died; or was not. */
  readonly noticed: (afterMs: number | undefined) => void
}

/** A link as a fault meets it: an agent, a relay, and the proxy between them. */
export interface SceneLink {
  readonly agent: string
  readonly relay: number
  readonly proxy: FaultyProxy
}

export function pickAgent({ agents, choose }: Scene): string {
  return agents[choose(agents.length)] ?? ''
}

/** Every link of an agent. */
export function linksOf({ fleet }: Scene, agent: string): readonly SceneLink[] {
  return fleet.agent(agent).proxies.map((proxy, relay) => ({ agent, relay, proxy }))
}

export function pickLink(scene: Scene): SceneLink {
  const links = linksOf(scene, pickAgent(scene))
  const link = links[scene.choose(links.length)]
  if (link === undefined) throw new Error('a fleet without relays')
  return link
}

/** How many carriers these links have now. */
export function carriersOf(links: readonly SceneLink[]): number {
  return links.reduce((sum, { proxy }) => sum + proxy.clientPorts.length, 0)
}

/** One of the carriers that the link has now, by its place among them. */
export function pickCarrier({ choose }: Scene, { proxy }: SceneLink): number {
  return choose(Math.max(1, proxy.clientPorts.length))
}

/** The network of an agent; only where the run has namespaces. */
export function siteOf({ sites }: Scene, agent: string): NamespaceSite {
  const site = sites.get(agent)
  if (site === undefined) throw new Error(`${agent} has no network of its own`)
  return site
}
