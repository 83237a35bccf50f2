/**
 * What a certificate says, read from its bytes.
 *
 * Invariant: names come from the elements of the extension, never from node's one-line
 * `subjectAltName`, so no name can hold a second one (T8), nor be cut by a NUL (T7). Whether the
 * certificate may be believed is not asked here.
 */
import type { X509Certificate } from 'node:crypto'
import { type Address, formatAddress } from '../address.ts'
import { DerReader, identifierText, tags } from './der.ts'

/** The subject alternative names of a certificate, each list in the certificate's order. */
export interface AlternativeNames {
  readonly uris: readonly string[]
  readonly dnsNames: readonly string[]
  /** In canonical spelling. */
  readonly ipAddresses: readonly string[]
}

/** The names in the certificate's subjectAltName. Throws a SyntaxError when it is malformed. */
export function alternativeNames(certificate: X509Certificate): AlternativeNames {
  const uris: string[] = []
  const dnsNames: string[] = []
  const ipAddresses: string[] = []
  const value = extensionOf(certificate, subjectAlternativeName)
  if (value !== undefined) {
    const extension = new DerReader(value)
    const names = extension.enter(tags.sequence)
    extension.end()
    for (let tag = names.next; tag !== undefined; tag = names.next) {
      const name = names.take(tag)
      if (tag === uri) uris.push(Buffer.from(name).toString('latin1'))
      if (tag === dnsName) dnsNames.push(Buffer.from(name).toString('latin1'))
      if (tag === ipAddress) ipAddresses.push(formatAddress(addressOf(name)))
    }
  }
  return { uris, dnsNames, ipAddresses }
}

/** The certificate's subject as it stands in its bytes: what it signs names its issuer so. */
export function subjectOf(certificate: X509Certificate): Uint8Array {
  return fieldsFromSubject(certificate).takeWhole(tags.sequence)
}

const subjectAlternativeName = '2.5.29.17'

// The kinds of GeneralName that are read here (RFC 5280, section 4.2.1.6).
const dnsName = 0x82
const uri = 0x86
const ipAddress = 0x87

const issuerUniqueIdentifier = 0x81
const subjectUniqueIdentifier = 0x82

/** The value of an extension, or undefined. Throws a SyntaxError when it stands there twice. */
function extensionOf(certificate: X509Certificate, identifier: string): Uint8Array | undefined {
  const fields = fieldsFromSubject(certificate)
  for (const _ of ['subject', 'subjectPublicKeyInfo']) fields.take(tags.sequence)
  fields.passOver(issuerUniqueIdentifier)
  fields.passOver(subjectUniqueIdentifier)
  if (fields.next === undefined) return undefined
  const list = fields.enter(tags.explicitThree).enter(tags.sequence)
  let found: Uint8Array | undefined
  while (list.next !== undefined) {
    const extension = list.enter(tags.sequence)
    const name = identifierText(extension.take(tags.identifier))
    extension.passOver(tags.boolean)
    const value = extension.take(tags.octetString)
    if (name !== identifier) continue
    if (found !== undefined) throw new SyntaxError(`the extension ${identifier} stands there twice`)
    found = value
  }
  return found
}

/** A reader that stands before the certificate's subject (RFC 5280, section 4.1). */
function fieldsFromSubject(certificate: X509Certificate): DerReader {
  const fields = new DerReader(certificate.raw).enter(tags.sequence).enter(tags.sequence)
  fields.passOver(tags.explicitZero)
  fields.take(tags.integer)
  for (const _ of ['signature', 'issuer', 'validity']) fields.take(tags.sequence)
  return fields
}

function addressOf(bytes: Uint8Array): Address {
  if (bytes.length !== 4 && bytes.length !== 16) throw new SyntaxError('an IP address is cut')
  const bits = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  return { family: bytes.length === 4 ? 4 : 6, bits }
}
