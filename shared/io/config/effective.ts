/**
 * The configuration as it is in force, each value with where it comes from.
 *
 *     listen: 0.0.0.0:443  # relay.yaml:3
 *     limits:
 *       resumeWindow: 90s  # default
 *
 * Invariant: it is itself a file that loads, and means the same.
 */
import { Document, isScalar, type Node, type Pair, Scalar, YAMLMap } from 'yaml'
import type { Path } from './document.ts'
import type { JsonSchema } from './schema.ts'

/** What was written, by whomever, and where: all that is needed to show a configuration. */
export interface Origin {
  /** The file as the user named it. */
  readonly file: string
  readonly schema: JsonSchema
  /** The file's value with flags and variables set over it. */
  readonly written: unknown
  /** `relay.yaml:3`, `--listen` or `SALLYPORT_LISTEN`. */
  readonly sourceOf: (path: Path) => string
}

/** The text for `--check --print`. */
export function describeEffective({ origin }: { readonly origin: Origin }): string {
  const document = new Document()
  document.contents = mapping(document, origin, origin.schema, origin.written, [])
  return document.toString({ lineWidth: 0 })
}

function mapping(
  document: Document,
  origin: Origin,
  schema: JsonSchema,
  written: unknown,
  path: Path,
): YAMLMap {
  const map = new YAMLMap()
  for (const [key, inner] of Object.entries(schema.properties ?? {})) {
    const value = valueAt(written, key)
    const here = [...path, key]
    const source = value === undefined ? 'default' : origin.sourceOf(here)
    const shown = value ?? inner.default
    if (inner.properties !== undefined) {
      map.set(key, mapping(document, origin, inner, value, here))
    } else if (shown !== undefined) {
      map.add(commented(document.createPair(key, shown), source))
    }
  }
  return map
}

/** One value has its source behind it; a whole list or mapping has it in front. */
function commented(pair: Pair, source: string): Pair {
  const [key, value] = [pair.key, pair.value as Node]
  if (isScalar(value)) value.comment = ` ${source}`
  else if (key instanceof Scalar) key.commentBefore = ` ${source}`
  return pair
}

function valueAt(around: unknown, key: string): unknown {
  if (typeof around !== 'object' || around === null) return undefined
  return Object.hasOwn(around, key) ? (around as Readonly<Record<string, unknown>>)[key] : undefined
}
