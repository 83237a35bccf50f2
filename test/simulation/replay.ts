/**
 * A failed seed once more, with every frame of the stream that fails.
 *
 * Invariant: the second run is the first one again: tracing changes nothing.
 */
import { runWorld, WorldFailure } from './run.ts'
import { Tracer } from './trace.ts'

/** Prints the frames of the stream that the failure is about, or of all when it is about none. */
export function replay(seed: number, put: (text: string) => void): void {
  const failure = failureOf(() => runWorld(seed))
  const wanted = failure?.key
  const tracer = new Tracer(
    (line) => put(`${line}\n`),
    (key) => wanted === undefined || key === wanted,
  )
  failureOf(() => runWorld(seed, tracer))
}

function failureOf(run: () => unknown): WorldFailure | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof WorldFailure) return error
    throw error
  }
}
