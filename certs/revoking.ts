/**
 * Revoking, and publishing the list that says so.
 *
 * Invariant: when `revokeName` returns, every certificate that the name ever had is on the list at
 * its path (P7), and no revocation that was entered before is missing from it, whoever else was
 * publishing at the same time. A run that was ended half-way is finished by the next.
 */
import { identityName, parseIdentityName } from '../shared/identity.ts'
import { parseRevocations } from '../shared/io/revocation.ts'
import { Fault } from '../shared/protocol/fault.ts'
import { nearestWord } from '../shared/spelling.ts'
import { lifeMs, listRevocations } from './authority.ts'
import type { Reason, Revocation } from './crl.ts'
import { readText, replaceFile } from './files.ts'
import { enterRevoked, type IssuedCertificate, readIssued, readRevoked } from './register.ts'
import { authorityPaths, type Store, signingAuthority } from './store.ts'

/** A certificate of the register, and its revocation if there is one. */
export interface RegisteredCertificate extends IssuedCertificate {
  readonly revocation: Revocation | undefined
}

/** Every certificate that was ever issued, oldest first. */
export async function listCertificates(store: Store): Promise<readonly RegisteredCertificate[]> {
  const revocations = await readRevoked(store)
  const issued = await readIssued(store)
  return issued.map((one) => ({ ...one, revocation: revocations.get(one.serialNumber) }))
}

/**
 * The certificates of `plant-1` or `agent/plant-1`, oldest first; never none. Throws
 * `certificate_unknown`, or `usage` when two roles have the name.
 */
export async function certificatesOf(
  store: Store,
  name: string,
): Promise<readonly RegisteredCertificate[]> {
  const all = await listCertificates(store)
  const wanted = parseIdentityName(name)
  const found = all.filter(({ identity }) =>
    wanted === undefined ? identity.name === name : identityName(identity) === name,
  )
  const whole = [...new Set(found.map(({ identity }) => identityName(identity)))].toSorted()
  if (whole.length > 1) {
    throw new Fault('usage', `"${name}" is the name of several: say ${whole.join(' or ')}.`)
  }
  if (found.length === 0) throw unknown(name, all)
  return found
}

/**
 * Revokes every certificate of `plant-1` or `agent/plant-1` and publishes the list; what was
 * revoked before stays as it was. Returns the certificates that this call revoked.
 */
export async function revokeName(
  store: Store,
  name: string,
  reason: Reason = 'unspecified',
): Promise<readonly RegisteredCertificate[]> {
  const revokedAt = store.now()
  const revoked: RegisteredCertificate[] = []
  for (const certificate of await certificatesOf(store, name)) {
    const revocation = { serialNumber: certificate.serialNumber, revokedAt, reason }
    if (await enterRevoked(store, revocation)) revoked.push({ ...certificate, revocation })
  }
  await publishRevocations(store)
  return revoked
}

/** Makes the list again from the register and puts it at its path. */
export async function publishRevocations(store: Store): Promise<void> {
  const authority = await signingAuthority(store)
  const { revocationsFile } = authorityPaths(store)
  let revocations = await readRevoked(store)
  for (;;) {
    const number = await nextNumber(store)
    const contents = { revocations: [...revocations.values()], number }
    await replaceFile(
      store.files,
      revocationsFile,
      listRevocations(authority, contents, store.now()),
    )
    // Whoever publishes last looks last: a revocation entered meanwhile is not lost.
    const entered = await readRevoked(store)
    if (entered.size === revocations.size) return
    revocations = entered
  }
}

/** Publishes the list again when half of its time is over or it is lost (K6); true when it did. */
export async function renewRevocations(store: Store): Promise<boolean> {
  const list = await publishedList(store)
  const dueMs = (list?.nextUpdate.getTime() ?? 0) - lifeMs.revocations / 2
  if (store.now().getTime() < dueMs) return false
  await publishRevocations(store)
  return true
}

/** The list at its path, or undefined when it cannot be read or does not verify. */
export async function publishedList(
  store: Store,
): Promise<ReturnType<typeof parseRevocations> | undefined> {
  try {
    const pem = await readText(store.files, authorityPaths(store).revocationsFile)
    return parseRevocations(pem, store.authority, store.now())
  } catch {
    return undefined
  }
}

/** A number above the last even if the last list is lost: at least the time in milliseconds. */
async function nextNumber(store: Store): Promise<bigint> {
  const last = (await publishedList(store))?.number ?? 0n
  const timed = BigInt(store.now().getTime())
  return timed > last ? timed : last + 1n
}

function unknown(name: string, all: readonly IssuedCertificate[]): Fault {
  const names = all.flatMap(({ identity }) => [identity.name, identityName(identity)])
  const guess = nearestWord(name, names)
  const hint = guess === undefined ? '' : ` Did you mean "${guess}"?`
  return new Fault('certificate_unknown', `Nothing was ever issued for "${name}".${hint}`)
}
