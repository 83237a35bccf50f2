/**
 * All links of the switch, by agent and lane.
 *
 * Invariant: at most one link an agent and lane, and all links of an agent are of one life of it.
 */
import type { RelayLink } from './link.ts'

export class Links {
  readonly #all = new Set<RelayLink>()
  readonly #byAgent = new Map<string, readonly RelayLink[]>()

  get all(): ReadonlySet<RelayLink> {
    return this.#all
  }

  /** How many agents have a link, connected or waited for. */
  get agents(): number {
    return this.#byAgent.size
  }

  /** The links of this agent. */
  of(identity: string): readonly RelayLink[] {
    return this.#byAgent.get(identity) ?? []
  }

  /** The link that a new stream to this agent goes by: one that is up, with the fewest streams. */
  best(identity: string): RelayLink | undefined {
    const links = this.of(identity)
    const up = links.filter(({ port }) => port.up)
    up.sort((one, other) => one.port.legs.size - other.port.legs.size)
    return up[0] ?? links[0]
  }

  /** How many streams lead to this agent, or come from it. */
  streamsOf(identity: string): number {
    return this.of(identity).reduce((sum, { port }) => sum + port.legs.size, 0)
  }

  /** A new link; the one that its lane had before has been deleted. */
  add(link: RelayLink): void {
    this.#all.add(link)
    this.#byAgent.set(link.identity, [...this.of(link.identity), link])
  }

  delete(link: RelayLink): void {
    if (!this.#all.delete(link)) return
    const others = this.of(link.identity).filter((one) => one !== link)
    if (others.length > 0) this.#byAgent.set(link.identity, others)
    else this.#byAgent.delete(link.identity)
  }
}
