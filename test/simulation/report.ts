/**
 * What happened in the worlds of a run, so that a run which tested nothing is seen.
 *
 * Invariant: reports add up: the report of two runs is the sum of their numbers. They are plain
 * numbers, which one process may send to another.
 */
import type { Phase } from '../../shared/protocol/life.ts'

type Counts = Readonly<Record<string, number>>

/** The numbers of a report, as they travel between processes. */
export interface Numbers {
  readonly worlds: number
  readonly streams: number
  readonly cleanEnds: number
  /** Carriers that were cut, or went black. */
  readonly cuts: number
  /** Frames that died under way. */
  readonly droppedFrames: number
  readonly virtualMs: number
  /** Everything that is counted, by its name: faults, and what they led to. */
  readonly kinds: Counts
  /** How often each kind of fault met an end in each phase. */
  readonly hits: Readonly<Record<string, Counts>>
  /** How the sockets of streams ended, by code. */
  readonly codes: Counts
}

export class Report implements Numbers {
  worlds = 0
  streams = 0
  cleanEnds = 0
  cuts = 0
  droppedFrames = 0
  virtualMs = 0
  readonly kinds: Record<string, number> = {}
  readonly hits: Record<string, Record<string, number>> = {}
  readonly codes: Record<string, number> = {}

  count(kind: string, times = 1): void {
    this.kinds[kind] = (this.kinds[kind] ?? 0) + times
  }

  /** A fault of this kind, and the phases of the ends that it met. */
  hit(kind: string, phases: readonly Phase[]): void {
    this.count(kind)
    const row = this.hits[kind] ?? {}
    this.hits[kind] = row
    for (const phase of phases) row[phase] = (row[phase] ?? 0) + 1
  }

  ended(code: string): void {
    this.codes[code] = (this.codes[code] ?? 0) + 1
  }

  /** Adds the numbers of another run. */
  add(other: Numbers): void {
    this.worlds += other.worlds
    this.streams += other.streams
    this.cleanEnds += other.cleanEnds
    this.cuts += other.cuts
    this.droppedFrames += other.droppedFrames
    this.virtualMs += other.virtualMs
    sum(this.kinds, other.kinds)
    sum(this.codes, other.codes)
    for (const [kind, row] of Object.entries(other.hits)) {
      const own = this.hits[kind] ?? {}
      this.hits[kind] = own
      sum(own, row)
    }
  }
}

function sum(into: Record<string, number>, from: Counts): void {
  for (const [name, value] of Object.entries(from)) into[name] = (into[name] ?? 0) + value
}
