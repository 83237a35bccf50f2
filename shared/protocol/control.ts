/**
 * What one end has to say beside its bytes: flags, made into frames when they are pulled.
 *
 * Invariant: each word waits once at most, and nothing here is a queue: however often something
 * is to be said, one frame says it, with the numbers as they stand when it goes out.
 */
import type { Frame, FrameOf } from './frame.ts'
import type { ReceiveHalf } from './receive.ts'

/** What may wait to be said, in the order in which it must be heard. */
export type ControlWord = 'resume' | 'credit' | 'resync' | 'close'

/** How the receiving half stands, as RESUME, ACCEPT and OPEN say it. */
export type Numbers = Pick<FrameOf<'resume'>, 'received' | 'consumed' | 'limit'>

export class Control {
  readonly #receive: ReceiveHalf
  readonly #waiting = { resume: false, credit: false, resync: false, close: false }
  /** What the last frame with numbers said as consumed. */
  #saidConsumed = 0

  constructor(receive: ReceiveHalf) {
    this.#receive = receive
  }

  /** How much the socket has taken since the far end was last told. */
  get unsaidBytes(): number {
    return this.#receive.consumed - this.#saidConsumed
  }

  isWaiting(word: ControlWord): boolean {
    return this.#waiting[word]
  }

  say(word: ControlWord): void {
    this.#waiting[word] = true
  }

  /** The word need not be said any longer. */
  drop(word: ControlWord): void {
    this.#waiting[word] = false
  }

  /** The numbers as they stand, for an OPEN: it may be refused, and then nothing was said by it. */
  get standing(): Numbers {
    const { received, consumed, limit } = this.#receive
    return { received, consumed, limit }
  }

  /** The numbers for a frame that goes out now on the way in use. */
  numbers(): Numbers {
    this.#saidConsumed = this.#receive.consumed
    return this.standing
  }

  /** The same, where the frame makes RESUME and CREDIT needless. */
  restatement(): Numbers {
    this.drop('resume')
    this.drop('credit')
    return this.numbers()
  }

  /** The next frame on this id, or undefined. */
  pull(id: number): Frame | undefined {
    const waiting = this.#waiting
    if (waiting.resume) return { kind: 'resume', id, ...this.restatement() }
    if (waiting.credit) {
      this.drop('credit')
      const { consumed, limit } = this.numbers()
      return { kind: 'credit', id, consumed, limit }
    }
    if (waiting.resync) {
      this.drop('resync')
      return { kind: 'resync', id }
    }
    if (!waiting.close) return undefined
    this.drop('close')
    const { consumed } = this.numbers()
    return { kind: 'close', id, consumed }
  }
}
