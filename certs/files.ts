/**
 * How files come to the disk: whole or not at all, private, and never over another.
 *
 * Invariant: at its final path a file or folder is complete and synced before it can be seen (C1,
 * C2); two files that belong together appear by one rename of the folder that holds them, so there
 * is no moment with one and without the other (C3). Whatever is unfinished has a name that begins
 * with `.new-`, and nothing reads it.
 */
import { randomUUID } from 'node:crypto'
import * as promises from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Fault } from '../shared/protocol/fault.ts'

/** The calls through which the disk is touched: node's own, or a test's that fail. */
export type FileSystem = Pick<
  typeof promises,
  'open' | 'mkdir' | 'mkdtemp' | 'rename' | 'link' | 'unlink' | 'rm' | 'readdir' | 'readFile'
>

/** The real disk. */
export const disk: FileSystem = promises

/** What unfinished files and folders are called. */
export const stagingPrefix = '.new-'

/** Modes: for what is secret, and for what may be read by whoever may enter the folder. */
export const secretMode = 0o600
export const publicMode = 0o644

/** A file to be written. */
export interface NewFile {
  readonly name: string
  readonly text: string
  readonly mode: number
}

/** Makes a folder with these files, all at once. Throws `file_exists` or `file_unwritable`. */
export async function writeNewFolder(
  files: FileSystem,
  folder: string,
  contents: readonly NewFile[],
): Promise<void> {
  const parent = dirname(folder)
  await guarded(folder, async () => {
    await makeFolder(files, parent)
    const staging = await files.mkdtemp(join(parent, stagingPrefix))
    try {
      for (const { name, text, mode } of contents) {
        await writeSynced(files, join(staging, name), text, mode)
      }
      await sync(files, staging)
      // Renaming a folder onto one with anything in it fails: this is what never overwrites.
      await unlessThere(folder, files.rename(staging, folder))
    } catch (error) {
      await files.rm(staging, { recursive: true, force: true }).catch(() => undefined)
      throw error
    }
    await sync(files, parent)
  })
}

/** Makes a file that was not there. Throws `file_exists` or `file_unwritable`. */
export async function writeNewFile(files: FileSystem, path: string, text: string): Promise<void> {
  await guarded(path, async () => {
    await makeFolder(files, dirname(path))
    await staged(files, path, text, async (staging) => {
      await unlessThere(path, files.link(staging, path))
      await files.unlink(staging)
    })
  })
}

/** Puts another file in the place of one that may be there. Throws `file_unwritable`. */
export async function replaceFile(files: FileSystem, path: string, text: string): Promise<void> {
  await guarded(path, () => staged(files, path, text, (staging) => files.rename(staging, path)))
}

/** The names in a folder, sorted and without the unfinished; none when there is no folder. */
export async function namesIn(files: FileSystem, folder: string): Promise<readonly string[]> {
  return (await allNamesIn(files, folder)).filter((name) => !name.startsWith(stagingPrefix))
}

/** The paths of what was left unfinished in a folder by a run that did not reach its end. */
export async function unfinishedIn(files: FileSystem, folder: string): Promise<readonly string[]> {
  return (await allNamesIn(files, folder))
    .filter((name) => name.startsWith(stagingPrefix))
    .map((name) => join(folder, name))
}

/** The text of a file. Throws `file_unreadable`. */
export async function readText(files: FileSystem, path: string): Promise<string> {
  try {
    return await files.readFile(path, 'utf8')
  } catch (cause) {
    throw new Fault('file_unreadable', `${path} cannot be read: ${reasonOf(cause)}`, { cause })
  }
}

async function staged(
  files: FileSystem,
  path: string,
  text: string,
  publish: (staging: string) => Promise<void>,
): Promise<void> {
  const staging = join(dirname(path), `${stagingPrefix}${randomUUID()}`)
  try {
    await writeSynced(files, staging, text, publicMode)
    await publish(staging)
  } catch (error) {
    await files.rm(staging, { force: true }).catch(() => undefined)
    throw error
  }
  await sync(files, dirname(path))
}

async function writeSynced(
  files: FileSystem,
  path: string,
  text: string,
  mode: number,
): Promise<void> {
  await using handle = await files.open(path, 'wx', mode)
  await handle.writeFile(text)
  await handle.sync()
}

async function sync(files: FileSystem, path: string): Promise<void> {
  await using handle = await files.open(path, 'r')
  await handle.sync()
}

/** Makes a folder and those above it, for its owner only, and syncs each entry that is new. */
async function makeFolder(files: FileSystem, folder: string): Promise<void> {
  const first = await files.mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  const above = dirname(resolve(first))
  let parent = resolve(folder)
  while (parent !== above) {
    parent = dirname(parent)
    await sync(files, parent)
  }
}

async function allNamesIn(files: FileSystem, folder: string): Promise<readonly string[]> {
  try {
    return (await files.readdir(folder)).toSorted()
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return []
    throw new Fault('file_unreadable', `${folder} cannot be read: ${reasonOf(cause)}`, { cause })
  }
}

/** Says `file_exists` when the step that shows a finished file or folder finds another there. */
async function unlessThere(path: string, publish: Promise<void>): Promise<void> {
  try {
    await publish
  } catch (cause) {
    if (!['EEXIST', 'ENOTEMPTY', 'ENOTDIR'].includes(codeOf(cause))) throw cause
    throw new Fault('file_exists', `${path} is there already; nothing was changed.`, { cause })
  }
}

async function guarded(path: string, write: () => Promise<void>): Promise<void> {
  try {
    await write()
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw new Fault('file_unwritable', `${path} cannot be written: ${reasonOf(cause)}`, { cause })
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function reasonOf(error: unknown): string {
  switch (codeOf(error)) {
    case 'ENOENT':
      return 'it is not there.'
    case 'EACCES':
    case 'EPERM':
      return 'this user may not.'
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk is full.'
    case 'EEXIST':
    case 'ENOTDIR':
      return 'a file is where a folder should be.'
    case 'EROFS':
      return 'the disk is read-only.'
    default:
      return error instanceof Error ? error.message : String(error)
  }
}
