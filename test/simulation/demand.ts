/**
 * How a check fails: with a message that is made only then, for most checks hold most of the time.
 *
 * Invariant: a broken demand carries the stream that it is about, so that a trace can show that
 * one.
 */
import { describe, type Stream } from './stream.ts'

export class BrokenDemand extends Error {
  override readonly name = 'BrokenDemand'
  /** The number of the stream in its world, when the demand is about one. */
  readonly stream: number | undefined

  constructor(message: string, stream: Stream | undefined) {
    super(stream === undefined ? message : `${message}: ${describe(stream)}`)
    this.stream = stream?.options.number
  }
}

/** Fails the world unless the condition holds; `reason` begins with the number of the check. */
export function demand(
  holds: boolean,
  reason: string | (() => string),
  stream?: Stream,
): asserts holds {
  if (holds) return
  throw new BrokenDemand(typeof reason === 'string' ? reason : reason(), stream)
}
