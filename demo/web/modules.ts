/**
 * The modules of a page: its sources with the types stripped, and the library files that they lead
 * to.
 *
 * Invariant: the list is closed. It is what the imports reach, beginning with the entry, read once;
 * no path that a request names is ever looked for on the disk.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What a page is loaded from; all names are URL paths below its prefix. */
export interface Modules {
  /** The text of each module by its path: `/source/demo/todo/page/main.ts`. */
  readonly texts: ReadonlyMap<string, string>
  /** Where each bare name leads: `mqtt` to `/library/mqtt/dist/mqtt.esm.js`. */
  readonly imports: Readonly<Record<string, string>>
  /** The paths of what is loaded in any case, and not only when it is called for. */
  readonly needed: readonly string[]
}

/** The files of node_modules that pages may import by a bare name. */
export const libraries: Readonly<Record<string, string>> = {
  '@cloudamqp/amqp-client': '@cloudamqp/amqp-client/dist/amqp-websocket-client.mjs',
  mqtt: 'mqtt/dist/mqtt.esm.js',
  'socket.io-client': 'socket.io/client-dist/socket.io.esm.min.js',
  zod: 'zod/index.js',
}

/** Files that are loaded in the place of others: of fifty languages the pages speak one. */
const replaced: Readonly<Record<string, string>> = {
  '/library/zod/v4/locales/index.js': '/library/zod/v4/locales/en.js',
}

/**
 * Reads whatever the entry reaches; its path is from the repository's root. Throws when an import
 * leads to nothing that pages may have.
 */
export async function readModules(entry: string, prefix = ''): Promise<Modules> {
  const texts = new Map<string, string>()
  const imports: Record<string, string> = {}
  const needed = new Set<string>()
  /** Those first that are needed: what is reached in both ways is needed. */
  const waiting = [{ path: `/source/${entry}`, isNeeded: true }]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path, isNeeded } = next
    if (texts.has(prefix + path)) continue
    const text = await readModule(path)
    texts.set(prefix + path, text)
    if (isNeeded) needed.add(prefix + path)
    for (const { specifier, isStatic } of importsOf(text)) {
      const library = libraries[specifier]
      const found = library === undefined ? relativeTo(path, specifier) : `/library/${library}`
      if (found === undefined) continue
      const target = replaced[found] ?? found
      if (library !== undefined) imports[specifier] = prefix + target
      else if (target !== found) imports[prefix + found] = prefix + target
      const one = { path: target, isNeeded: isNeeded && isStatic }
      if (one.isNeeded) waiting.push(one)
      else waiting.unshift(one)
    }
  }
  return { texts, imports, needed: [...needed] }
}

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Where packages are: above the repository, when it is a package itself. */
const packages = [join(root, 'node_modules'), join(root, '..')]

async function readModule(path: string): Promise<string> {
  if (path.startsWith('/source/')) {
    return stripTypes(await readFile(join(root, path.slice('/source/'.length)), 'utf8'))
  }
  const file = libraryFile(path)
  if (file === undefined) throw new Error(`${path} is not installed.`)
  return await readFile(file, 'utf8')
}

function libraryFile(path: string): string | undefined {
  const name = path.slice('/library/'.length)
  return packages.map((folder) => join(folder, name)).find(existsSync)
}

/** The types become blanks, so that a place in the browser is the same place in the source. */
function stripTypes(source: string): string {
  const { emitWarning } = process
  // That stripping from within a program is new (ExperimentalWarning) is nothing to tell a user.
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(source, { mode: 'strip' })
  } finally {
    process.emitWarning = emitWarning
  }
}

/** The static and dynamic imports of a module, and what only looks like one, as in a comment. */
function importsOf(text: string): readonly Import[] {
  const forms = /\b(?:from|import)\s*(\(?)\s*(['"])((?:\.{1,2}\/)*[@\w][\w@:./-]*)\2/g
  return [...text.matchAll(forms)].map(([, bracket, , specifier = '']) => {
    return { specifier, isStatic: bracket === '' }
  })
}

interface Import {
  readonly specifier: string
  readonly isStatic: boolean
}

/** The path that a relative import leads to; undefined for what is no import of a page's. */
function relativeTo(path: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) {
    if (path.startsWith('/library/')) return undefined
    throw new Error(`${path}: pages have no "${specifier}".`)
  }
  const target = posix.join(posix.dirname(path), specifier)
  if (path.startsWith('/library/')) {
    // A bundle may name, in a comment or for Node.js alone, files that were not published with it.
    return libraryFile(target) === undefined ? undefined : target
  }
  if (/^\/source\/(?:demo|shared)\//.test(target)) return target
  throw new Error(`${path}: "${specifier}" leads out of what pages may have.`)
}
