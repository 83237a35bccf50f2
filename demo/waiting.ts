/**
 * Waiting with an end: a demo that waits for ever promises nothing.
 *
 * Invariant: each wait names what it waits for, and ends with it, with the fault `promise_broken`
 * when its time is over, or at once with the reason of the signal.
 */
import { Fault } from '../shared/protocol/fault.ts'

/** How long a wait may take; the signal ends it early. */
export interface Patience {
  readonly withinMs: number
  readonly signal: AbortSignal
}

/** What the promise gives. Throws `promise_broken` when it gives nothing in time. */
export async function waitFor<Value>(
  what: string,
  { withinMs, signal }: Patience,
  promise: PromiseLike<Value>,
): Promise<Value> {
  signal.throwIfAborted()
  const { promise: ending, reject } = Promise.withResolvers<never>()
  const interrupt = (): void => reject(signal.reason)
  const tooLate = (): void =>
    reject(new Fault('promise_broken', `${what}: not within ${withinMs / 1_000} s.`))
  const timer = setTimeout(tooLate, withinMs)
  signal.addEventListener('abort', interrupt, { once: true })
  try {
    return await Promise.race([promise, ending])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', interrupt)
  }
}

/** Something that changes, and whoever waits for what it becomes. */
export class Changes {
  readonly #watchers = new Set<() => void>()

  /** It has changed: everybody looks again. */
  tell(): void {
    for (const watcher of this.#watchers) watcher()
  }

  /** The first answer that `look` gives, now or after a change; what it throws ends the wait. */
  async until<Answer>(
    what: string,
    patience: Patience,
    look: () => Answer | undefined,
  ): Promise<Answer> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    const watch = (): void => {
      try {
        const answer = look()
        if (answer !== undefined) resolve(answer)
      } catch (error) {
        reject(error)
      }
    }
    this.#watchers.add(watch)
    try {
      watch()
      return await waitFor(what, patience, promise)
    } finally {
      this.#watchers.delete(watch)
    }
  }
}
