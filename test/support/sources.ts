/**
 * The files of this repository, read once, for the tests that judge the house itself.
 *
 * Invariant: paths are relative to the repository and use `/`; what npm and git keep is left out.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

/** One text file: its path from the repository's root, and what it says. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** The repository's root, as an absolute path without a slash at its end. */
export const repository: string = join(import.meta.dirname, '..', '..')

const leftOut = new Set(['node_modules', '.git', 'coverage'])

/** Every text file of the repository, sorted by path; files that hold a NUL byte are not text. */
export function textFiles(): readonly SourceFile[] {
  return pathsUnder(repository)
    .map((path) => ({
      path: relative(repository, path).split(sep).join('/'),
      text: readFileSync(path, 'utf8'),
    }))
    .filter(({ text }) => !text.includes('\0'))
    .sort((one, other) => (one.path < other.path ? -1 : 1))
}

/** True for a file that the runtime executes: TypeScript, or JavaScript. */
export function isCode({ path }: SourceFile): boolean {
  return /\.(?:ts|js|mjs)$/.test(path)
}

function pathsUnder(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (leftOut.has(entry.name)) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return pathsUnder(path)
    return entry.isFile() ? [path] : []
  })
}
