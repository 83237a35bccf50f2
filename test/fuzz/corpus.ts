/**
 * Hostile messages: a kept corpus, the same with bytes changed, and frames made by the grammar that
 * know what their victim would believe.
 *
 * Invariant: the same chance gives the same messages. A new field does not run until it has its
 * values here.
 */
import {
  dataBytesMax,
  encode,
  type Frame,
  type FrameKind,
  frameBytesMax,
  frames,
  isStreamFrame,
} from '../../shared/protocol/frame.ts'
import type { Chance } from '../simulation/chance.ts'
import { boundaries, samples, wireCodes } from '../support/frames.ts'

/** What a hostile peer has learned: numbers and names that lead somewhere. */
export interface Knowledge {
  readonly ids: readonly number[]
  readonly keys: readonly string[]
  /** Positions around the cursors of streams. */
  readonly positions: readonly number[]
  readonly names: readonly string[]
}

const kinds = Object.keys(frames) as FrameKind[]
/** What keeps a stream alive, so that the frames behind it meet something. */
const gentleKinds: readonly FrameKind[] = kinds.filter(
  (kind) => isStreamFrame(samples[kind]) && !['reset', 'refuse', 'void', 'close'].includes(kind),
)

/** Every kind as it is, and with each of its numbers at each boundary. */
export const corpus: readonly Uint8Array[] = kinds.flatMap((kind) => {
  const sample: Frame = samples[kind]
  const varied = Object.entries(sample).flatMap(([field, value]) =>
    typeof value === 'number'
      ? boundaries.map((boundary) => ({ ...sample, [field]: boundary }) as Frame)
      : [],
  )
  return [sample, ...varied].map((frame) => encode(frame).slice())
})

export class Hostile {
  readonly #chance: Chance

  constructor(chance: Chance) {
    this.#chance = chance
  }

  /** One message, of any sort. */
  message(known: Knowledge): Uint8Array {
    const chance = this.#chance
    const sort = chance.next()
    if (sort < 0.05) return this.#noise()
    if (sort < 0.3) return this.#mutated(chance.pick(corpus))
    const made = encode(this.frame(known)).slice()
    return sort < 0.35 ? this.#mutated(made) : made
  }

  /** A frame that follows the grammar. */
  frame(known: Knowledge): Frame {
    // The others end a stream or the carrier, and hide what comes behind them.
    const kind = this.#chance.pick(this.#chance.happens(0.9) ? gentleKinds : kinds)
    const frame: Record<string, unknown> = { kind }
    for (const field of Object.keys(frames[kind].fields)) frame[field] = this.#value(field, known)
    return frame as unknown as Frame
  }

  #value(field: string, known: Knowledge): unknown {
    const chance = this.#chance
    switch (field) {
      case 'id':
        return chance.happens(0.9) ? chance.pick(known.ids) : chance.pick(boundaries)
      case 'key':
        return chance.happens(0.7) ? chance.pick(known.keys) : chance.hex(16)
      case 'received':
      case 'consumed':
      case 'limit':
      case 'offset':
      case 'position':
        return chance.happens(0.9) ? this.#near(known.positions) : chance.pick(boundaries)
      case 'bytes':
        return new Uint8Array(chance.pick([0, 1, 5, 100, 1_000, 5_000, dataBytesMax]))
      case 'code':
        return chance.pick(wireCodes)
      case 'to':
      case 'from':
      case 'by':
        return chance.pick(known.names)
      case 'names':
        return Array.from({ length: chance.between(0, 4) }, () => chance.pick(known.names))
      case 'attributes':
        return Array.from({ length: chance.between(0, 3) }, () => ({
          tag: chance.between(0, 255),
          value: new Uint8Array(chance.between(0, 40)),
        }))
      case 'alive':
        return Array.from({ length: chance.between(0, 5) }, () => chance.between(0, 9))
      case 'attachment':
      case 'attempt':
      case 'revision':
        return chance.happens(0.9) ? chance.between(0, 6) : 0xffffffff
      case 'routes':
      case 'resumeWindowMs':
      case 'livenessMs':
      case 'deadlineMs':
      case 'streamsMax':
        return chance.pick([0, 1, 3, 10_000, 90_000, 0xffffffff])
      case 'version':
      case 'carriersMax':
        return chance.happens(0.9) ? 1 : chance.between(0, 255)
      case 'echo':
      case 'bytesSent':
      case 'bytesReceived':
        return chance.happens(0.7) ? chance.between(0, 20) : chance.pick(boundaries)
      case 'epoch':
      case 'session':
      case 'life':
        return chance.pick(['0'.repeat(16), 'c'.repeat(16), '1'.padStart(16, '0'), chance.hex(8)])
      case 'established':
      case 'resumed':
        return chance.happens(0.5)
      default:
        throw new Error(`nobody has said which values to try for ${field}`)
    }
  }

  #near(positions: readonly number[]): number {
    const near = this.#chance.happens(0.7) ? 0 : this.#chance.between(-2, 2)
    return Math.max(0, this.#chance.pick(positions) + near)
  }

  #noise(): Uint8Array {
    const chance = this.#chance
    const length = chance.happens(0.02)
      ? frameBytesMax + chance.between(-1, 1)
      : chance.between(0, 60)
    return Uint8Array.from({ length }, () => chance.between(0, 255))
  }

  #mutated(message: Uint8Array): Uint8Array {
    const chance = this.#chance
    const bytes = [...message]
    for (let changes = chance.between(1, 4); changes > 0; changes -= 1) {
      const at = chance.between(0, Math.max(0, bytes.length - 1))
      const how = chance.between(0, 5)
      if (how === 0) bytes[at] = chance.between(0, 255)
      else if (how === 1) bytes[at] = (bytes[at] ?? 0) ^ (1 << chance.between(0, 7))
      else if (how === 2) bytes.splice(at, chance.between(1, 4))
      else if (how === 3) bytes.splice(at, 0, chance.between(0, 255))
      else if (how === 4) bytes.splice(at)
      else bytes.splice(at, 0, ...[...chance.pick(corpus)].slice(0, chance.between(1, 20)))
    }
    return Uint8Array.from(bytes)
  }
}
