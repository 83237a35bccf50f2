/**
 * Virtual time: events in the order of their times, and of their making where times are equal.
 *
 * Invariant: time never goes back, and only `step` moves it.
 */
interface Event {
  readonly at: number
  readonly order: number
  readonly action: () => void
}

export class Clock {
  #now = 0
  #made = 0
  readonly #heap: Event[] = []

  get now(): number {
    return this.#now
  }

  /** When the next event is due. */
  get next(): number {
    return this.#heap[0]?.at ?? Number.POSITIVE_INFINITY
  }

  after(delayMs: number, action: () => void): void {
    this.at(this.#now + delayMs, action)
  }

  at(at: number, action: () => void): void {
    const event: Event = { at: Math.max(at, this.#now), order: this.#made++, action }
    const heap = this.#heap
    let index = heap.push(event) - 1
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!isBefore(event, heap[parent] as Event)) break
      heap[index] = heap[parent] as Event
      index = parent
    }
    heap[index] = event
  }

  /** Moves to the next event and runs it; false when there is none. */
  step(): boolean {
    const first = this.#heap[0]
    if (first === undefined) return false
    const last = this.#heap.pop() as Event
    if (this.#heap.length > 0) this.#sink(last)
    this.#now = first.at
    first.action()
    return true
  }

  #sink(event: Event): void {
    const heap = this.#heap
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right !== undefined && isBefore(right, heap[child] as Event)) child += 1
      if (!isBefore(heap[child] as Event, event)) break
      heap[index] = heap[child] as Event
      index = child
    }
    heap[index] = event
  }
}

function isBefore(left: Event, right: Event): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order)
}
