/** Configuration files that live for one test, and what is wrong with them, told in short. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigFault } from '../../shared/io/config/diagnostic.ts'
import type { Overrides } from '../../shared/io/config/options.ts'
import type { ConfigSource } from '../../shared/io/config.ts'
import { temporaryFolder } from './temporary.ts'

/** Calls `use` with a file of this text. */
export async function withFile<Result>(
  text: string | Uint8Array,
  use: (file: string) => Result | Promise<Result>,
): Promise<Result> {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'file.yaml')
  await writeFile(file, text)
  return await use(file)
}

/** Loads a file of this text. */
export async function loaded<Config>(
  load: (source: ConfigSource) => Config,
  text: string,
  overrides: Overrides = {},
): Promise<Config> {
  return await withFile(text, (file) => load({ file, ...overrides }))
}

/** What is wrong: `13:5 unknown key …`, or with a flag or variable `--listen …`; [] for nothing. */
export async function wrongs(
  load: (source: ConfigSource) => unknown,
  text: string | Uint8Array,
  overrides: Overrides = {},
): Promise<readonly string[]> {
  return await withFile(text, (file) => {
    try {
      load({ file, ...overrides })
      return []
    } catch (error) {
      if (!(error instanceof ConfigFault)) throw error
      return error.diagnostics.map(({ source, place, message }) => {
        if (place !== undefined) return `${place.line}:${place.column} ${message}`
        return source === file ? message : `${source} ${message}`
      })
    }
  })
}

/** The report of a file of this text, with `file.yaml` for its path. */
export async function reportOf(
  load: (source: ConfigSource) => unknown,
  text: string,
): Promise<string> {
  return await withFile(text, (file) => {
    try {
      load({ file })
      return ''
    } catch (error) {
      if (!(error instanceof ConfigFault)) throw error
      return error.message.replaceAll(file, 'file.yaml')
    }
  })
}
