/**
 * What happened in the worlds of a run, so that a run which tested nothing is seen.
 *
 * Invariant: reports add up: the report of two runs is the sum of their numbers.
 */
import type { Phase } from '../../shared/protocol/life.ts'

export class Report {
  worlds = 0
  streams = 0
  cleanEnds = 0
  cuts = 0
  droppedFrames = 0
  virtualMs = 0
  /** Faults by kind. */
  kinds: Record<string, number> = {}
  /** How often each kind of fault met an end in each phase. */
  hits: Record<string, Record<string, number>> = {}
  /** How the ends of streams ended, by code. */
  codes: Record<string, number> = {}

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
  add(other: Report): void {
    this.worlds += other.worlds
    this.streams += other.streams
    this.cleanEnds += other.cleanEnds
    this.cuts += other.cuts
    this.droppedFrames += other.droppedFrames
    this.virtualMs += other.virtualMs
    sum(this.kinds, other.kinds)
    sum(this.codes, other.codes)
    for (const [kind, row] of Object.entries(other.hits)) {
      this.hits[kind] = this.hits[kind] ?? {}
      sum(this.hits[kind], row)
    }
  }
}

function sum(into: Record<string, number>, from: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(from)) into[name] = (into[name] ?? 0) + value
}
