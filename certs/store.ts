/**
 * The folder of a certificate authority:
 *
 *     pki/ca/                     certificate.pem  key.pem  crl.pem
 *     pki/<role>/<name>/          certificate.pem  key.pem
 *     pki/issued/<serial>.pem     pki/revoked/<serial>.json      the register
 *
 * Invariant: a key and its certificate are one folder that appears whole, and no pair is ever
 * overwritten. The authority's key is read only to sign; looking needs certificates alone.
 */
import type { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { identityName, isName, type Role } from '../shared/identity.ts'
import { Fault } from '../shared/protocol/fault.ts'
import {
  type Authority,
  type CertificateRequest,
  certify,
  createAuthority,
  generateKeys,
  keyPem,
  listRevocations,
  openAuthority,
  readAuthority,
} from './authority.ts'
import {
  disk,
  type FileSystem,
  namesIn,
  publicMode,
  readText,
  secretMode,
  writeNewFolder,
} from './files.ts'
import { enterIssued, type IssuedCertificate, type Place } from './register.ts'

/** Where the folder is, what time it is, and (in tests) another disk. */
export interface StoreOptions {
  readonly directory: string
  readonly now: () => Date
  readonly files?: FileSystem
}

/** An open folder. It holds nothing open and may be shared; each call reads what is there now. */
export interface Store extends Place {
  readonly trustDomain: string
  readonly authority: X509Certificate
  readonly now: () => Date
}

/** A certificate that was issued together with its key, and where both are. */
export interface IssuedPair extends IssuedCertificate {
  readonly certificateFile: string
  /** PKCS #8 in PEM, mode 0600. */
  readonly keyFile: string
}

/**
 * Makes a new authority for a trust domain, with an empty revocation list. Throws `file_exists`
 * when there is one already, `name_invalid`, `file_unwritable`.
 */
export async function initStore(
  options: StoreOptions & { readonly trustDomain: string; readonly lifeMs?: number | undefined },
): Promise<Store> {
  const { directory, now, files = disk } = options
  if (await hasAuthority({ directory, files })) {
    const message = `There is an authority in ${directory} already, and nothing is overwritten.`
    throw new Fault('file_exists', `${message} Look at it: sallyport certs show`)
  }
  const { authority, certificate, key } = createAuthority({ ...options, now: now() })
  const revocations = listRevocations(authority, { revocations: [], number: 1n }, now())
  await writeNewFolder(files, join(directory, authorityFolder), [
    { name: certificateName, text: certificate, mode: publicMode },
    { name: keyName, text: key, mode: secretMode },
    { name: revocationsName, text: revocations, mode: publicMode },
  ])
  return openStore(options)
}

/** Opens the folder of an authority. Throws `authority_missing` or `certificate_invalid`. */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { directory, now, files = disk } = options
  const place = { directory, files }
  if (!(await hasAuthority(place))) {
    const message = `There is no certificate authority in ${directory}.`
    throw new Fault('authority_missing', `${message} Make one: sallyport certs init example.com`)
  }
  const { certificateFile } = authorityPaths(place)
  const { certificate, trustDomain } = await about(certificateFile, async () =>
    readAuthority(await readText(files, certificateFile)),
  )
  return { ...place, now, trustDomain, authority: certificate }
}

/**
 * Makes a key and its certificate and writes both. Throws `file_exists` when the name has a pair,
 * and what `certify` throws.
 */
export async function issuePair(
  store: Store,
  request: Omit<CertificateRequest, 'publicKey'>,
): Promise<IssuedPair> {
  const { role, name } = request
  const paths = pairPaths(store, role, name)
  if (isName(name) && (await namesIn(store.files, paths.folder)).length > 0) {
    throw new Fault(
      'file_exists',
      `${identityName(request)} has a pair in ${paths.folder}, and nothing is overwritten. ` +
        `For another one, move it away first: mv ${paths.folder} ${role}-${name}.old`,
    )
  }
  const { publicKey, privateKey } = generateKeys()
  const { pem, issued } = await issueCertificate(store, { ...request, publicKey })
  await writeNewFolder(store.files, paths.folder, [
    { name: certificateName, text: pem, mode: publicMode },
    { name: keyName, text: keyPem(privateKey), mode: secretMode },
  ])
  return { ...issued, certificateFile: paths.certificateFile, keyFile: paths.keyFile }
}

/** Certifies a key that was made elsewhere, and enters the certificate before it gives it away. */
export async function issueCertificate(
  store: Store,
  request: CertificateRequest,
): Promise<{ readonly pem: string; readonly issued: IssuedCertificate }> {
  const pem = certify(await signingAuthority(store), request, store.now())
  return { pem, issued: await enterIssued(store, pem) }
}

/** The authority with its key. Throws `file_unreadable`, `pair_broken` or `certificate_invalid`. */
export async function signingAuthority({ directory, files }: Place): Promise<Authority> {
  const { certificateFile, keyFile } = authorityPaths({ directory })
  const certificate = await readText(files, certificateFile)
  const key = await readText(files, keyFile)
  return about(keyFile, async () => openAuthority(certificate, key))
}

/** The paths of the authority's files. */
export function authorityPaths({ directory }: Pick<Place, 'directory'>): {
  readonly certificateFile: string
  readonly keyFile: string
  readonly revocationsFile: string
} {
  const folder = join(directory, authorityFolder)
  return {
    certificateFile: join(folder, certificateName),
    keyFile: join(folder, keyName),
    revocationsFile: join(folder, revocationsName),
  }
}

/** The paths of a pair. */
export function pairPaths(
  { directory }: Pick<Place, 'directory'>,
  role: Role,
  name: string,
): { readonly folder: string; readonly certificateFile: string; readonly keyFile: string } {
  const folder = join(directory, role, name)
  return {
    folder,
    certificateFile: join(folder, certificateName),
    keyFile: join(folder, keyName),
  }
}

const authorityFolder = 'ca'
const certificateName = 'certificate.pem'
const keyName = 'key.pem'
const revocationsName = 'crl.pem'

async function hasAuthority({ directory, files }: Place): Promise<boolean> {
  return (await namesIn(files, join(directory, authorityFolder))).length > 0
}

/** Adds the file to a fault about what it holds. */
async function about<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (cause) {
    if (!(cause instanceof Fault) || cause.code === 'file_unreadable') throw cause
    throw new Fault(cause.code, `${file}: ${cause.message}`, { cause })
  }
}
