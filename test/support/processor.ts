/**
 * How long this thread has computed: what a test bounds where an attack would cost computing.
 *
 * Invariant: time in which others had the processor does not count, so that a busy machine is not
 * taken for an expensive answer.
 */

/** Starts counting; the answer gives the milliseconds that were computed since. */
export function processorWatch(): () => number {
  const before = process.threadCpuUsage()
  return () => {
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1_000
  }
}
