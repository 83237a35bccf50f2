/**
 * How certificates are shown to people and to programs.
 *
 * Invariant: it only turns values into text; both forms say the same facts, times in UTC.
 */
import type { X509Certificate } from 'node:crypto'
import { identityName, identityUri } from '../shared/identity.ts'
import type { RegisteredCertificate } from './revoking.ts'
import { authorityPaths, type Store } from './store.ts'

/** Whether a certificate is good at this moment. */
export type State = 'valid' | 'not yet valid' | 'expired' | 'revoked'

/** The state of a certificate; revoked is said even of one that has ended. */
export function stateOf(certificate: RegisteredCertificate, now: Date): State {
  if (certificate.revocation !== undefined) return 'revoked'
  if (now < certificate.notBefore) return 'not yet valid'
  return now >= certificate.notAfter ? 'expired' : 'valid'
}

/** The facts of a certificate, as `--json` prints them. */
export function factsOf(certificate: RegisteredCertificate, now: Date) {
  const { identity, revocation, notBefore, notAfter } = certificate
  return {
    identity: identityName(identity),
    uri: identityUri(identity),
    state: stateOf(certificate, now),
    serialNumber: certificate.serialNumber,
    fingerprint: certificate.fingerprint,
    notBefore: notBefore.toISOString(),
    notAfter: notAfter.toISOString(),
    dnsNames: certificate.dnsNames,
    ipAddresses: certificate.ipAddresses,
    revokedAt: revocation?.revokedAt.toISOString() ?? null,
    reason: revocation?.reason ?? null,
    file: certificate.file,
  }
}

/** The facts of the authority itself, as `--json` prints them. */
export function authorityFacts(store: Store) {
  const { authority, trustDomain } = store
  const { certificateFile, revocationsFile } = authorityPaths(store)
  return {
    trustDomain,
    serialNumber: authority.serialNumber,
    fingerprint: authority.fingerprint256,
    notBefore: authority.validFromDate.toISOString(),
    notAfter: authority.validToDate.toISOString(),
    file: certificateFile,
    revocations: revocationsFile,
  }
}

/** One line for each certificate, under a heading. */
export function tableOf(certificates: readonly RegisteredCertificate[], now: Date): string {
  const rows = certificates.map((one) => [
    identityName(one.identity),
    stateOf(one, now),
    `${minuteOf(one.notAfter)} (${distance(one.notAfter, now)})`,
    one.serialNumber,
  ])
  return aligned([['IDENTITY', 'STATE', 'ENDS', 'SERIAL NUMBER'], ...rows])
}

/** Facts as a name and a value on each line; what is empty or does not apply is left out. */
export function listing(
  facts: Readonly<Record<string, string | readonly string[] | null>>,
): string {
  const rows = Object.entries(facts).flatMap(([name, value]) => {
    const text = typeof value === 'string' ? value : (value ?? []).join(', ')
    return text === '' ? [] : [[wordsOf(name), text]]
  })
  return aligned(rows)
}

/** `SHA256 3f:9a…`: what people compare over the telephone, and agents pin. */
export function fingerprintText({ fingerprint256 }: X509Certificate): string {
  return `SHA256 ${fingerprint256}`
}

/** `2026-11-29 13:21 UTC`. */
export function minuteOf(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** How far away a moment is, in one unit: `6 d`, `-3 h`. */
export function distance(to: Date, from: Date): string {
  const minutes = Math.trunc((to.getTime() - from.getTime()) / 60_000)
  if (Math.abs(minutes) < 120) return `${minutes} min`
  const hours = Math.trunc(minutes / 60)
  return Math.abs(hours) < 48 ? `${hours} h` : `${Math.trunc(hours / 24)} d`
}

function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return lines.join('\n')
}

/** `serialNumber` as people write it: `serial number`. */
function wordsOf(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
