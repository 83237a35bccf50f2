/**
 * What the path page shows: one record, the whole of it each time. Browsers load this file as it
 * is.
 *
 * Invariant: each number was measured or counted; what is not known is absent.
 */

/** What is known of one agent, as the relay tells it; absent while the relay is dead. */
export interface AgentState {
  /** `agent/plant-1`. */
  readonly agent: string
  readonly state: 'up' | 'silent' | 'away'
  readonly streams: number
  readonly cuts: number
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly heardAgoMs?: number
  readonly roundTripMs?: number
}

/** A thing that can be broken, and the name of its button. */
export interface Breakable {
  readonly id: string
  readonly name: string
  readonly help: string
}

/** Something that happened; they are numbered from 1. */
export interface PathEvent {
  readonly number: number
  /** ISO 8601. */
  readonly at: string
  readonly text: string
}

export interface PathState {
  /** Whether the relay answers, and how many lives it has had. */
  readonly relay: 'up' | 'down'
  readonly relayLives: number
  readonly agents: readonly AgentState[]
  readonly streams: number
  /** `Mosquitto 2.0.11`. */
  readonly broker: string
  /** Messages by a stream between two agents, one after the other. */
  readonly messages: {
    readonly sent: number
    readonly heard: number
    readonly longestPauseMs: number
    /** Since when nothing was heard that is under way; 0 when nothing is. */
    readonly pauseMs: number
    readonly streamsLost: number
  }
  readonly broken: number
  readonly busyWith?: string | undefined
  readonly breakables: readonly Breakable[]
  readonly events: readonly PathEvent[]
}
