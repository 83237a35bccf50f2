/**
 * The report of a run as a table for people.
 *
 * Invariant: everything that was counted is in it, and numbers stand under each other.
 */
import { phases } from './coverage.ts'
import { faultKinds } from './faults.ts'
import type { Numbers } from './report.ts'

/** The whole report; the last line ends with a line feed. */
export function tableOf(numbers: Numbers): string {
  const { worlds, streams, cleanEnds, cuts, droppedFrames, virtualMs } = numbers
  const totals: readonly Row[] = [
    ['seeds', number(worlds)],
    ['streams', number(streams)],
    ['clean ends', number(cleanEnds)],
    ['cuts', number(cuts)],
    ['frames dropped', number(droppedFrames)],
    ['virtual time', `${number(Math.round(virtualMs / 60_000))} min`],
  ]
  const faults = faultKinds.map((kind) => [
    kind,
    number(numbers.kinds[kind] ?? 0),
    ...phases.map((phase) => number(numbers.hits[kind]?.[phase] ?? 0)),
  ])
  const struck: readonly string[] = faultKinds
  const others = Object.entries(numbers.kinds)
    .filter(([kind]) => !struck.includes(kind))
    .map(([kind, times]) => [kind, number(times)])
  const codes = Object.entries(numbers.codes).map(([code, times]) => [code, number(times)])
  const sections = [
    aligned(totals),
    aligned([['fault', 'times', ...phases], ...faults]),
    aligned([['what else happened', 'times'], ...sorted(others)]),
    aligned([['sockets ended with', 'times'], ...sorted(codes)]),
  ]
  return sections.join('\n')
}

/** A number with its thousands apart. */
export function number(value: number): string {
  return value.toLocaleString('en')
}

type Row = readonly string[]

function sorted(rows: readonly Row[]): readonly Row[] {
  return [...rows].sort(([one = ''], [other = '']) => (one < other ? -1 : 1))
}

/** The first column stands to the left, all others to the right. */
function aligned(rows: readonly Row[]): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length)
  }
  const line = (row: Row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd()
  return rows.map((row) => `${line(row)}\n`).join('')
}
