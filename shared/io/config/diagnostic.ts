/**
 * What is wrong with a configuration, told so that a person finds the place at once.
 *
 *     relay.yaml:13:5  unknown key "form" in rule 1; did you mean "from"?
 *       13 |     form: [10.0.0.0/8]
 *          |     ^^^^
 *
 * Invariant: one report names every fault of its file, and no control character of the file
 * reaches the terminal.
 */
import { Fault } from '../../protocol/fault.ts'

/** Where something stands in a file; line and column count from 1. */
export interface Place {
  readonly line: number
  readonly column: number
  /** How many columns of the line are meant. */
  readonly length: number
  /** The whole line. */
  readonly excerpt: string
}

/** One thing that is wrong. `source` is the file as the user named it, a flag or a variable. */
export interface Diagnostic {
  readonly source: string
  readonly place?: Place
  readonly message: string
}

/** `config_invalid` with all that is wrong; `message` is the report. */
export class ConfigFault extends Fault {
  readonly diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[]) {
    const sorted = diagnostics.toSorted(byPlace)
    super('config_invalid', report(sorted))
    this.diagnostics = sorted
  }
}

/** The most faults that one report spells out; a broken file can hold thousands. */
export const reportedMax = 25

const columnsShown = 90

function report(diagnostics: readonly Diagnostic[]): string {
  const shown = diagnostics.slice(0, reportedMax).map(describe)
  const rest = diagnostics.length - shown.length
  return [...shown, ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n')
}

function describe({ source, place, ...told }: Diagnostic): string {
  const message = printable(told.message)
  if (place === undefined) return `${source}  ${message}`
  const { line, column, length, excerpt } = place
  // A long line is cut in front, so that the caret is always in sight.
  const cut = column > columnsShown / 2 ? column - 1 - Math.floor(columnsShown / 2) : 0
  const text = printable(excerpt.slice(cut, cut + columnsShown))
  const caret = '^'.repeat(Math.max(1, Math.min(length, text.length - (column - 1 - cut))))
  const margin = ' '.repeat(String(line).length)
  return [
    `${source}:${line}:${column}  ${message}`,
    `  ${line} | ${text}`,
    `  ${margin} | ${' '.repeat(column - 1 - cut)}${caret}`,
  ].join('\n')
}

/** The text with each control character, tabs too, as one visible column. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (character) => (character === '\t' ? ' ' : '·'))
}

function byPlace(one: Diagnostic, other: Diagnostic): number {
  const [a, b] = [one.place, other.place]
  if (a === undefined || b === undefined) return Number(a !== undefined) - Number(b !== undefined)
  return a.line - b.line || a.column - b.column
}
