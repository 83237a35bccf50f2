/**
 * Looking over the folder of an authority for what a full disk, a lost power supply or a hand has
 * left behind (C1 to C3).
 *
 * Invariant: it changes nothing. What it finds is said with the file's path and the next step.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { type Role, roles } from '../shared/identity.ts'
import { namesIn, readText, unfinishedIn } from './files.ts'
import { issuedFolder, readIssued, readRevoked, revokedFolder } from './register.ts'
import { publishedList } from './revoking.ts'
import { authorityPaths, pairPaths, type Store } from './store.ts'

/** One sentence for each thing that is not as it should be; none when all is well. */
export async function inspectStore(store: Store): Promise<readonly string[]> {
  return [
    ...(await unfinished(store)),
    ...(await brokenPairs(store)),
    ...(await unpublished(store)),
  ]
}

async function unfinished({ directory, files }: Store): Promise<readonly string[]> {
  const folders = ['.', 'ca', ...roles, issuedFolder, revokedFolder]
  const found = await Promise.all(folders.map((name) => unfinishedIn(files, join(directory, name))))
  return found
    .flat()
    .map((path) => `${path} is what an interrupted run left. Nothing uses it: rm -r ${path}`)
}

async function brokenPairs(store: Store): Promise<readonly string[]> {
  const known = new Set((await readIssued(store)).map(({ serialNumber }) => serialNumber))
  const authority = await pairFault(store, authorityPaths(store))
  const found = authority === undefined ? [] : [`The authority's ${authority}`]
  for (const role of roles) {
    for (const name of await namesIn(store.files, join(store.directory, role))) {
      const fault = await leafFault(store, role, name, known)
      if (fault !== undefined) found.push(fault)
    }
  }
  return found
}

async function leafFault(
  store: Store,
  role: Role,
  name: string,
  known: ReadonlySet<string>,
): Promise<string | undefined> {
  const paths = pairPaths(store, role, name)
  const retry = `Move it away and issue again: mv ${paths.folder} ${role}-${name}.broken`
  const fault = await pairFault(store, paths)
  if (fault !== undefined) return `${paths.folder}: the ${fault} ${retry}`
  const { serialNumber } = new X509Certificate(await readText(store.files, paths.certificateFile))
  if (known.has(serialNumber)) return undefined
  return `${paths.folder}: the certificate is not in the register: revoking would miss it. ${retry}`
}

/** Why a key and a certificate are no pair, or undefined when they are one. */
async function pairFault(
  { files }: Store,
  paths: { readonly certificateFile: string; readonly keyFile: string },
): Promise<string | undefined> {
  try {
    const certificate = new X509Certificate(await readText(files, paths.certificateFile))
    const key = createPrivateKey(await readText(files, paths.keyFile))
    if (certificate.checkPrivateKey(key)) return undefined
    return 'key and the certificate do not belong together.'
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return `pair is not whole: ${why}`
  }
}

async function unpublished(store: Store): Promise<readonly string[]> {
  const list = await publishedList(store)
  const { revocationsFile } = authorityPaths(store)
  if (list === undefined) return [`${revocationsFile} cannot be trusted. ${publishAgain}`]
  const entered = [...(await readRevoked(store)).keys()]
  const missing = entered.filter((serialNumber) => !list.serialNumbers.has(serialNumber))
  return [
    ...missing.map(
      (one) => `${one} is revoked, but not yet in ${revocationsFile}. ${publishAgain}`,
    ),
    ...(list.stale ? [`${revocationsFile} is older than it may be. ${publishAgain}`] : []),
  ]
}

const publishAgain = 'Make it again: sallyport certs publish'
