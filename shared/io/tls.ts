/**
 * TLS 1.3 as Sallyport speaks it, on both sides of a carrier.
 *
 * Invariant: nobody is trusted but our own authority, no session is ever resumed (each handshake
 * shows its certificate: CVE-2025-23419, CVE-2026-48934), HTTP/1.1 is all that is spoken, and who
 * somebody is stands in the verified leaf.
 */
import { constants, X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import {
  type ConnectionOptions,
  checkServerIdentity,
  type PeerCertificate,
  type SecureContextOptions,
  type TlsOptions,
} from 'node:tls'
import { type Identity, parseIdentityUri } from '../identity.ts'
import { Fault } from '../protocol/fault.ts'
import { alternativeNames } from './certificate.ts'

/** What one party shows and whom it trusts, all as PEM. */
export interface TlsCredentials {
  /** The leaf, then the intermediates below the authority, if any. */
  readonly certificate: string
  /** The private key of the leaf. */
  readonly key: string
  /** The one authority, or two of them while it is turned over. */
  readonly authority: string
}

/** The application protocol: with HTTP/2 there would be a second way in, and bombs (X6). */
export const applicationProtocols: readonly string[] = ['http/1.1']

/**
 * The part that can be replaced while a server runs (`setSecureContext`). Throws
 * `authority_missing` when there is no authority in it: node would trust the public ones instead.
 */
export function secureContext(credentials: TlsCredentials): SecureContextOptions {
  return {
    cert: credentials.certificate,
    key: credentials.key,
    ca: authoritiesIn(credentials.authority),
    minVersion: 'TLSv1.3',
    maxVersion: 'TLSv1.3',
    // Without tickets, and without a store for sessions, there is nothing to resume from.
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}

/**
 * The relay's side. A client without a good certificate gets through the handshake, so that it can
 * be refused with a reason: `socket.authorized` decides, at each upgrade, in one place (the gate).
 */
export function relayTls(credentials: TlsCredentials): TlsOptions {
  return {
    ...secureContext(credentials),
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: [...applicationProtocols],
  }
}

/**
 * The agent's side, for one connection to the relay of that name or address. It fails unless the
 * relay's certificate is for that very name and for the role `relay` of this trust domain.
 */
export function agentTls(
  credentials: TlsCredentials,
  relay: { readonly host: string; readonly trustDomain: string },
): ConnectionOptions {
  const host = relay.host.replace(/\.$/, '')
  return {
    ...secureContext(credentials),
    rejectUnauthorized: true,
    ALPNProtocols: [...applicationProtocols],
    // RFC 6066 (3): a server name is never an address.
    servername: isIP(host) === 0 ? host : '',
    checkServerIdentity: (_: string, shown: PeerCertificate) =>
      checkServerIdentity(host, shown) ?? relayFault(new X509Certificate(shown.raw), host, relay),
  }
}

/**
 * The identity of this leaf, or `identity_invalid` with what is wrong about it. Only for a leaf
 * that TLS has verified: what else a peer presents names nobody (GHSA-hhm9-wf63-g7qj). On a server
 * that is `socket.getPeerX509Certificate()` of an authorized socket; on a client that call takes
 * the leaf *out* of the chain, so there it is `getPeerCertificate().raw`. Whether the role is right
 * is the caller's question.
 */
export function peerIdentity(leaf: X509Certificate): Identity | Fault {
  if (leaf.ca) return invalidIdentity("is an authority's: it signs others and names nobody")
  let uris: readonly string[]
  try {
    uris = alternativeNames(leaf).uris
  } catch {
    return invalidIdentity('has alternative names that cannot be read')
  }
  const [uri] = uris
  if (uri === undefined || uris.length > 1) {
    return invalidIdentity(`has ${uris.length} URI names, not one`)
  }
  const shown = JSON.stringify(uri.slice(0, 100))
  return parseIdentityUri(uri) ?? invalidIdentity(`names ${shown}, which is no identity`)
}

function invalidIdentity(what: string): Fault {
  return new Fault('identity_invalid', `The certificate ${what}.`)
}

/** Why this leaf is not the relay's, beyond what TLS has verified; undefined when it is. */
function relayFault(
  leaf: X509Certificate,
  host: string,
  { trustDomain }: { readonly trustDomain: string },
): Fault | undefined {
  const named = isIP(host) === 0 ? leaf.checkHost(host, exactly) : leaf.checkIP(host)
  if (named === undefined) {
    return new Fault('certificate_invalid', `The certificate shown is not for ${host} by name.`)
  }
  const identity = peerIdentity(leaf)
  if (identity instanceof Fault) return identity
  const { role, name } = identity
  if (role !== 'relay' || identity.trustDomain !== trustDomain) {
    return new Fault(
      'role_wrong',
      `${host} shows the certificate of ${role} ${name} in ${identity.trustDomain}, ` +
        `not of a relay in ${trustDomain}.`,
    )
  }
  return undefined
}

/** A relay's name is written out: wildcards widen what one certificate is good for (T9). */
const exactly = { wildcards: false, subject: 'never' } as const

/** The certificates in this PEM, each of them an authority's. Throws `authority_missing`. */
function authoritiesIn(pem: string): string[] {
  const authorities = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (authorities.length === 0) throw new Fault('authority_missing', 'No authority is configured.')
  for (const authority of authorities) {
    const { ca, subject } = readCertificate(authority)
    if (!ca) throw new Fault('authority_missing', `${subject} is not an authority's certificate.`)
  }
  return authorities
}

function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    const message = "The authority's certificate cannot be read."
    throw new Fault('authority_missing', message, { cause })
  }
}
