/**
 * What went otherwise than somebody wished, for all to see, and gone after a while.
 *
 * Invariant: one sentence at a time; it is an alert, so it is heard at once, too.
 */
import { setText } from './element.ts'

const shownMs = 8_000

export class Notice {
  readonly #place: HTMLElement
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(place: HTMLElement) {
    this.#place = place
  }

  show(sentence: string): void {
    clearTimeout(this.#timer)
    setText(this.#place, sentence)
    this.#timer = setTimeout(() => setText(this.#place, ''), shownMs)
  }
}
