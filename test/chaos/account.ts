/**
 * What a run of chaos met, and what it cost.
 *
 * Invariant: nothing that was lost or wrong is left out, and each has a line that says where; a
 * bound that was not kept is as bad as a loss.
 */
import { Memory } from './memory.ts'
import type { TransferEnd } from './transfers.ts'
import type { Telling } from './witness.ts'

/** How many of what went wrong are told in full. */
const storiesMax = 20
/** A pause that long is no matter of two beats that came late. */
const feltMs = 60
/** Within this a dead path is noticed: the liveness time, and room for a busy machine. */
const noticedMsMax = 10_000 + 1_000
/** Within this of a relay's return the streams that it has forgotten have ended. */
const toldMsMax = 2_000

/** One fault that is over. */
export interface FaultEnd {
  readonly name: string
  /** Carriers that it has cut for certain. */
  readonly cuts: number
  /** From the path's return until a new beat came through, if one did. */
  readonly recoveryMs: number | undefined
  /** The longest time without a beat, from before the fault on. */
  readonly pauseMs: number
}

export class Account {
  readonly memory = new Memory()
  readonly #faults = new Map<string, FaultEnd[]>()
  readonly #noticedMs: number[] = []
  readonly #undisturbedMs: number[] = []
  readonly #tellings: Telling[] = []
  readonly #stories: string[] = []
  #whole = 0
  #bytes = 0
  #lost = 0
  #wrong = 0
  #told = 0
  #refused = 0

  get faults(): number {
    return this.#all.length
  }

  /** Carriers that were cut for certain. */
  get cuts(): number {
    return this.#all.reduce((sum, { cuts }) => sum + cuts, 0)
  }

  /** Nothing was lost, nothing wrong, and every bound was kept. */
  get isClean(): boolean {
    return this.#lost === 0 && this.#wrong === 0 && this.#broken().length === 0
  }

  fault(end: FaultEnd): void {
    this.#faults.set(end.name, [...(this.#faults.get(end.name) ?? []), end])
    if (end.recoveryMs === undefined) this.lost(`no beat came through after ${end.name}`)
  }

  /** How long a beat took before a fault: what a recovery is held against. */
  undisturbed(tookMs: number): void {
    this.#undisturbedMs.push(tookMs)
  }

  /** A dead path was noticed at an end that heard nothing after so long, or was not. */
  noticed(afterMs: number | undefined): void {
    this.#noticedMs.push(afterMs ?? Number.POSITIVE_INFINITY)
  }

  /** A transfer is over. `mayEnd` when a relay ended that it had as its own way in. */
  transfer(end: TransferEnd, mayEnd: boolean, where: string): void {
    if (end.kind === 'whole') {
      this.#whole += 1
      this.#bytes += end.bytes
    } else if (end.kind === 'wrong') this.wrong(`${end.reason}, ${where}`)
    else if (end.kind === 'refused') this.#refused += 1
    else if (mayEnd) this.told()
    else this.lost(`${end.reason}, ${where}`)
  }

  /** A stream ended with its relay, and its consumer was told so. */
  told(): void {
    this.#told += 1
  }

  /** What the witnesses saw of a relay's end. */
  telling(telling: Telling): void {
    this.#tellings.push(telling)
    const { pairs, reasons, untold } = telling
    if (untold > 0) this.lost(`${untold} of ${pairs} streams did not hear that their relay ended`)
    const bare = pairs - reasons.length
    if (bare > 0) this.lost(`${bare} of ${pairs} streams ended without a reason in the agent's log`)
  }

  lost(story: string): void {
    this.#lost += 1
    this.#tell(`lost: ${story}`)
  }

  wrong(story: string): void {
    this.#wrong += 1
    this.#tell(`wrong: ${story}`)
  }

  /** One line while it runs. */
  get line(): string {
    return (
      `${this.faults} faults, ${this.cuts} carriers cut, ${this.#whole} transfers, ` +
      `${megabytes(this.#bytes)}, ${this.#lost} lost, ${this.#wrong} wrong, ${this.memory.now}`
    )
  }

  /** The whole report; the last line ends with a line feed. */
  report(rows: readonly (readonly [what: string, figure: string])[], seconds: number): string {
    const felt = this.#all.filter(({ pauseMs }) => pauseMs >= feltMs)
    const kinds = [...this.#faults].map(([name, ends]) => {
      const pauses = ends.map(({ pauseMs }) => pauseMs)
      const longest = `longest pause ${ms(Math.max(...pauses))}`
      const figures = `recovery ${spread(recoveries(ends))}; ${longest}`
      return [`fault ${name}`, `${ends.length}, ${figures}`] as const
    })
    const table: readonly (readonly [string, string])[] = [
      ...kinds,
      ['faults', `${this.faults} in ${Math.round(seconds)} s`],
      ['carriers cut', String(this.cuts)],
      ['transfers', `${this.#whole}, ${megabytes(this.#bytes)}`],
      ['recovery', spread(recoveries(this.#all))],
      ['  where it was felt', `${spread(recoveries(felt))}, of ${felt.length}`],
      ['  a beat without a fault', spread(this.#undisturbedMs)],
      ['dead paths noticed', noticedText(this.#noticedMs)],
      ...tellingRows(this.#tellings),
      ...rows,
      ['memory', this.memory.text],
      ['ended with their relay', String(this.#told)],
      ['refused before they began', String(this.#refused)],
      ['streams lost', String(this.#lost)],
      ['bytes wrong', String(this.#wrong)],
    ]
    const width = Math.max(...table.map(([what]) => what.length)) + 2
    const lines = table.map(([what, figure]) => `${what.padEnd(width)}${figure}`)
    return `${[...lines, ...this.#broken(), ...this.#stories].join('\n')}\n`
  }

  get #all(): readonly FaultEnd[] {
    return [...this.#faults.values()].flat()
  }

  /** The bounds that were not kept. */
  #broken(): readonly string[] {
    const latest = Math.max(0, ...this.#noticedMs)
    const told = Math.max(0, ...this.#tellings.map(({ targetMs }) => targetMs))
    return [
      ...(latest > noticedMsMax ? [`broken: a dead path was noticed after ${ms(latest)}`] : []),
      ...(told > toldMsMax ? [`broken: a stream heard ${ms(told)} after its relay's return`] : []),
      ...this.memory.broken,
    ]
  }

  #tell(story: string): void {
    if (this.#stories.length < storiesMax) this.#stories.push(story)
  }
}

function recoveries(ends: readonly FaultEnd[]): readonly number[] {
  return ends.flatMap(({ recoveryMs }) => recoveryMs ?? [])
}

/** `median 20 ms, 99 % 80 ms, longest 90 ms`. */
function spread(times: readonly number[]): string {
  if (times.length === 0) return 'none'
  const sorted = times.toSorted((one, other) => one - other)
  const at = (part: number): string => ms(sorted[Math.floor(part * (sorted.length - 1))] ?? 0)
  return `median ${at(0.5)}, 99 % ${at(0.99)}, longest ${at(1)}`
}

function noticedText(times: readonly number[]): string {
  const seen = times.filter(Number.isFinite)
  const missed = times.length - seen.length
  return `${spread(seen)}, of ${times.length}${missed > 0 ? `; ${missed} never` : ''}`
}

/** What streams at the own ports of a relay heard of its end. */
function tellingRows(tellings: readonly Telling[]): readonly (readonly [string, string])[] {
  if (tellings.length === 0) return []
  const sum = (of: (telling: Telling) => number): number =>
    tellings.reduce((total, telling) => total + of(telling), 0)
  const streams = sum(({ pairs }) => pairs)
  const codes = tellings.flatMap(({ reasons }) => reasons)
  const why = [...new Set(codes)].map((code) => {
    return `${codes.filter((one) => one === code).length} ${code}`
  })
  return [
    [
      'relays ended',
      `${tellings.length}, with ${streams} streams: ${why.join(', ') || 'no reason'}`,
    ],
    ["  consumers' resets", `${spread(tellings.map((one) => one.consumerMs))} after its end`],
    ["  targets' resets", `${spread(tellings.map((one) => one.targetMs))} after its return`],
  ]
}

function ms(time: number): string {
  return `${Math.round(time)} ms`
}

function megabytes(bytes: number): string {
  return `${Math.round(bytes / 1e6)} MB`
}
