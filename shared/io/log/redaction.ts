/**
 * What of a value may stand in a log: everything that is no secret, in bounded size.
 *
 * Invariant: private keys, passwords and tokens never come through, wherever they stand: by the
 * name of their field, and by how they look inside other text. It is the second fence; the first
 * is not to log them.
 */

/** What a log line is made of. */
export type LogValue =
  | string
  | number
  | boolean
  | null
  | readonly LogValue[]
  | { readonly [name: string]: LogValue }

/** The longest text that is logged, in characters. */
export const textCharactersMax = 2_000
/** The most entries of a list or an object. */
export const entriesMax = 32
/** How deep lists, objects and causes go. */
export const depthMax = 4

/** Fields that hold a secret whatever they hold, by the end of their name. */
const secretName = /(?:authorization|cookies?|password|passphrase|secret|token|private[-_]?key)$/i

/** Secrets that are known by how they look. */
const secretTexts: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [
    /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
    '[private key]',
  ],
  [/\b(authorization|cookie)(["']?\s*[:=]\s*)[^\r\n]+/gi, '$1$2[redacted]'],
  [/\b(Basic|Bearer|Digest|Negotiate)\s+[\w+/=.~-]{6,}/gi, '$1 [redacted]'],
  [/\b(spi\d+_)[\w.-]+/g, '$1[redacted]'],
  [/:\/\/[^\s/@]+@/g, '://[redacted]@'],
]

/** The value without its secrets, cut to size; undefined for what has no place in a log. */
export function harmless(value: unknown, name = '', depth = 0): LogValue | undefined {
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol') {
    return undefined
  }
  if (secretName.test(name)) return '[redacted]'
  if (typeof value === 'string') return harmlessText(value)
  if (typeof value === 'boolean' || value === null) return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  return typeof value === 'object' ? harmlessObject(value, depth) : String(value as number | bigint)
}

/** The text without its secrets, cut to size. */
export function harmlessText(text: string): string {
  // Cut first: an expression over megabytes would hold up everything else.
  let clean = text.slice(0, 8 * textCharactersMax)
  for (const [pattern, instead] of secretTexts) clean = clean.replace(pattern, instead)
  return clean.length > textCharactersMax ? `${clean.slice(0, textCharactersMax)}…` : clean
}

function harmlessObject(value: object, depth: number): LogValue | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (depth >= depthMax) return '[deeper]'
  if (value instanceof Error) return harmlessError(value, depth)
  if (Array.isArray(value)) {
    return value.slice(0, entriesMax).map((entry) => harmless(entry, '', depth + 1) ?? null)
  }
  // Instances hold more than they show: keys, sockets, whole connections.
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return `[${value.constructor.name}]`
  return harmlessFields(Object.entries(value), depth)
}

function harmlessFields(entries: readonly (readonly [string, unknown])[], depth: number): LogValue {
  const fields: [string, LogValue][] = []
  for (const [name, entry] of entries.slice(0, entriesMax)) {
    const clean = harmless(entry, name, depth + 1)
    if (clean !== undefined) fields.push([harmlessText(name), clean])
  }
  // fromEntries defines and does not assign: a field named __proto__ is only a field (W8).
  return Object.fromEntries(fields)
}

/** Type, code, message and causes: other properties of errors hold whole certificates and URLs. */
function harmlessError(error: Error, depth: number): LogValue {
  const code: unknown = 'code' in error ? error.code : undefined
  return harmlessFields(
    Object.entries({ type: error.name, code, message: error.message, cause: error.cause }),
    depth,
  )
}
