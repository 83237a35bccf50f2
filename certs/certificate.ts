/**
 * What is written in a certificate (RFC 5280, section 4), and its signature.
 *
 * Invariant: a certificate can do one thing. The authority signs and nothing else; a relay serves;
 * an agent or a client connects; and each leaf names exactly one identity, in its URI (SPIFFE
 * X.509-SVID), never in its subject, which is there for people only.
 */
import { createHash, type KeyObject, randomBytes } from 'node:crypto'
import { parseAddress } from '../shared/address.ts'
import { type Identity, identityUri } from '../shared/identity.ts'
import {
  bits,
  bytesOf,
  copied,
  type Element,
  explicit,
  extension,
  identifier,
  implicit,
  integer,
  octets,
  sequence,
  setOf,
  signatureAlgorithm,
  signedPem,
  text,
  time,
  yes,
} from './der.ts'

/** The object identifiers of the extensions (RFC 5280, sections 4.2.1, 5.2 and 5.3). */
export const extensions = {
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAlternativeName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
} as const

/** From when to when a certificate is good; both in whole seconds. */
export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

/** Who signs: its subject in DER, its public key and its private key. */
export interface Signer {
  readonly subject: Uint8Array
  readonly publicKey: KeyObject
  readonly key: KeyObject
}

/** The certificate of a new authority for a trust domain, signed by itself, in PEM. */
export function authorityCertificate(
  trustDomain: string,
  keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject },
  validity: Validity,
): string {
  const { publicKey, privateKey } = keys
  // A common name has at most 64 characters (RFC 5280, upper bounds).
  const subject = bytesOf(nameOf([commonName, `Sallyport ${trustDomain}`.slice(0, 64)]))
  return certificate({
    subject,
    publicKey,
    validity,
    signer: { subject, publicKey, key: privateKey },
    extensionList: [
      // No authority below this one: a leaf that signs a leaf is refused twice over (K1).
      extension(extensions.basicConstraints, sequence(yes(), integer(0n)), true),
      extension(extensions.keyUsage, bits(Buffer.of(0b0000_0110), 1), true),
      extension(extensions.subjectAlternativeName, sequence(uri(`spiffe://${trustDomain}`))),
    ],
  })
}

/** A leaf: the identity that it proves, the key that it is for, and a relay's addresses. */
export interface Leaf {
  readonly identity: Identity
  readonly publicKey: KeyObject
  /** Host names, checked by the caller. */
  readonly dnsNames: readonly string[]
  /** IP addresses, checked by the caller. */
  readonly ipAddresses: readonly string[]
  readonly validity: Validity
}

/** The certificate of a relay, an agent or a client, in PEM. */
export function leafCertificate(leaf: Leaf, signer: Signer): string {
  const { identity, publicKey, dnsNames, ipAddresses, validity } = leaf
  const names = [
    uri(identityUri(identity)),
    ...dnsNames.map((name) => implicit(generalNames.dnsName, Buffer.from(name))),
    ...ipAddresses.map((address) => implicit(generalNames.ipAddress, addressBytes(address))),
  ]
  const usage = identity.role === 'relay' ? serverAuthentication : clientAuthentication
  return certificate({
    subject: bytesOf(nameOf([organizationalUnit, identity.role], [commonName, identity.name])),
    publicKey,
    validity,
    signer,
    extensionList: [
      extension(extensions.basicConstraints, sequence(), true),
      extension(extensions.keyUsage, bits(Buffer.of(0b1000_0000), 7), true),
      extension(extensions.extendedKeyUsage, sequence(identifier(usage))),
      extension(extensions.subjectAlternativeName, sequence(...names)),
    ],
  })
}

/** Names the signer's key among those of an issuer with several (RFC 5280, section 4.2.1.1). */
export function authorityKeyIdentifier(publicKey: KeyObject): Element {
  const value = sequence(implicit(0, keyIdentifier(publicKey)))
  return extension(extensions.authorityKeyIdentifier, value)
}

/** The places of the kinds of GeneralName (RFC 5280, section 4.2.1.6). */
const generalNames = { dnsName: 2, uri: 6, ipAddress: 7 } as const
const commonName = '2.5.4.3'
const organizationalUnit = '2.5.4.11'
const serverAuthentication = '1.3.6.1.5.5.7.3.1'
const clientAuthentication = '1.3.6.1.5.5.7.3.2'

function certificate(contents: {
  readonly subject: Uint8Array
  readonly publicKey: KeyObject
  readonly validity: Validity
  readonly signer: Signer
  readonly extensionList: readonly Element[]
}): string {
  const { subject, publicKey, validity, signer, extensionList } = contents
  const signed = sequence(
    explicit(0, integer(2n)),
    integer(serialNumber()),
    signatureAlgorithm(),
    copied(signer.subject),
    sequence(time(validity.notBefore), time(validity.notAfter)),
    copied(subject),
    copied(publicKey.export({ type: 'spki', format: 'der' })),
    explicit(
      3,
      sequence(
        ...extensionList,
        extension(extensions.subjectKeyIdentifier, octets(keyIdentifier(publicKey))),
        authorityKeyIdentifier(signer.publicKey),
      ),
    ),
  )
  return signedPem('CERTIFICATE', signed, signer.key)
}

/** 128 bits, of which 126 are by chance: positive, and always 32 digits long. */
function serialNumber(): bigint {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40
  return BigInt(`0x${bytes.toString('hex')}`)
}

/** The first 160 bits of the key's SHA-256 (RFC 7093, section 2, method 1). */
function keyIdentifier(publicKey: KeyObject): Buffer {
  // The uncompressed point of P-256 is the last 65 bytes of its SubjectPublicKeyInfo.
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65)
  return createHash('sha256').update(point).digest().subarray(0, 20)
}

function nameOf(...attributes: readonly (readonly [type: string, value: string])[]): Element {
  const parts = attributes.map(([type, value]) => setOf(sequence(identifier(type), text(value))))
  return sequence(...parts)
}

function uri(value: string): Element {
  return implicit(generalNames.uri, Buffer.from(value))
}

function addressBytes(text: string): Buffer {
  const address = parseAddress(text)
  if (address === undefined) throw new TypeError(`${text} is not an IP address`)
  const digits = address.bits.toString(16).padStart(address.family === 4 ? 8 : 32, '0')
  return Buffer.from(digits, 'hex')
}
