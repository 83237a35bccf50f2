/**
 * The certificate authority of one trust domain: makes itself, certifies keys, lists revocations.
 *
 * Invariant: everything that leaves here was read back by node's X509Certificate and verifies; a
 * name that could be taken for another (T8, T9) never gets in. It touches no file and no clock.
 */
import { createPrivateKey, generateKeyPairSync, type KeyObject, X509Certificate } from 'node:crypto'
import { formatAddress, parseAddress } from '../shared/address.ts'
import { identityName, isName, isTrustDomain, type Role } from '../shared/identity.ts'
import { alternativeNames, subjectOf } from '../shared/io/certificate.ts'
import { isHostName } from '../shared/io/config/values.ts'
import { Fault } from '../shared/protocol/fault.ts'
import { authorityCertificate, leafCertificate, type Signer, type Validity } from './certificate.ts'
import { type Revocation, revocationListPem } from './crl.ts'

/** An authority that can sign. */
export interface Authority {
  readonly trustDomain: string
  readonly certificate: X509Certificate
  readonly key: KeyObject
}

/** Whom to certify, and which key. */
export interface CertificateRequest {
  readonly role: Role
  readonly name: string
  /** A P-256 key; its holder has proved to have the private half. */
  readonly publicKey: KeyObject
  /** For relays only. Without names and addresses a relay is reached by its own name. */
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
  /** From now on, at least a second; cut at the end of the authority itself. */
  readonly lifeMs?: number | undefined
}

const dayMs = 86_400_000

/** How long certificates last where nobody says otherwise. */
export const lifeMs: Readonly<Record<Role | 'authority' | 'revocations', number>> = {
  authority: 3650 * dayMs,
  relay: 90 * dayMs,
  agent: 7 * dayMs,
  client: 7 * dayMs,
  revocations: 30 * dayMs,
}

/** How far certificates and lists begin in the past, for machines whose clock is late (K4). */
export const backdatedMs = 5 * 60_000

/** The longest life that can be asked for. */
export const lifeMsMax: number = 36_500 * dayMs

/** A new key on P-256, and its public half. */
export function generateKeys(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

/** The private key in PEM (PKCS #8, not encrypted). */
export function keyPem(key: KeyObject): string {
  return String(key.export({ type: 'pkcs8', format: 'pem' }))
}

/** A new authority in PEM. Throws `name_invalid` for what is no trust domain. */
export function createAuthority(options: {
  readonly trustDomain: string
  readonly now: Date
  readonly lifeMs?: number | undefined
}): { readonly authority: Authority; readonly certificate: string; readonly key: string } {
  const { trustDomain, now } = options
  if (!isTrustDomain(trustDomain)) {
    throw new Fault(
      'name_invalid',
      `"${trustDomain}" is not a trust domain: write it like example.com, in lower case.`,
    )
  }
  const keys = generateKeys()
  const validity = validityFrom(now, options.lifeMs ?? lifeMs.authority)
  const certificate = authorityCertificate(trustDomain, keys, validity)
  const key = keyPem(keys.privateKey)
  return { authority: { ...readAuthority(certificate), key: keys.privateKey }, certificate, key }
}

/** An authority's certificate and trust domain. Throws `certificate_invalid`. */
export function readAuthority(pem: string | Buffer): Omit<Authority, 'key'> {
  try {
    const certificate = new X509Certificate(pem)
    const [uri = '', ...more] = alternativeNames(certificate).uris
    const trustDomain = uri.replace(/^spiffe:\/\//, '')
    if (!certificate.ca || !certificate.verify(certificate.publicKey)) {
      throw new Error('it does not sign for itself')
    }
    if (more.length > 0 || `spiffe://${trustDomain}` !== uri || !isTrustDomain(trustDomain)) {
      throw new Error('it names no trust domain')
    }
    return { trustDomain, certificate }
  } catch (cause) {
    throw new Fault('certificate_invalid', 'This is not the certificate of an authority.', {
      cause,
    })
  }
}

/** The authority of a pair. Throws `certificate_invalid` or `pair_broken`. */
export function openAuthority(certificatePem: string | Buffer, pem: string | Buffer): Authority {
  const read = readAuthority(certificatePem)
  try {
    const key = createPrivateKey(pem)
    if (read.certificate.checkPrivateKey(key)) return { ...read, key }
  } catch (cause) {
    throw new Fault('pair_broken', 'This is not a private key.', { cause })
  }
  throw new Fault('pair_broken')
}

/** The certificate for a request, in PEM. Throws `name_invalid`, `usage`, or why it cannot sign. */
export function certify(authority: Authority, request: CertificateRequest, now: Date): string {
  const { role, name, publicKey } = request
  const { trustDomain, certificate: issuer } = authority
  if (!isName(name)) {
    throw new Fault(
      'name_invalid',
      `"${name}" is not a name: use at most 63 of a to z, 0 to 9, "-", "_" and ".".`,
    )
  }
  if (publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new Fault('certificate_invalid', `The key of ${name} is not on the curve P-256.`)
  }
  if (now < issuer.validFromDate) throw new Fault('clock_wrong', clockMessage(issuer, now))
  if (now >= issuer.validToDate) {
    throw new Fault('certificate_expired', `The authority itself ended on ${issuer.validTo}.`)
  }
  const validity = validityFrom(now, request.lifeMs ?? lifeMs[role], issuer.validToDate)
  const identity = { trustDomain, role, name }
  const leaf = { identity, publicKey, validity, ...addressesOf(request) }
  const pem = leafCertificate(leaf, signerOf(authority))
  const certificate = new X509Certificate(pem)
  if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) {
    throw new Fault('internal', `The certificate for ${identityName(identity)} does not verify.`)
  }
  return pem
}

/** The list of all revocations, in PEM. */
export function listRevocations(
  authority: Authority,
  contents: { readonly revocations: readonly Revocation[]; readonly number: bigint },
  now: Date,
): string {
  const thisUpdate = new Date(now.getTime() - backdatedMs)
  const nextUpdate = new Date(now.getTime() + lifeMs.revocations)
  return revocationListPem({ ...contents, thisUpdate, nextUpdate }, signerOf(authority))
}

function signerOf({ certificate, key }: Authority): Signer {
  return { subject: subjectOf(certificate), publicKey: certificate.publicKey, key }
}

function validityFrom(now: Date, life: number, last = new Date(8.64e15)): Validity {
  if (!(life >= 1000 && life <= lifeMsMax)) {
    throw new Fault('usage', 'A certificate lasts at least a second and at most a hundred years.')
  }
  return {
    notBefore: new Date(now.getTime() - backdatedMs),
    notAfter: new Date(Math.min(now.getTime() + life, last.getTime())),
  }
}

/** The names and addresses at which a relay is reached, each well formed; nobody else has any. */
function addressesOf(request: CertificateRequest): {
  readonly dnsNames: readonly string[]
  readonly ipAddresses: readonly string[]
} {
  const { role, name, dnsNames = [], ipAddresses = [] } = request
  const none = dnsNames.length === 0 && ipAddresses.length === 0
  if (role !== 'relay') {
    if (none) return { dnsNames, ipAddresses }
    throw new Fault(
      'usage',
      `Only a relay has DNS names and IP addresses, and ${name} is no relay.`,
    )
  }
  if (none) {
    return parseAddress(name) === undefined
      ? { dnsNames: [hostName(name)], ipAddresses: [] }
      : { dnsNames: [], ipAddresses: [name] }
  }
  return { dnsNames: dnsNames.map(hostName), ipAddresses: ipAddresses.map(ipAddress) }
}

/** A host name in one strict spelling: no wildcard, no dot at the end, nothing but the name. */
function hostName(text: string): string {
  if (isHostName(text) && text === text.toLowerCase()) return text
  throw new Fault(
    'name_invalid',
    `"${text}" is not a host name: write it like relay.example.com, in lower case, no wildcard.`,
  )
}

function ipAddress(text: string): string {
  const address = parseAddress(text)
  if (address === undefined) throw new Fault('name_invalid', `"${text}" is not an IP address.`)
  return formatAddress(address)
}

function clockMessage({ validFrom }: X509Certificate, now: Date): string {
  return `This machine's clock says ${now.toISOString()}, but the authority begins on ${validFrom}.`
}
