/**
 * The ports of one endpoint, one for each link: where a stream is opened.
 *
 * Invariant: only a port that is ready and stays is chosen. Of relays that are about as near, the
 * one that stands first in the agent's list is the better one, so that all openings meet; of the
 * links to one relay the one with the fewest streams. Ports of one name lead to one relay.
 */
import { EndpointPort } from './port.ts'

/** By so much a round trip must be shorter for a relay to go before the one that precedes it. */
const placeMs = 10
/** Longer than any round trip: a relay that has yet to answer its first PING comes last. */
const unknownMs = 600_000

export class Ports {
  /** By the name of the relay, in the order of the list. */
  readonly #relays = new Map<string, EndpointPort[]>()
  /** What each relay said last of its resume window. */
  readonly #windowsMs = new Map<EndpointPort, number>()

  /** A new port, behind all others; `wake` is called whenever it may have something to do. */
  add(name: string, wake: () => void): EndpointPort {
    const port = new EndpointPort(name, wake)
    this.#relays.set(name, [...this.to(name), port])
    return port
  }

  /** All ports to this relay. */
  to(name: string): readonly EndpointPort[] {
    return this.#relays.get(name) ?? []
  }

  /** A relay waits so long for streams; gives the shortest wait of all. */
  narrow(port: EndpointPort, resumeWindowMs: number): number {
    this.#windowsMs.set(port, resumeWindowMs)
    return Math.min(...this.#windowsMs.values())
  }

  /**
   * The best port that is ready, or the next best behind `after`. Where one of those to avoid is
   * ready it is its relay that does not serve, and no other link to it would; where it is down,
   * the relay may well be reached by another.
   */
  choose(
    avoid: ReadonlySet<EndpointPort>,
    after: EndpointPort | undefined,
  ): EndpointPort | undefined {
    const avoided = new Set<string>()
    for (const port of avoid) if (port.ready) avoided.add(port.name)
    const ready = [...this.#relays]
      .filter(([name]) => !avoided.has(name))
      .map(([, ports], place) => open(ports, place))
      .sort((one, other) => one.cost - other.cost)
      .flatMap(({ ports }) => ports)
    const last = after === undefined ? -1 : ready.indexOf(after)
    return ready[(last + 1) % ready.length]
  }

  wakeAll(): void {
    for (const ports of this.#relays.values()) for (const port of ports) port.wake()
  }
}

/** The ports of one relay that may be chosen, the emptiest first, and how far the relay is. */
function open(all: readonly EndpointPort[], place: number) {
  const ports = all.filter(({ ready, leaving }) => ready && !leaving)
  const nearMs = Math.min(...ports.map(({ roundTripMs }) => roundTripMs ?? unknownMs))
  ports.sort((one, other) => one.size - other.size)
  return { ports, cost: nearMs + place * placeMs }
}
