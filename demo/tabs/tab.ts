/**
 * One user with the todo list before him: a page in a browser, or a program on the page's own bus.
 *
 * Invariant: what a tab shows is what its user sees, and not what was sent.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Fault } from '../../shared/protocol/fault.ts'
import type { Patience } from '../waiting.ts'

/** A todo as it is shown. */
export interface Shown {
  readonly title: string
  readonly completed: boolean
}

/** What is shown. */
export interface Sight {
  readonly todos: readonly Shown[]
  /** Whether it is connected. */
  readonly isLive: boolean
  /** The maintenance light of the device; absent before anything is known of a device. */
  readonly light?: 'on' | 'off'
}

export interface Tab extends AsyncDisposable {
  see(): Promise<Sight>
  add(title: string): Promise<void>
  /** Checks it, or unchecks it. */
  toggle(title: string): Promise<void>
  remove(title: string): Promise<void>
  /** Begins to edit: nobody else should begin. */
  beginEdit(title: string): Promise<void>
  /** Ends the edit with another title. */
  endEdit(title: string): Promise<void>
}

/** Opens a tab on the pages of this address. */
export type OpenTab = (url: string) => Promise<Tab>

/** Looks until the tab shows it; throws `promise_broken`, with what it shows instead. */
export async function sees(
  tab: Tab,
  what: string,
  { withinMs, signal }: Patience,
  isSo: (sight: Sight) => boolean,
): Promise<Sight> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const sight = await tab.see()
    if (isSo(sight)) return sight
    if (performance.now() > deadline) {
      const shown = JSON.stringify(sight)
      throw new Fault('promise_broken', `${what}: not within ${withinMs / 1_000} s: ${shown}`)
    }
    await pause(lookAgainMs, undefined, { signal })
  }
}

const lookAgainMs = 25
