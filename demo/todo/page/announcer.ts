/**
 * What changed, said to those who do not see it.
 *
 * Invariant: one sentence at a time, and the last one stays; a crowd of changes becomes a number.
 */
import { setText } from './element.ts'

const gatherMs = 400
const spokenMax = 2

export class Announcer {
  readonly #region: Element
  #sentences: string[] = []
  #timer: ReturnType<typeof setTimeout> | undefined

  /** The element is a live region of the page. */
  constructor(region: Element) {
    this.#region = region
  }

  /** Says it soon, with whatever else happens now. */
  say(sentence: string): void {
    this.#sentences.push(sentence)
    this.#timer ??= setTimeout(() => this.#speak(), gatherMs)
  }

  #speak(): void {
    this.#timer = undefined
    const sentences = this.#sentences
    this.#sentences = []
    const isCrowd = sentences.length > spokenMax
    setText(this.#region, isCrowd ? `${sentences.length} changes` : sentences.join('. '))
  }
}
