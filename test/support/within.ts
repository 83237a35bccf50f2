/** Waiting with an end: a test that waits for ever says nothing. */

/**
 * How long a test waits for what it expects, unless it says otherwise. Only a failing test waits so
 * long; a machine that does fifteen other things at a time must not be taken for a failure.
 */
export const patienceMs = 30_000

/** What the promise gives; throws, naming what was awaited, when it gives nothing in time. */
export async function within<Value>(
  what: string,
  promise: PromiseLike<Value>,
  deadlineMs = patienceMs,
): Promise<Value> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} in ${deadlineMs} ms`)), deadlineMs)
  })
  try {
    return await Promise.race([promise, tooLate])
  } finally {
    clearTimeout(timer)
  }
}
