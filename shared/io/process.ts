/**
 * The signals of a process that runs until it is told to stop.
 *
 * Invariant: SIGINT and SIGTERM end the wait once; a second one finds node's own handler, so that a
 * process that hangs in stopping can still be stopped.
 */

/** Waits for SIGINT or SIGTERM and gives its name; other signals are handled as they come. */
export async function untilSignal(
  others: Partial<Record<NodeJS.Signals, () => void>> = {},
): Promise<NodeJS.Signals> {
  const entries = Object.entries(others) as [NodeJS.Signals, () => void][]
  for (const [signal, handle] of entries) process.on(signal, handle)
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
  process.once('SIGINT', resolve)
  process.once('SIGTERM', resolve)
  try {
    return await promise
  } finally {
    process.off('SIGINT', resolve)
    process.off('SIGTERM', resolve)
    for (const [signal, handle] of entries) process.off(signal, handle)
  }
}
