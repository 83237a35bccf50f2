/** Where the programs of brokers are installed, if they are. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The absolute path of a program; servers are often where only root's PATH leads, or further. */
export function findProgram(
  name: string,
  furtherFolders: readonly string[] = [],
): string | undefined {
  const path = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const usual = ['/usr/local/sbin', '/usr/sbin', '/opt/homebrew/sbin']
  return [...furtherFolders, ...path, ...usual]
    .map((folder) => join(folder, name))
    .find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
