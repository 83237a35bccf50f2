/**
 * Turns what zod finds into sentences for people, each with the path that it is about.
 *
 * Invariant: a sentence names what was written, what was wanted, and where there is one the word
 * that was probably meant; no word of zod's or JavaScript's own reaches the reader.
 */
import type { z } from 'zod'
import { nearestWord } from '../../spelling.ts'
import type { Path } from './document.ts'
import type { JsonSchema } from './schema.ts'

/** One fault and the path of what it is about; `at` a key when the key itself is wrong. */
export interface Complaint {
  readonly path: Path
  readonly at: 'key' | 'value'
  readonly message: string
}

/** How the parts of a file are called: `{ policy: 'rule' }` makes `policy[0]` "rule 1". */
export type Nouns = Readonly<Record<string, string>>

type Issue = z.core.$ZodIssue

/** A complaint, and the key that is absent, or that an unknown one was meant to be. */
interface Finding extends Complaint {
  readonly absent?: string
  readonly meant?: string
}

/** All complaints of one failed parse; a key is not missing where a misspelling of it stands. */
export function complaintsOf(
  issues: readonly Issue[],
  schema: JsonSchema,
  nouns: Nouns,
): readonly Complaint[] {
  const findings = issues.flatMap((issue) => findingsOf(issue, [], schema, nouns))
  const meant = new Set(findings.map((finding) => finding.meant))
  return findings
    .filter(({ absent }) => absent === undefined || !meant.has(absent))
    .map(({ path, at, message }) => ({ path, at, message }))
}

/** A path as people say it: `rule 1, from`, `service plant-1/mqtt, tcp`, `limits.streamsMax`. */
export function describePath(path: Path, nouns: Nouns): string {
  const [first, second, ...rest] = path
  const noun = nouns[String(first)]
  if (noun === undefined || second === undefined) return path.filter(isText).join('.')
  const which = typeof second === 'number' ? second + 1 : second
  const inner = rest.filter(isText).join('.')
  return inner === '' ? `${noun} ${which}` : `${noun} ${which}, ${inner}`
}

function findingsOf(issue: Issue, outer: Path, schema: JsonSchema, nouns: Nouns): Finding[] {
  const path = [...outer, ...issue.path.filter((part) => typeof part !== 'symbol')]
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, path, schema, nouns))
    case 'invalid_union':
      return branch(issue).flatMap((inner) => findingsOf(inner, path, schema, nouns))
    case 'invalid_key': {
      const message = issue.issues[0]?.message ?? 'not a key that is allowed here'
      return [{ path, at: 'key', message }]
    }
    default:
      return [missing(issue, path, nouns) ?? wrongValue(issue, path, nouns)]
  }
}

/**
 * The alternative that was meant: the one of the kind that was written, or else one that a mapping
 * never means, nor text.
 */
function branch(issue: Extract<Issue, { readonly code: 'invalid_union' }>): readonly Issue[] {
  const isOfKind = (issues: readonly Issue[]): boolean =>
    !issues.some((inner) => inner.path.length === 0 && inner.code === 'invalid_type')
  const sameKind = issue.errors.find(isOfKind)
  if (sameKind !== undefined) return sameKind
  const unmeant = isMapping(issue.input) ? 'string' : 'object'
  const isMeant = (issues: readonly Issue[]): boolean =>
    !issues.some(
      (inner) =>
        inner.path.length === 0 && inner.code === 'invalid_type' && inner.expected === unmeant,
    )
  return issue.errors.find(isMeant) ?? issue.errors[0] ?? []
}

function missing(issue: Issue, path: Path, nouns: Nouns): Finding | undefined {
  if (issue.input !== undefined || path.length === 0) return undefined
  const around = path.slice(0, -1)
  const message = `missing "${path.at(-1)}"${within(around, nouns)}`
  const absent = JSON.stringify(path)
  return { path: around, at: around.length === 0 ? 'value' : 'key', message, absent }
}

function wrongValue(issue: Issue, path: Path, nouns: Nouns): Complaint {
  const what = describePath(path, nouns)
  const sentence = say(issue)
  return { path, at: 'value', message: what === '' ? sentence : `${what}: ${sentence}` }
}

/** The sentence about a value; a schema's own words come first. */
function say(issue: Issue): string {
  if (issue.message !== '') return issue.message
  switch (issue.code) {
    case 'invalid_type': {
      const wanted = kinds[issue.expected] ?? 'another kind of value'
      const hint = issue.input === null ? emptyHint[wanted] : undefined
      return `${kindOf(issue.input)} stands where ${wanted} is expected${hint ?? ''}`
    }
    case 'invalid_value': {
      const known = issue.values.map(String)
      const guess = guessOf(String(issue.input), known)
      return `"${String(issue.input)}" is not one of ${known.join(', ')}${guess}`
    }
    case 'too_small':
      if (issue.origin === 'number' || issue.origin === 'int') {
        return `${String(issue.input)} is less than ${issue.minimum}`
      }
      return 'at least one entry is expected'
    case 'too_big':
      if (issue.origin === 'array') return `at most ${issue.maximum} entries are expected`
      return `${String(issue.input)} is more than ${issue.maximum}`
    default:
      return 'not allowed here'
  }
}

function unknownKey(key: string, around: Path, schema: JsonSchema, nouns: Nouns): Finding {
  const known = keysAt(schema, around)
  const guess = nearestWord(key, known)
  const unknown = `unknown key "${key}"${within(around, nouns)}`
  const finding = { path: [...around, key], at: 'key', message: unknown } as const
  if (guess !== undefined) {
    const message = `${unknown}; did you mean "${guess}"?`
    return { ...finding, message, meant: JSON.stringify([...around, guess]) }
  }
  return known.length === 0
    ? finding
    : { ...finding, message: `${unknown}; known here: ${known.join(', ')}` }
}

/** The keys that the schema knows below this path. */
export function keysAt(schema: JsonSchema, path: Path): readonly string[] {
  const [first, ...rest] = path
  const branches = schema.anyOf ?? [schema]
  return branches.flatMap((one) => {
    if (first === undefined) return Object.keys(one.properties ?? {})
    const { items, additionalProperties } = one
    const inner =
      typeof first === 'number' ? items : (one.properties?.[first] ?? additionalProperties)
    return inner ? keysAt(inner, rest) : []
  })
}

/** `; did you mean "from"?`, or nothing. */
export function guessOf(word: string, known: Iterable<string>): string {
  const guess = nearestWord(word, known)
  return guess === undefined ? '' : `; did you mean "${guess}"?`
}

function within(path: Path, nouns: Nouns): string {
  return path.length === 0 ? '' : ` in ${describePath(path, nouns)}`
}

const kinds: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
}

const emptyHint: Readonly<Record<string, string>> = {
  'a mapping': '; an empty one is {}',
  'a list': '; an empty one is []',
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a mapping'
  return typeof value === 'string' ? `the text "${value}"` : String(value as number | boolean)
}

function isMapping(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(part: string | number): part is string {
  return typeof part === 'string'
}
