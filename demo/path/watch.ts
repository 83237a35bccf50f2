/**
 * Looks at the whole path twice a second: at the relay's status, and at the messages that cross.
 *
 * Invariant: a relay that does not answer in time is down, whatever its process says; nothing that
 * it said earlier is told as if it were true now.
 */
import type { RelayStatus } from '../../relay/status.ts'
import { breakages } from '../breakages.ts'
import type { Desk } from '../desk.ts'
import type { AgentState, PathState } from './state.ts'

/** How often it looks, in milliseconds. */
export const lookMs = 500
const answerWithinMs = 400

export class PathWatch implements Disposable {
  readonly #desk: Desk
  readonly #timer: NodeJS.Timeout
  readonly #hearers = new Set<(state: PathState) => void>()
  #looking = false
  #status: RelayStatus | undefined

  constructor(desk: Desk) {
    this.#desk = desk
    this.#timer = setInterval(() => void this.#look(), lookMs)
    void this.#look()
  }

  /** What was seen last. */
  get state(): PathState {
    const { events, broken, busyWith, playground } = this.#desk
    const { sequence, forward, scene } = playground
    const status = this.#status
    const { sent, heard, longestPauseMs, pauseMs } = sequence
    return {
      relay: status === undefined ? 'down' : 'up',
      relayLives: scene.cloud.lives,
      agents: status?.agents.map(agentState) ?? [],
      streams: status?.streams ?? 0,
      broker: scene.broker.name,
      messages: { sent, heard, longestPauseMs, pauseMs, streamsLost: forward.closes },
      broken,
      busyWith,
      breakables: Object.values(breakages).map(({ id, name, help }) => ({ id, name, help })),
      events,
    }
  }

  /** Hears every look until the returned function is called. */
  hear(hearer: (state: PathState) => void): () => void {
    this.#hearers.add(hearer)
    hearer(this.state)
    return () => this.#hearers.delete(hearer)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#hearers.clear()
  }

  async #look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    this.#status = await this.#ask()
    this.#looking = false
    const { state } = this
    for (const hear of this.#hearers) hear(state)
  }

  async #ask(): Promise<RelayStatus | undefined> {
    const { cloud } = this.#desk.playground.scene
    try {
      const answer = await fetch(cloud.statusUrl, { signal: AbortSignal.timeout(answerWithinMs) })
      return (await answer.json()) as RelayStatus
    } catch {
      return undefined
    }
  }
}

/** Addresses and names of services are for the relay's own machine, not for every page. */
function agentState(agent: RelayStatus['agents'][number]): AgentState {
  const { address: _kept, services: _too, ...shown } = agent
  return shown
}
