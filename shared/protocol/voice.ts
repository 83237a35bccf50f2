/**
 * What one port has to say, and in which order: last words, control, then bytes in fair turns.
 *
 * Invariant: control is state and not a queue. A member is asked for its frames when it is
 * pulled, and stands in the set until it has none; last words are one an id and bounded.
 */
import type { Frame, StreamFrame } from './frame.ts'
import { Turns } from './turns.ts'

/**
 * Last words that wait on one port; beyond it the oldest is dropped (X4: a flood of unknown ids).
 */
export const lastWordsMax = 4_096

/** How a voice asks its members. */
export interface Sayings<Member> {
  readonly control: (member: Member) => Frame | undefined
  readonly hasData: (member: Member) => boolean
  readonly data: (member: Member) => Frame | undefined
  /** There may be something to pull. */
  readonly wake: () => void
}

export class Voice<Member> {
  readonly #sayings: Sayings<Member>
  readonly #lastWords = new Map<number, StreamFrame>()
  readonly #control = new Set<Member>()
  readonly #turns: Turns<Member>
  #lastWordsDropped = 0

  constructor(sayings: Sayings<Member>) {
    this.#sayings = sayings
    this.#turns = new Turns(sayings.hasData)
  }

  hasControl(member: Member): void {
    this.#control.add(member)
    this.#sayings.wake()
  }

  hasData(member: Member): void {
    this.#turns.add(member)
    this.#sayings.wake()
  }

  /**
   * A frame about an id that nobody stands for any longer. That it leads nowhere is no news where
   * another last word waits: who hears RESET must not be told to look for another way.
   */
  sayLast(frame: StreamFrame): void {
    if (frame.kind === 'void' && this.#lastWords.has(frame.id)) return
    for (const oldest of this.#lastWords.keys()) {
      if (this.#lastWords.size < lastWordsMax) break
      this.#lastWords.delete(oldest)
      this.#lastWordsDropped += 1
    }
    this.#lastWords.set(frame.id, frame)
    this.#sayings.wake()
  }

  /** The ids about which a last word waits. */
  lastWordIds(): Iterable<number> {
    return this.#lastWords.keys()
  }

  get lastWordsWaiting(): number {
    return this.#lastWords.size
  }

  /** How many were dropped, because there was no place for more. */
  get lastWordsDropped(): number {
    return this.#lastWordsDropped
  }

  /** The next frame; `dataAllowed` is false while the carrier has enough in flight. */
  pull(dataAllowed: boolean): Frame | undefined {
    return this.#pullWord() ?? (dataAllowed ? this.#pullData() : undefined)
  }
  /** The member is gone. */
  delete(member: Member): void {
    this.#control.delete(member)
    this.#turns.delete(member)
  }

  /** The carrier is lost: what members wanted to say they will say anew. Last words stay. */
  hush(): void {
    this.#control.clear()
    this.#turns.clear()
  }

  /** The session is over: its ids mean nothing any longer. */
  forget(): void {
    this.hush()
    this.#lastWords.clear()
  }

  #pullWord(): Frame | undefined {
    if (this.#lastWords.size > 0) {
      for (const [id, frame] of this.#lastWords) {
        this.#lastWords.delete(id)
        return frame
      }
    }
    if (this.#control.size === 0) return undefined
    for (const member of this.#control) {
      const frame = this.#sayings.control(member)
      if (frame !== undefined) return frame
      this.#control.delete(member)
    }
    return undefined
  }

  #pullData(): Frame | undefined {
    const member = this.#turns.next()
    return member === undefined ? undefined : this.#sayings.data(member)
  }
}
