/** Waiting with an end: a test that waits for ever says nothing. */

/** What the promise gives; throws, naming what was awaited, when it gives nothing in time. */
export async function within<Value>(
  what: string,
  promise: PromiseLike<Value>,
  deadlineMs = 10_000,
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
