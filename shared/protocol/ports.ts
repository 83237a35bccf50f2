/**
 * The ports of one endpoint, one for each relay: where a stream is opened.
 *
 * Invariant: only a port that is ready and stays is chosen. Of relays that are about as near, the
 * one that stands first in the agent's list is the better one, so that all openings meet.
 */
import { EndpointPort } from './port.ts'

/** By so much a round trip must be shorter for a relay to go before the one that precedes it. */
const placeMs = 10
/** Longer than any round trip: a relay that has yet to answer its first PING comes last. */
const unknownMs = 600_000

export class Ports {
  readonly #ports: EndpointPort[] = []
  /** What each relay said last of its resume window. */
  readonly #windowsMs = new Map<EndpointPort, number>()

  /** A new port, behind all others; `wake` is called whenever it may have something to do. */
  add(name: string, wake: () => void): EndpointPort {
    const port = new EndpointPort(name, wake)
    this.#ports.push(port)
    return port
  }

  /** A relay waits so long for streams; gives the shortest wait of all. */
  narrow(port: EndpointPort, resumeWindowMs: number): number {
    this.#windowsMs.set(port, resumeWindowMs)
    return Math.min(...this.#windowsMs.values())
  }

  /** The best port that is ready and not to be avoided, or the next best behind `after`. */
  choose(
    avoid: ReadonlySet<EndpointPort>,
    after: EndpointPort | undefined,
  ): EndpointPort | undefined {
    const ready = this.#ports
      .map((port, place) => ({ port, cost: (port.roundTripMs ?? unknownMs) + place * placeMs }))
      .filter(({ port }) => port.ready && !port.leaving && !avoid.has(port))
      .sort((one, other) => one.cost - other.cost)
    const last = ready.findIndex(({ port }) => port === after)
    return ready[(last + 1) % ready.length]?.port
  }

  wakeAll(): void {
    for (const port of this.#ports) port.wake()
  }
}
