/**
 * Reads what others say to a device.
 *
 * Invariant: nothing that comes from the broker can end the device: what makes no sense is told in
 * the log, and left.
 */
import type { z } from 'zod'
import type { Log } from '../../shared/io/log.ts'

/** More than that is said to no device, in bytes. */
export const messageBytesMax = 4_096

/** What the message says, as JSON of this shape; undefined when it says something else. */
export function readMessage<Value>(
  schema: z.ZodType<Value>,
  topic: string,
  payload: Buffer,
  log: Log,
): Value | undefined {
  try {
    if (payload.length > messageBytesMax) throw new Error(`${payload.length} bytes`)
    return schema.parse(JSON.parse(payload.toString()))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    log.warn('a message was not understood', { topic, reason })
    return undefined
  }
}
