/**
 * One port of the switch: where a link, or the relay's own endpoint, plugs in.
 *
 * Invariant: an id leads to at most one leg and is never reused within a session; the switch takes
 * the odd ids, whoever is plugged in the even ones. A port that is down says nothing.
 */
import type { Frame } from '../../shared/protocol/frame.ts'
import { Voice } from '../../shared/protocol/voice.ts'
import type { Leg } from './route.ts'

export class SwitchPort {
  /**
   * The verified name of who is plugged in, `agent/plant-1`; empty for the relay's own endpoint.
   */
  readonly identity: string
  readonly legs: Map<number, Leg> = new Map()
  readonly voice: Voice<Leg>
  up = false
  #nextId = 1
  /** The greatest id by which a way was asked for in this session. */
  #askedMax = 0

  constructor(identity: string, wake: () => void) {
    this.identity = identity
    this.voice = new Voice({
      control: (leg) => leg.pullControl(),
      hasData: (leg) => leg.outgoing.hasNext(),
      data: (leg) => leg.pullData(),
      wake,
    })
  }

  newId(): number {
    const id = this.#nextId
    this.#nextId += 2
    return id
  }

  /** True for an id by which no way has been asked for; from now on one has. */
  asks(id: number): boolean {
    if (id <= this.#askedMax) return false
    this.#askedMax = id
    return true
  }

  pull(dataAllowed: boolean): Frame | undefined {
    return this.up ? this.voice.pull(dataAllowed) : undefined
  }

  /** A new session: ids start anew. The legs of the old one must have been ended before. */
  restart(): void {
    this.voice.forget()
    this.#nextId = 1
    this.#askedMax = 0
  }
}
