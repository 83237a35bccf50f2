/**
 * Loads one configuration file: flag over environment over file over default.
 *
 * Invariant: a configuration is whole or it is not there. Whatever is wrong, one `config_invalid`
 * names every place of it; no key is skipped, no value guessed, and nothing is changed on the way.
 *
 * The way of a file: bytes (bounded) → `document` (a value that knows its places) → `options` (the
 * overrides) → a zod schema → `check`, for what only the whole can show → `effective`, to show it.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { z } from 'zod'
import { Fault } from '../protocol/fault.ts'
import { type Complaint, complaintsOf, describePath, type Nouns } from './config/complaint.ts'
import { ConfigFault, type Diagnostic } from './config/diagnostic.ts'
import { fileBytesMax, type Path, readDocument } from './config/document.ts'
import type { Origin } from './config/effective.ts'
import { type Overrides, optionsOf, override } from './config/options.ts'
import { jsonSchemaOf } from './config/schema.ts'

/** What to load: the file, and what may be set over it. */
export interface ConfigSource extends Overrides {
  readonly file: string
}

/** Tells `check` where things stand, and takes what it finds. */
export interface CheckContext {
  /** The line of the value in the file; undefined when it is not in force from there. */
  readonly lineOf: (path: Path) => number | undefined
  /** Reports a fault of the value at this path, or of the key that leads to it. */
  readonly complain: (path: Path, message: string, at?: Complaint['at']) => void
}

/** A kind of configuration file. */
export interface ConfigFormat<Schema extends z.ZodType> {
  readonly schema: Schema
  readonly nouns: Nouns
  /** The command to name when there is no file yet. */
  readonly starter: string
  /** What only the whole can show; runs when every single value is good. */
  readonly check: (value: z.output<Schema>, context: CheckContext) => void
}

/** A configuration that is good. */
export interface LoadedConfig<Value> {
  readonly value: Value
  readonly origin: Origin
  readonly lineOf: CheckContext['lineOf']
  /** The absolute form of a path that the file gives. */
  readonly resolvePath: (path: string) => string
}

/** Loads the file. Throws `config_invalid` (a `ConfigFault`) or `file_unreadable`. */
export function loadConfig<Schema extends z.ZodType>(
  format: ConfigFormat<Schema>,
  source: ConfigSource,
): LoadedConfig<z.output<Schema>> {
  const { file } = source
  const diagnostics: Diagnostic[] = []
  const report = (diagnostic: Diagnostic): void => void diagnostics.push(diagnostic)
  const throwIfAny = (): void => {
    if (diagnostics.length > 0) throw new ConfigFault(diagnostics)
  }

  const document = readDocument(file, readText(file, format.starter), report)
  throwIfAny()

  const schema = jsonSchemaOf(format.schema)
  const { value, setBy } = override(document.value, optionsOf(schema), source, report)
  const complain = ({ path, at, message }: Complaint): void => {
    const setter = setBy(path)
    const place = at === 'key' ? document.keyPlaceOf(path) : document.placeOf(path)
    report(setter === undefined ? { source: file, place, message } : { source: setter, message })
  }
  const parsed = format.schema.safeParse(value, { reportInput: true, error: () => '' })
  if (!parsed.success) complaintsOf(parsed.error.issues, schema, format.nouns).forEach(complain)
  throwIfAny()

  const lineOf = (path: Path): number | undefined =>
    setBy(path) === undefined ? document.lineOf(path) : undefined
  format.check(parsed.data as z.output<Schema>, {
    lineOf,
    complain: (path, message, at = 'value') => {
      const what = describePath(path, format.nouns)
      complain({ path, at, message: what === '' ? message : `${what}: ${message}` })
    },
  })
  throwIfAny()

  const sourceOf = (path: Path): string =>
    setBy(path) ?? `${basename(file)}:${document.lineOf(path)}`
  return {
    value: parsed.data as z.output<Schema>,
    origin: { file, schema, written: value, sourceOf },
    lineOf,
    resolvePath: (path) => resolve(dirname(file), path),
  }
}

function readText(file: string, starter: string): string {
  const bytes = readBytes(file, starter)
  if (bytes.length > fileBytesMax) {
    throw new ConfigFault([{ source: file, message: `longer than ${fileBytesMax} bytes` }])
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    throw new ConfigFault([{ source: file, message: 'this is not UTF-8 text' }])
  }
}

/** The file's bytes, and at most one more than allowed: a device has no end. */
function readBytes(file: string, starter: string): Uint8Array {
  try {
    const descriptor = openSync(file, 'r')
    try {
      if (fstatSync(descriptor).isDirectory())
        throw new Fault('file_unreadable', `${file} is a folder`)
      const bytes = new Uint8Array(fileBytesMax + 1)
      let length = 0
      let read = -1
      while (read !== 0 && length < bytes.length) {
        read = readSync(descriptor, bytes, length, bytes.length - length, null)
        length += read
      }
      return bytes.subarray(0, length)
    } finally {
      closeSync(descriptor)
    }
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    const { code, message } = cause as NodeJS.ErrnoException
    const says =
      code === 'ENOENT'
        ? `${file} is not there.  next: ${starter}`
        : `${file} cannot be read: ${message}`
    throw new Fault('file_unreadable', says, { cause })
  }
}
