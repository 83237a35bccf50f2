/**
 * A YAML file as a plain value, in which every key and value still knows its place.
 *
 * Invariant: whatever the file holds, reading it is bounded. It is one document of at most
 * `fileBytesMax` bytes, `depthMax` levels and `nodesMax` nodes, aliases expanded; no key appears
 * twice in a mapping, and none is `__proto__`. Each breach is a diagnostic at its line and column.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument } from 'yaml'
import type { Diagnostic, Place } from './diagnostic.ts'

/** The longest file: stops one that would take the process's memory or minutes to read. */
export const fileBytesMax = 256 * 1024
/** The deepest nesting: stops the stack from overflowing (CVE-2026-33532). */
export const depthMax = 16
/** The most nodes, each alias counted as all that it stands for: stops alias bombs. */
export const nodesMax = 50_000

/** Keys and list positions from the root of the document. */
export type Path = readonly (string | number)[]

/** A parsed file. */
export interface ConfigDocument {
  readonly value: unknown
  /** The line of the value, or undefined when it is not in the file. */
  readonly lineOf: (path: Path) => number | undefined
  /** The place of the value, or of the nearest one around it. */
  readonly placeOf: (path: Path) => Place
  /** The place of the key that leads to the value; of the value itself where it has no key. */
  readonly keyPlaceOf: (path: Path) => Place
}

type Span = readonly [start: number, end: number]

/** Reads the text; `report` is told what is wrong with it, and is never called for a good file. */
export function readDocument(
  source: string,
  text: string,
  report: (diagnostic: Diagnostic) => void,
): ConfigDocument {
  const counter = new LineCounter()
  // The library looks for duplicate keys in quadratic time and for bombs only when asked for
  // plain values, so both are done here.
  const document = parseDocument(text, {
    lineCounter: counter,
    prettyErrors: false,
    uniqueKeys: false,
  })
  const lines = text.split(/\r\n|[\r\n]/)
  const lineAt = (offset: number): string => lines[counter.linePos(offset).line - 1] ?? ''
  const place = ([start, end]: Span): Place => {
    const { line, col } = counter.linePos(start)
    const excerpt = lineAt(start)
    const length = Math.max(1, Math.min(end - start, excerpt.length - col + 1))
    return { line, column: col, length, excerpt }
  }
  const complain = (span: Span, message: string): void =>
    report({ source, place: place(span), message })

  for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
    complain(pos, code === 'RESOURCE_EXHAUSTION' ? tooDeep : explain(message, lineAt(pos[0])))
  }
  if (document.directives?.yaml.explicit === true) {
    complain([0, 1], 'a %YAML directive would change the meaning of words: leave it out')
  }
  const walk = new Walk(complain)
  const hasErrors = document.errors.length > 0
  const value = hasErrors ? undefined : walk.value(document.contents, [], 0)
  return {
    value,
    lineOf: (path) => (walk.holds(path) ? place(walk.keySpanOf(path)).line : undefined),
    placeOf: (path) => place(walk.spanOf(path)),
    keyPlaceOf: (path) => place(walk.keySpanOf(path)),
  }
}

const tooDeep = `nested deeper than ${depthMax} levels`

/** One pass over the syntax tree: builds the plain value and remembers where each part stands. */
class Walk {
  readonly #complain: (span: Span, message: string) => void
  readonly #spans = new Map<string, { readonly key?: Span; readonly value: Span }>()
  readonly #anchors = new Map<string, unknown>()
  #nodes = 0
  #stopped = false

  constructor(complain: (span: Span, message: string) => void) {
    this.#complain = complain
  }

  holds(path: Path): boolean {
    return this.#spans.has(JSON.stringify(path))
  }

  spanOf(path: Path): Span {
    for (let length = path.length; length >= 0; length -= 1) {
      const found = this.#spans.get(JSON.stringify(path.slice(0, length)))
      if (found !== undefined) return found.value
    }
    return [0, 1]
  }

  keySpanOf(path: Path): Span {
    return this.#spans.get(JSON.stringify(path))?.key ?? this.spanOf(path)
  }

  value(node: unknown, path: Path, depth: number, key?: Span): unknown {
    if (this.#stopped) return undefined
    const span = spanOf(node) ?? key ?? [0, 1]
    this.#spans.set(JSON.stringify(path), { ...(key && { key }), value: span })
    this.#nodes += 1
    if (this.#nodes > nodesMax) return this.#stop(span, `more than ${nodesMax} values`)
    if (depth > depthMax) return this.#stop(span, tooDeep)
    if (isAlias(node)) {
      if (this.#anchors.has(node.source)) {
        return this.value(this.#anchors.get(node.source), path, depth + 1, key)
      }
      this.#complain(span, `no anchor &${node.source} stands before this alias`)
      return undefined
    }
    if ((isMap(node) || isSeq(node) || isScalar(node)) && node.anchor !== undefined) {
      this.#anchors.set(node.anchor, node)
    }
    if (isMap(node)) return this.#mapping(node.items, path, depth)
    if (isSeq(node)) {
      return node.items.map((item, index) => this.value(item, [...path, index], depth + 1))
    }
    return isScalar(node) ? node.value : null
  }

  /** A bound is reached: what is left of the file is not looked at. */
  #stop(span: Span, message: string): undefined {
    this.#stopped = true
    this.#complain(span, message)
  }

  #mapping(pairs: readonly Pair[], path: Path, depth: number): Record<string, unknown> {
    const mapping: Record<string, unknown> = {}
    for (const { key: keyNode, value } of pairs) {
      const span = spanOf(keyNode) ?? this.spanOf(path)
      const key = keyOf(keyNode)
      if (key === undefined) this.#complain(span, 'a key is one word of text')
      else if (key === '__proto__') this.#complain(span, '"__proto__" cannot be a key')
      else if (Object.hasOwn(mapping, key)) this.#complain(span, `key "${key}" appears twice`)
      else mapping[key] = this.value(value, [...path, key], depth + 1, span)
    }
    return mapping
  }
}

function keyOf(node: unknown): string | undefined {
  if (!isScalar(node) || node.value === null) return undefined
  return typeof node.value === 'string' ? node.value : node.source
}

function spanOf(node: unknown): Span | undefined {
  if (!(isAlias(node) || isMap(node) || isSeq(node) || isScalar(node))) return undefined
  return node.range ? [node.range[0], node.range[1]] : undefined
}

/** The library's sentence, and the cure where it can be known. */
function explain(message: string, line: string): string {
  const sentence = message.charAt(0).toLowerCase() + message.slice(1)
  const address = /\[[0-9a-fA-F:.]+\]:\d+/.exec(line)?.[0]
  return address === undefined ? sentence : `${sentence}; brackets want quotes: "${address}"`
}
