/**
 * The building blocks of configuration schemas: zod types that read written values.
 *
 * Invariant: each of them takes text only and gives the parsed value, so that nothing behind the
 * schema parses again; each says what it wants in its JSON Schema, for editors.
 */
import { z } from 'zod'
import { isName, parseServiceName } from '../../identity.ts'
import {
  formatDuration,
  formatSize,
  isHostName,
  type Reading,
  readDuration,
  readHostPort,
  readListenAddress,
  readNetwork,
  readSize,
} from './values.ts'

/** A JSON Schema (draft-07), as far as this program reads its own. */
export interface JsonSchema {
  readonly type?: string
  readonly format?: string
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | false
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

/** What an editor is told of a text. */
interface TextMeta {
  readonly description?: string
  readonly examples?: string[]
  readonly pattern?: string
  readonly format?: string
}

/** The draft-07 schema of what a person writes, for editors and for `--schema`. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { target: 'draft-07', io: 'input' }) as JsonSchema
}

/** Text that `read` turns into a value or refuses with a sentence. */
export function text<Value>(read: (text: string) => Reading<Value>, meta: TextMeta) {
  const written = z.string({
    // A unit is forgotten far more often than a quotation mark, so a number is read as text.
    error: ({ input }) => {
      if (typeof input !== 'number') return undefined
      const reading = read(String(input))
      return 'wrong' in reading ? reading.wrong : undefined
    },
  })
  return written.meta({ ...meta }).transform((input, context): Value => {
    const reading = read(input)
    if ('value' in reading) return reading.value
    context.addIssue({ code: 'custom', message: reading.wrong })
    return z.NEVER
  })
}

/** A duration between two others, all written as `90s`; its value is in milliseconds. */
export function duration(least: string, most: string) {
  return text((input) => between(readDuration, formatDuration, input, least, most), {
    pattern: '^[0-9]+(ms|s|m|h|d)$',
    examples: ['500ms', '90s', '7d'],
  })
}

/** A size between two others, all written as `64KiB`; its value is in bytes. */
export function size(least: string, most: string) {
  return text((input) => between(readSize, formatSize, input, least, most), {
    pattern: '^[0-9]+(B|kB|MB|GB|KiB|MiB|GiB)$',
    examples: ['64KiB', '10MB'],
  })
}

/** A whole number between two others. */
export function count(least: number, most: number) {
  return z.int().min(least).max(most)
}

/** `0.0.0.0:443` or `[::1]:443`: where a process listens. */
export function listenAddress() {
  return text(readListenAddress, { examples: ['0.0.0.0:443', '[::1]:443'] })
}

/** `127.0.0.1:1883` or `ldap.plant.internal:389`: what an agent dials. */
export function targetAddress() {
  return text((input) => readHostPort(input), { examples: ['127.0.0.1:1883'] })
}

/** `10.0.0.0/8`. */
export function network() {
  return text(readNetwork, { examples: ['10.0.0.0/8', 'fd00::/8'] })
}

/** A path; relative to the file, or in a flag or variable to the working directory. */
export function filePath() {
  return text<string>(
    (input) =>
      input === '' || input.includes('\0') ? { wrong: 'a path is missing' } : { value: input },
    { format: 'path' },
  )
}

/** The name of an agent or of one service: `plant-1`. */
export function name() {
  return text((input) => (isName(input) ? { value: input } : { wrong: objectionToName(input) }), {
    examples: ['plant-1'],
  })
}

/** The DNS name under which a relay is reached and certified; it is its identity's name too. */
export function hostName() {
  return text(
    (input) =>
      isHostName(input) && isName(input)
        ? { value: input }
        : { wrong: `"${input}" is not the name of a host: lower case, at most 63 characters` },
    { examples: ['relay.example.com'] },
  )
}

/** Agent and service: `plant-1/mqtt`. */
export function serviceName() {
  return text(
    (input) =>
      parseServiceName(input) === undefined
        ? { wrong: `"${input}" is not written as agent/service, as in plant-1/mqtt` }
        : { value: input },
    { examples: ['plant-1/mqtt'] },
  )
}

function objectionToName(input: string): string {
  return `"${input}" is not a name: 1 to 63 of a-z, 0-9, ".", "_" and "-", a letter or digit first`
}

function between(
  read: (text: string) => Reading<number>,
  format: (value: number) => string,
  input: string,
  least: string,
  most: string,
): Reading<number> {
  const [reading, lower, upper] = [read(input), read(least), read(most)]
  if ('wrong' in reading || 'wrong' in lower || 'wrong' in upper) return reading
  if (reading.value >= lower.value && reading.value <= upper.value) return reading
  return { wrong: `${format(reading.value)} is not between ${least} and ${most}` }
}
