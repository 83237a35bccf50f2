/**
 * The register of an authority: what it has issued, and what of that is revoked.
 *
 * Invariant: each fact is one file that is written once. A certificate is entered before anybody
 * gets it, so nothing good is unknown here; a revocation is entered before the list that publishes
 * it is made, so the list can always be made again and two revocations at once lose neither (C4).
 */
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import * as z from 'zod'
import type { Identity } from '../shared/identity.ts'
import { alternativeNames } from '../shared/io/certificate.ts'
import { peerIdentity } from '../shared/io/tls.ts'
import { Fault } from '../shared/protocol/fault.ts'
import { type Reason, type Revocation, reasonNumbers } from './crl.ts'
import { type FileSystem, namesIn, readText, writeNewFile } from './files.ts'

/** A folder of an authority, and the disk that it is on. */
export interface Place {
  readonly directory: string
  readonly files: FileSystem
}

/** One certificate that was issued. */
export interface IssuedCertificate {
  readonly identity: Identity
  /** 32 upper-case hexadecimal digits. */
  readonly serialNumber: string
  /** SHA-256 of the certificate, as `X509Certificate.fingerprint256` spells it. */
  readonly fingerprint: string
  readonly notBefore: Date
  readonly notAfter: Date
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
  /** The register's copy of the certificate. */
  readonly file: string
}

/** Enters a certificate that the authority has just made. */
export async function enterIssued(place: Place, pem: string): Promise<IssuedCertificate> {
  const { serialNumber } = new X509Certificate(pem)
  const file = issuedFile(place, serialNumber)
  await writeNewFile(place.files, file, pem)
  return readCertificate(pem, file)
}

/** Every certificate that was ever issued, oldest first. Throws `file_unreadable`. */
export async function readIssued(place: Place): Promise<readonly IssuedCertificate[]> {
  const found: IssuedCertificate[] = []
  for (const name of await namesIn(place.files, join(place.directory, issuedFolder))) {
    const file = join(place.directory, issuedFolder, name)
    found.push(readCertificate(await readText(place.files, file), file))
  }
  return found.toSorted((one, other) => one.notBefore.getTime() - other.notBefore.getTime())
}

/** Enters a revocation. One that stands there already stays as it is: false. */
export async function enterRevoked(place: Place, revocation: Revocation): Promise<boolean> {
  try {
    const file = revokedFile(place, revocation.serialNumber)
    await writeNewFile(place.files, file, `${JSON.stringify(revocation)}\n`)
    return true
  } catch (error) {
    if (error instanceof Fault && error.code === 'file_exists') return false
    throw error
  }
}

/** Every revocation by serial number. Throws `file_unreadable`. */
export async function readRevoked(place: Place): Promise<ReadonlyMap<string, Revocation>> {
  const found = new Map<string, Revocation>()
  for (const name of await namesIn(place.files, join(place.directory, revokedFolder))) {
    const file = join(place.directory, revokedFolder, name)
    const revocation = readRevocation(await readText(place.files, file), file)
    if (revokedFile(place, revocation.serialNumber) !== file) throw damaged(file)
    found.set(revocation.serialNumber, revocation)
  }
  return found
}

/** The folders of the register, below the folder of the authority. */
export const issuedFolder = 'issued'
export const revokedFolder = 'revoked'

const revocationShape = z.strictObject({
  serialNumber: z.string().regex(/^[0-9A-F]{1,40}$/),
  revokedAt: z.iso.datetime().transform((text) => new Date(text)),
  reason: z.enum(Object.keys(reasonNumbers) as [Reason, ...Reason[]]),
})

function issuedFile({ directory }: Place, serialNumber: string): string {
  return join(directory, issuedFolder, `${serialNumber}.pem`)
}

function revokedFile({ directory }: Place, serialNumber: string): string {
  return join(directory, revokedFolder, `${serialNumber}.json`)
}

/** What a certificate in PEM says; `file` is where it stands. Throws `file_unreadable`. */
export function readCertificate(pem: string, file: string): IssuedCertificate {
  try {
    const certificate = new X509Certificate(pem)
    const identity = peerIdentity(certificate)
    if (identity instanceof Fault) throw identity
    const { dnsNames, ipAddresses } = alternativeNames(certificate)
    return {
      identity,
      serialNumber: certificate.serialNumber,
      fingerprint: certificate.fingerprint256,
      notBefore: certificate.validFromDate,
      notAfter: certificate.validToDate,
      dnsNames,
      ipAddresses,
      file,
    }
  } catch (cause) {
    throw damaged(file, cause)
  }
}

function readRevocation(text: string, file: string): Revocation {
  try {
    return revocationShape.parse(JSON.parse(text))
  } catch (cause) {
    throw damaged(file, cause)
  }
}

function damaged(file: string, cause?: unknown): Fault {
  const message = `${file} is damaged: restore it from a copy; until then nothing is done by half.`
  return new Fault('file_unreadable', message, { cause })
}
