/**
 * The routes whose OPEN waits for an agent that is away.
 *
 * Invariant: none waits longer than `parkMs` (protocol rule 7), and whatever waits counts as a
 * stream of its agent.
 */
import type { Route } from './route.ts'

export class Parked {
  readonly #parkMs: number
  readonly #routes = new Set<Route>()

  constructor(parkMs: number) {
    this.#parkMs = parkMs
  }

  add(route: Route, now: number): void {
    route.parkedUntil = now + this.#parkMs
    this.#routes.add(route)
  }

  delete(route: Route): void {
    this.#routes.delete(route)
  }

  /** What waits for this agent. */
  for(agent: string): readonly Route[] {
    return [...this.#routes].filter(({ admitted }) => admitted.agent === agent)
  }

  /** What has waited for long enough. */
  due(now: number): readonly Route[] {
    return [...this.#routes].filter(({ parkedUntil }) => parkedUntil <= now)
  }

  deadline(): number {
    let next = Number.POSITIVE_INFINITY
    for (const { parkedUntil } of this.#routes) next = Math.min(next, parkedUntil)
    return next
  }
}
