/**
 * A process's own certificate, key and authority, read from their files.
 *
 * Invariant: what is given back fits together: the key is that of the leaf, and the leaf names one
 * identity of the expected role. A wrong pair is told at start, not at the first handshake (C3).
 */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Identity, identityName, type Role } from '../identity.ts'
import { Fault } from '../protocol/fault.ts'
import { peerIdentity, type TlsCredentials } from './tls.ts'

export interface CredentialFiles {
  readonly certificate: string
  readonly key: string
  readonly authority: string
}

export interface OwnCredentials {
  readonly credentials: TlsCredentials
  readonly identity: Identity
  readonly leaf: X509Certificate
}

/** Reads the files. Throws `file_unreadable`, `certificate_invalid`, `role_wrong`. */
export async function readCredentials(files: CredentialFiles, role: Role): Promise<OwnCredentials> {
  const [certificate, key, authority] = await Promise.all([
    readPem(files.certificate, role),
    readPem(files.key, role),
    readPem(files.authority, role),
  ])
  const leaf = understood(files.certificate, () => new X509Certificate(certificate))
  const privateKey = understood(files.key, () => createPrivateKey(key))
  if (!leaf.checkPrivateKey(privateKey)) {
    const message = `${files.key} is not the key of ${files.certificate}.`
    throw new Fault('certificate_invalid', message)
  }
  const identity = peerIdentity(leaf)
  if (identity instanceof Fault) throw identity
  if (identity.role !== role) {
    const message = `${files.certificate} is for ${identityName(identity)}, not for a ${role}.`
    throw new Fault('role_wrong', message)
  }
  return { credentials: { certificate, key, authority }, identity, leaf }
}

async function readPem(file: string, role: Role): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? cause.code : cause
    const next = `Make one: sallyport certs issue ${role} NAME`
    throw new Fault('file_unreadable', `${file} cannot be read (${reason}). ${next}`, { cause })
  }
}

function understood<Value>(file: string, read: () => Value): Value {
  try {
    return read()
  } catch (cause) {
    throw new Fault('certificate_invalid', `${file} is not what it should be.`, { cause })
  }
}
