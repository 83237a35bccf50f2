/**
 * Ctrl-C, `kill` and a closed terminal, heard for as long as the demo runs.
 *
 * Invariant: the first one ends whatever waits; all others are heard and mean nothing, for npm says
 * Ctrl-C twice and the processes of the demo are to be ended in order. Each ending has its own
 * limit.
 */
import { Fault } from '../shared/protocol/fault.ts'

export interface Interruption extends Disposable {
  /** Aborted with the fault `shutdown`. */
  readonly signal: AbortSignal
  /** Interrupts by hand. */
  interrupt(): void
}

/** Listens until it is disposed of. */
export function listenForInterruption(): Interruption {
  const controller = new AbortController()
  const interrupt = (): void =>
    controller.abort(new Fault('shutdown', 'The demo was stopped before its end.'))
  for (const name of signals) process.on(name, interrupt)
  return {
    signal: controller.signal,
    interrupt,
    [Symbol.dispose]() {
      for (const name of signals) process.off(name, interrupt)
    },
  }
}

const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
