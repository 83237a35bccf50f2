/**
 * The resident memory of all processes of a run together, over time.
 *
 * Invariant: only whole looks are kept, with every process in them; a run that is long enough is
 * judged, and what is compared are medians, so that no moment decides.
 */
import { residentBytes } from '../support/memory.ts'

const minuteMs = 60_000
/** What the end is held against: by then everything is compiled, and every buffer was full once. */
const earlyMs = 5 * minuteMs
/** A shorter run says nothing of a leak. */
const judgedMs = 10 * minuteMs
const growthPercentMax = 10
/** How much of a run each of the two figures is taken from. */
const aroundMs = minuteMs

interface Sample {
  readonly atMs: number
  readonly bytes: number
}

export class Memory {
  readonly #samples: Sample[] = []

  /** Looks at these processes; a look at one that has just ended is none. */
  sample(atMs: number, pids: readonly number[]): void {
    try {
      const bytes = pids.reduce((sum, pid) => sum + residentBytes(pid), 0)
      this.#samples.push({ atMs, bytes })
    } catch {
      // Between two lives of a relay.
    }
  }

  get now(): string {
    return `${megabytes(this.#samples.at(-1)?.bytes ?? 0)} resident`
  }

  get text(): string {
    const peak = Math.max(0, ...this.#samples.map(({ bytes }) => bytes))
    const { growth } = this
    if (growth === undefined) return `${megabytes(peak)} at most; a growth shows after 10 minutes`
    const { early, end, percent } = growth
    return (
      `${megabytes(early)} after 5 minutes, ${megabytes(end)} at the end ` +
      `(${percent < 0 ? '' : '+'}${percent.toFixed(1)} %), ${megabytes(peak)} at most`
    )
  }

  /** The bound, if it was not kept. */
  get broken(): readonly string[] {
    const percent = this.growth?.percent ?? 0
    if (percent <= growthPercentMax) return []
    return [`broken: memory has grown by more than ${growthPercentMax} % since minute 5`]
  }

  get growth():
    | { readonly early: number; readonly end: number; readonly percent: number }
    | undefined {
    const lastMs = this.#samples.at(-1)?.atMs ?? 0
    if (lastMs < judgedMs) return undefined
    const early = this.#median(earlyMs, earlyMs + aroundMs)
    const end = this.#median(lastMs - aroundMs, lastMs)
    return { early, end, percent: (end / early - 1) * 100 }
  }

  #median(fromMs: number, toMs: number): number {
    const bytes = this.#samples
      .filter(({ atMs }) => atMs >= fromMs && atMs <= toMs)
      .map((sample) => sample.bytes)
      .toSorted((one, other) => one - other)
    return bytes[bytes.length >> 1] ?? Number.NaN
  }
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}
