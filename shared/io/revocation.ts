/**
 * The revocation list of the authority: which certificates are no longer good (RFC 5280, 5).
 *
 * Invariant: fail closed. A list that is absent, damaged, of somebody else or of a kind that says
 * only half is an error that names its file, never an empty set; nothing behind the signature is
 * looked at before the signature holds. A list past its `nextUpdate` still revokes: it is marked
 * `stale`, and its reader says so early and loudly (K6).
 */
import { verify, type X509Certificate } from 'node:crypto'
import { statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { setInterval } from 'node:timers/promises'
import { Fault } from '../protocol/fault.ts'
import { subjectOf } from './certificate.ts'
import { DerReader, identifierText, integerHex, tags, takeTime } from './der.ts'

/** The most bytes of a list that are read: some 200,000 revoked certificates. */
export const revocationFileBytesMax: number = 16 * 1024 * 1024

/** A list whose signature holds. */
export interface RevocationList {
  /** The revoked serial numbers, spelled as `X509Certificate.serialNumber` is. */
  readonly serialNumbers: ReadonlySet<string>
  /** Grows with each list; a smaller one than the last is an old list. */
  readonly number: bigint | undefined
  readonly thisUpdate: Date
  /** When the next list is due at the latest. */
  readonly nextUpdate: Date
  /** True when `nextUpdate` has passed. */
  readonly stale: boolean
}

/** Where a list is, who must have signed it, and what time it is. */
export interface RevocationSource {
  /** A PEM file with exactly one `X509 CRL`. */
  readonly file: string
  /** The certificate of the authority; it must be trusted already. */
  readonly authority: X509Certificate
  readonly now: () => Date
}

/** Reads and verifies a list. Throws `file_unreadable` or `revocations_invalid`, with the file. */
export async function loadRevocations(source: RevocationSource): Promise<RevocationList> {
  const { file, authority, now } = source
  const pem = await readList(file)
  try {
    return parseRevocations(pem, authority, now())
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new Fault('revocations_invalid', `${file} cannot be trusted: ${why}`, { cause })
  }
}

/** The list in a PEM text. Throws an Error that says what is wrong with it. */
export function parseRevocations(
  pem: string,
  authority: X509Certificate,
  now: Date,
): RevocationList {
  const outer = new DerReader(bytesOf(pem))
  const parts = outer.enter(tags.sequence)
  outer.end()
  const signed = parts.takeWhole(tags.sequence)
  const algorithm = parts.takeWhole(tags.sequence)
  const signature = parts.take(tags.bitString)
  parts.end()
  if (!isSigned(signed, algorithm, signature, authority)) {
    throw new Error('its signature is not of this authority')
  }

  const fields = new DerReader(signed).enter(tags.sequence)
  fields.passOver(tags.integer)
  if (!same(fields.takeWhole(tags.sequence), algorithm)) {
    throw new Error('it names two algorithms for one signature')
  }
  if (!same(fields.takeWhole(tags.sequence), subjectOf(authority))) {
    throw new Error('it is of another issuer')
  }
  const thisUpdate = takeTime(fields)
  const nextUpdate = takeTime(fields)
  const serialNumbers = new Set<string>()
  if (fields.next === tags.sequence) {
    for (const entry of elementsOf(fields)) serialNumbers.add(readEntry(entry))
  }
  const number =
    fields.next === tags.explicitZero ? numberOf(fields.enter(tags.explicitZero)) : undefined
  fields.end()
  return { serialNumbers, number, thisUpdate, nextUpdate, stale: now > nextUpdate }
}

/**
 * Calls `onChange` whenever another list stands at this path, by rename or by writing in place, or
 * none at all; one call at a time. Begin before the first load: changes count from the call on.
 * Resolves when the signal aborts; rejects when `onChange` does.
 */
export async function watchRevocations(
  file: string,
  onChange: () => void | Promise<void>,
  signal: AbortSignal,
  intervalMs = 250,
): Promise<void> {
  // Looking beats being told: inotify misses network filesystems and swapped symbolic links.
  let seen = versionOf(file)
  try {
    for await (const _ of setInterval(intervalMs, undefined, { signal, ref: false })) {
      const version = versionOf(file)
      if (version === seen) continue
      seen = version
      await onChange()
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** RFC 5280, section 5.2.3. */
const crlNumber = '2.5.29.20'

/** How each signature algorithm is verified: digest (null where it is built in) and kind of key. */
const algorithms: Readonly<Record<string, readonly [digest: string | null, key: string]>> = {
  '1.2.840.10045.4.3.2': ['sha256', 'ec'],
  '1.2.840.10045.4.3.3': ['sha384', 'ec'],
  '1.2.840.10045.4.3.4': ['sha512', 'ec'],
  '1.2.840.113549.1.1.11': ['sha256', 'rsa'],
  '1.2.840.113549.1.1.12': ['sha384', 'rsa'],
  '1.2.840.113549.1.1.13': ['sha512', 'rsa'],
  '1.3.101.112': [null, 'ed25519'],
}

async function readList(file: string): Promise<string> {
  try {
    await using handle = await open(file)
    const { size } = await handle.stat()
    if (size > revocationFileBytesMax) throw new Error(`it has ${size} bytes, too many for a list`)
    return await handle.readFile('latin1')
  } catch (cause) {
    const absent = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT'
    const why = absent
      ? 'it does not exist'
      : cause instanceof Error
        ? cause.message
        : String(cause)
    throw new Fault('file_unreadable', `the revocation list ${file} cannot be read: ${why}`, {
      cause,
    })
  }
}

function bytesOf(pem: string): Uint8Array {
  const blocks = [...pem.matchAll(/-----BEGIN X509 CRL-----([\w+/=\s]*)-----END X509 CRL-----/g)]
  const [block, ...more] = blocks
  // Of two lists in one file OpenSSL reads the first and says nothing.
  if (block === undefined || more.length > 0) {
    throw new Error(`it holds ${blocks.length} lists in PEM form instead of one`)
  }
  return Buffer.from(block[1] ?? '', 'base64')
}

function isSigned(
  signed: Uint8Array,
  algorithm: Uint8Array,
  bitString: Uint8Array,
  { publicKey }: X509Certificate,
): boolean {
  const name = identifierText(new DerReader(algorithm).enter(tags.sequence).take(tags.identifier))
  const [digest, key] = algorithms[name] ?? []
  const [unusedBits] = bitString
  if (digest === undefined || key !== publicKey.asymmetricKeyType || unusedBits !== 0) return false
  return verify(digest, signed, publicKey, bitString.subarray(1))
}

/** The serial number of one entry. */
function readEntry(entry: DerReader): string {
  const serialNumber = integerHex(entry.take(tags.integer))
  // Since when matters to nobody here, and to read the dates would take longer than all the rest.
  entry.take(entry.next === tags.utcTime ? tags.utcTime : tags.generalizedTime)
  if (entry.next !== undefined) walkExtensions(entry)
  entry.end()
  return serialNumber
}

function numberOf(holder: DerReader): bigint | undefined {
  let number: bigint | undefined
  walkExtensions(holder, (identifier, value) => {
    if (identifierText(identifier) !== crlNumber) return
    number = BigInt(`0x${integerHex(new DerReader(value).take(tags.integer))}`)
  })
  return number
}

/** Walks all extensions. A critical one means a list that does not say everything: refused. */
function walkExtensions(
  holder: DerReader,
  visit?: (identifier: Uint8Array, value: Uint8Array) => void,
): void {
  for (const extension of elementsOf(holder)) {
    const identifier = extension.take(tags.identifier)
    if (extension.next === tags.boolean) {
      const name = identifierText(identifier)
      throw new Error(`it has the critical extension ${name}, so it does not say everything`)
    }
    visit?.(identifier, extension.take(tags.octetString))
  }
}

/** The sequences inside the next sequence. */
function* elementsOf(holder: DerReader): Generator<DerReader> {
  const list = holder.enter(tags.sequence)
  while (list.next !== undefined) yield list.enter(tags.sequence)
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0
}

/** What distinguishes one file at this path from the next; empty when there is none to be seen. */
function versionOf(file: string): string {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(file, { bigint: true })
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
  } catch {
    return ''
  }
}
