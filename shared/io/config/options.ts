/**
 * The options that a flag or an environment variable may set over the file.
 *
 * Invariant: they are exactly the single values of the schema, so none is documented and unread;
 * a variable that is almost the name of an option is an error, never silence.
 */
import { resolve } from 'node:path'
import { nearestWord } from '../../spelling.ts'
import type { Diagnostic } from './diagnostic.ts'
import type { Path } from './document.ts'
import type { JsonSchema } from './schema.ts'

/** One option: `limits.park`, `--limits-park`, `SALLYPORT_LIMITS_PARK`. */
export interface Option {
  readonly name: string
  readonly path: readonly string[]
  readonly flag: string
  readonly variable: string
  readonly description: string
  readonly kind: 'text' | 'path' | 'number'
}

/** Where overrides come from; a flag goes by the option's `name`. */
export interface Overrides {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly flags?: Readonly<Record<string, string | undefined>>
}

/** The file's value with the overrides in it, and which flag or variable has set which path. */
export interface Overridden {
  readonly value: unknown
  readonly setBy: (path: Path) => string | undefined
}

const prefix = 'SALLYPORT_'

/** Every option of the schema, in its order. */
export function optionsOf(schema: JsonSchema, path: readonly string[] = []): readonly Option[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, inner]) => {
    const here = [...path, key]
    if (inner.properties !== undefined) return optionsOf(inner, here)
    const kind = kindOf(inner)
    if (kind === undefined) return []
    const words = here.map((part) => part.replaceAll(/[A-Z]/g, (letter) => `_${letter}`)).join('_')
    return {
      name: here.join('.'),
      path: here,
      flag: `--${words.replaceAll('_', '-').toLowerCase()}`,
      variable: prefix + words.toUpperCase(),
      description: inner.description ?? '',
      kind,
    }
  })
}

/** Sets flags over variables over the file. */
export function override(
  fileValue: unknown,
  options: readonly Option[],
  { env = {}, flags = {} }: Overrides,
  report: (diagnostic: Diagnostic) => void,
): Overridden {
  let value: unknown = fileValue ?? {}
  const setBy = new Map<string, string>()
  for (const option of options) {
    const flag = flags[option.name]
    const written = flag ?? env[option.variable]
    if (written === undefined) continue
    value = withValue(value, option.path, readWritten(written, option))
    setBy.set(option.name, flag === undefined ? option.variable : option.flag)
  }
  for (const diagnostic of [...misspelt(options, env), ...unknownFlags(options, flags)]) {
    report(diagnostic)
  }
  return { value, setBy: (path) => setBy.get(path.join('.')) }
}

function misspelt(
  options: readonly Option[],
  env: Readonly<Record<string, unknown>>,
): Diagnostic[] {
  const known = new Set(options.map(({ variable }) => variable))
  return Object.keys(env).flatMap((variable) => {
    if (!variable.startsWith(prefix) || known.has(variable)) return []
    // The prefix is left out of the comparison: it would forgive too many edits.
    const bare = [...known].map((name) => name.slice(prefix.length))
    const guess = nearestWord(variable.slice(prefix.length), bare)
    if (guess === undefined) return []
    const message = `there is no such variable; did you mean "${prefix}${guess}"?`
    return [{ source: variable, message }]
  })
}

function unknownFlags(
  options: readonly Option[],
  flags: Readonly<Record<string, unknown>>,
): Diagnostic[] {
  const known = options.map(({ name }) => name)
  const unknown = Object.keys(flags).filter((flag) => !known.includes(flag))
  return unknown.map((source) => ({ source, message: 'there is no such option' }))
}

function kindOf(schema: JsonSchema): Option['kind'] | undefined {
  switch (schema.type) {
    case 'string':
      return schema.format === 'path' ? 'path' : 'text'
    case 'integer':
      return 'number'
    default:
      // Of a text or a list of such texts, a flag or a variable gives the one.
      return schema.anyOf?.map(kindOf).find((kind) => kind !== undefined)
  }
}

/** A flag's or variable's text as the value that the file would hold. */
function readWritten(written: string, { kind }: Option): unknown {
  switch (kind) {
    case 'text':
      return written
    case 'path':
      return written === '' ? written : resolve(written)
    case 'number':
      return /^-?\d{1,15}$/.test(written) ? Number(written) : written
    default:
      return kind satisfies never
  }
}

/** A copy of the value with one more value in it; what is not a mapping is left for the schema. */
function withValue(value: unknown, [key, ...rest]: readonly string[], inner: unknown): unknown {
  if (key === undefined) return inner
  if (value === undefined) return { [key]: withValue(undefined, rest, inner) }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const mapping = value as Readonly<Record<string, unknown>>
  return { ...mapping, [key]: withValue(mapping[key], rest, inner) }
}
