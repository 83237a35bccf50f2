/**
 * What one application means to do with its socket, drawn from the seed.
 *
 * Invariant: no plan waits for ever: whoever idles goes on when the world closes, and whoever waits
 * for a request goes on when the far direction has ended.
 */
import type { Chance } from './chance.ts'
import type { Options } from './options.ts'

export interface Plan {
  readonly bytes: number
  readonly chunkBytesMax: number
  /** The longest pause before a write, and before a piece is read. */
  readonly thinkMs: number
  readonly readMs: number
  /** After so many bytes it stops reading, once, for so long. */
  readonly pausesAfter: number | undefined
  readonly pauseMs: number
  /** Writes only after it has read this many bytes: a server that waits for its request. */
  readonly writesAfter: number
  /** Reads only after it has written everything: a server that never looks while it talks. */
  readonly readsLast: boolean
  /** After so many bytes it says nothing until this time. */
  readonly idlesAfter: number | undefined
  readonly idlesUntilMs: number
  /** Resets its socket after it has written this many bytes; undefined: never. */
  readonly resetsAfter: number | undefined
  /** Resets its socket so long after the socket was made, whatever it is doing. */
  readonly hangsUpAfterMs: number | undefined
}

/** Writes and reads as fast as it can, and ends in order. */
const hasty: Omit<Plan, 'bytes'> = {
  chunkBytesMax: 6_000,
  thinkMs: 0,
  readMs: 0,
  pausesAfter: undefined,
  pauseMs: 0,
  writesAfter: 0,
  readsLast: false,
  idlesAfter: undefined,
  idlesUntilMs: 0,
  resetsAfter: undefined,
  hangsUpAfterMs: undefined,
}

/** `side` 0 is the application of the opener, 1 the target. */
export function drawPlan(chance: Chance, options: Options, side: 0 | 1): Plan {
  const bytes = chance.happens(0.1) ? 0 : chance.between(1, options.bytesMax)
  // So many writes at the most, lest a slow typist of a long text outlive the world.
  const chunkBytesMin = Math.ceil(bytes / 40)
  const sometimes = (probability: number, low: number, high: number) =>
    chance.happens(probability) ? chance.between(low, high) : undefined
  // Of two applications that wait for each other neither would ever end.
  const manner = side === 1 ? chance.next() : 0.5
  const resetsAfter = sometimes(0.12, 0, bytes)
  if (options.isHasty && chance.happens(0.8)) return { ...hasty, bytes }
  return {
    bytes,
    chunkBytesMax: Math.max(chunkBytesMin, chance.pick([1, 40, 700, 6_000])),
    // Who resets is quick, so that the far reader is still behind.
    thinkMs: resetsAfter === undefined ? chance.pick([0, 5, 60, 400]) : chance.pick([0, 5]),
    readMs: chance.pick([0, 10, 100, 400]),
    pausesAfter: sometimes(0.25, 0, bytes),
    pauseMs: chance.between(1_000, options.slowReadMs),
    writesAfter: manner < 0.3 ? chance.between(1, 2_000) : 0,
    readsLast: manner > 0.85,
    idlesAfter: sometimes(0.2, 0, bytes),
    idlesUntilMs: chance.happens(0.5) ? options.closingMs : chance.between(0, options.closingMs),
    resetsAfter,
    hangsUpAfterMs: side === 0 ? sometimes(0.05, 0, 2_000) : undefined,
  }
}
