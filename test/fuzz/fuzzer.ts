/**
 * Feeds hostile messages to the decoder, and what it takes for frames to something that lives.
 *
 * Invariant: an episode is a function of its seed. It throws a `FuzzFailure` that names the seed,
 * or adds to the tally.
 */
import { Fault } from '../../shared/protocol/fault.ts'
import { decode, encode, type Frame } from '../../shared/protocol/frame.ts'
import type { Phase } from '../../shared/protocol/life.ts'
import { Chance } from '../simulation/chance.ts'
import { Hostile, type Knowledge } from './corpus.ts'
import { HostileRelay } from './endpoint.ts'
import { HostileAgent } from './switch.ts'

/** Messages in one episode. */
export const episodeFrames = 500

/** What lives, and hears the frames. */
interface Victim {
  readonly known: Knowledge
  /** The phases of the ends that a frame may meet now. */
  readonly phases: readonly Phase[]
  hear(frame: Frame, bytes: number): void
  faulted(fault: Fault): void
  act(): void
  finish(): void
}

export class FuzzFailure extends Error {
  override readonly name = 'FuzzFailure'
  readonly seed: number

  constructor(seed: number, at: number, message: Uint8Array, cause: unknown) {
    const hex = Array.from(message.subarray(0, 100), (byte) => byte.toString(16).padStart(2, '0'))
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`seed ${seed}, message ${at} (${hex.join('')}): ${reason}`, { cause })
    this.seed = seed
  }
}

export class Fuzzer {
  /** Messages tried, and those that were no frames. */
  frames = 0
  malformed = 0
  episodes = 0
  /** Faults that ended a carrier, by code. */
  readonly faults: Record<string, number> = {}
  /** Frames that were heard, by kind. */
  readonly kinds: Record<string, number> = {}
  /** The phases of the ends that they met. */
  readonly phases: Record<string, number> = {}

  /** One episode: an even seed meets a hostile relay, an odd one a hostile agent. */
  run(seed: number): void {
    const chance = new Chance(seed)
    const hostile = new Hostile(chance)
    let message: Uint8Array = new Uint8Array(0)
    let at = 0
    try {
      const victim: Victim = seed % 2 === 0 ? new HostileRelay(chance) : new HostileAgent(chance)
      for (; at < episodeFrames; at += 1) {
        message = hostile.message(victim.known)
        this.#feed(victim, message)
        victim.act()
      }
      victim.finish()
    } catch (cause) {
      throw new FuzzFailure(seed, at, message, cause)
    }
    this.episodes += 1
  }

  #feed(victim: Victim, message: Uint8Array): void {
    this.frames += 1
    const frame = this.#decoded(message)
    if (frame === undefined) return
    this.kinds[frame.kind] = (this.kinds[frame.kind] ?? 0) + 1
    for (const phase of victim.phases) this.phases[phase] = (this.phases[phase] ?? 0) + 1
    try {
      victim.hear(frame, message.length)
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault
      this.faults[fault.code] = (this.faults[fault.code] ?? 0) + 1
      victim.faulted(fault)
    }
  }

  /** The frame, which says exactly these bytes; undefined when it was refused as malformed. */
  #decoded(message: Uint8Array): Frame | undefined {
    let frame: Frame
    try {
      frame = decode(message.slice())
    } catch (fault) {
      if (!(fault instanceof Fault) || fault.code !== 'frame_malformed') throw fault
      this.malformed += 1
      return undefined
    }
    const again = encode(frame)
    const isSame =
      again.length === message.length && again.every((byte, at) => byte === message[at])
    if (!isSame) throw new Error('a frame was read that is not written so')
    return frame
  }
}
