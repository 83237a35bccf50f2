/**
 * Messages that no honest peer sends, by chance and from a seed: frames of every kind with the
 * numbers at which integers break, mutated frames, and bytes that are no frame.
 *
 * Invariant: the same seed gives the same messages.
 */
import fc from 'fast-check'
import { Fault } from '../../shared/protocol/fault.ts'
import { decode, encode, type FrameKind, type FrameOf } from '../../shared/protocol/frame.ts'
import type { Chance } from '../simulation/chance.ts'
import { arbitraryFrame, samples } from './frames.ts'

/** Messages by chance: valid frames of every kind, mutated frames, and what no decoder reads. */
export class Corpus {
  readonly #chance: Chance
  readonly #frames: readonly Uint8Array[]

  constructor(chance: Chance) {
    this.#chance = chance
    const opens = Array.from({ length: 100 }, () => encode(this.#honestOpen()))
    const seed = chance.between(1, 1_000_000)
    const sampled = fc.sample(arbitraryFrame, { numRuns: 2_000, seed })
    this.#frames = [...sampled.map((frame) => encode(frame)), ...opens]
  }

  /** A frame that every decoder reads, of none of these kinds. */
  readable(but: readonly FrameKind[]): Uint8Array {
    for (;;) {
      const valid = Buffer.from(this.#chance.pick(this.#frames))
      this.#aim(valid)
      const bytes = this.#chance.happens(0.5) ? this.#mutated(valid) : valid
      const kind = kindOf(bytes)
      if (kind !== undefined && !but.includes(kind)) return bytes
    }
  }

  /** What no decoder reads. */
  malformed(): Uint8Array {
    for (;;) {
      const bytes = this.#mutated(Buffer.from(this.#chance.pick(this.#frames)))
      if (kindOf(bytes) === undefined) return bytes
    }
  }

  /** Leads half of the frames about streams to ids that may be in use. */
  #aim(frame: Buffer): void {
    const isStreamFrame = (frame[0] ?? 0) >= 0x10
    if (isStreamFrame && this.#chance.happens(0.5)) frame.writeUIntBE(this.#smallId(), 1, 6)
  }

  #mutated(frame: Buffer): Buffer {
    for (let left = this.#chance.between(1, 4); left > 0; left -= 1) {
      frame[this.#chance.between(0, frame.length - 1)] = this.#chance.between(0, 255)
    }
    return frame.subarray(0, this.#chance.happens(0.1) ? this.#chance.between(0, 40) : undefined)
  }

  #honestOpen(): FrameOf<'open'> {
    const key = this.#chance.hex(16)
    return { ...samples.open, id: this.#smallId(), key, to: 'plant-1/any', attributes: [] }
  }

  #smallId(): number {
    return this.#chance.between(0, 60)
  }
}

function kindOf(bytes: Uint8Array): FrameKind | undefined {
  try {
    return decode(bytes).kind
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}
