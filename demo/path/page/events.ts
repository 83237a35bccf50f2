/** What happened, the newest first. Invariant: a line that is there stays the same element. */
import { find, make } from '../../todo/page/element.ts'
import type { PathEvent } from '../state.ts'

export class Events {
  readonly #list = find('.events', HTMLOListElement)
  readonly #nothing = find('.nothing', HTMLElement)
  #shown = 0

  show(events: readonly PathEvent[]): void {
    this.#nothing.hidden = events.length > 0
    for (const { number, at, text } of events) {
      if (number <= this.#shown) continue
      this.#shown = number
      const time = new Date(at).toLocaleTimeString('en', { hour12: false })
      const when = make('time', { text: time, attributes: { datetime: at } })
      this.#list.prepend(make('li', {}, when, make('span', { text })))
    }
    while (this.#list.children.length > linesMax) this.#list.lastElementChild?.remove()
  }
}

const linesMax = 50
