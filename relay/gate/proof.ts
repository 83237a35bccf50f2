/**
 * What the certificate of a connection proves, and every reason why it may prove nothing.
 *
 * Invariant: only what TLS verified on this very connection counts, and it is asked at every
 * upgrade: no header, no earlier connection and no resumed session says who somebody is (T1 to T5).
 */
import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { type Identity, identityName, type Role } from '../../shared/identity.ts'
import { certificateFault } from '../../shared/io/network-fault.ts'
import { peerIdentity } from '../../shared/io/tls.ts'
import { Fault } from '../../shared/protocol/fault.ts'

/** A good certificate of the role that a door is for. */
export interface Proof {
  readonly identity: Identity
  /** As `X509Certificate.serialNumber` spells it. */
  readonly serialNumber: string
  readonly notAfter: Date
}

/** What a certificate is held against. */
export interface Standard {
  readonly trustDomain: string
  /** Who may come in by this door. */
  readonly role: Role
  /** Serial numbers. */
  readonly revoked: ReadonlySet<string>
}

/** The proof, or why there is none. */
export function proofOf(socket: TLSSocket, standard: Standard): Proof | Fault {
  const { trustDomain, role, revoked } = standard
  const leaf = socket.getPeerX509Certificate()
  if (leaf === undefined) return new Fault('certificate_missing', 'A carrier needs a certificate.')
  if (!socket.authorized) return unverified(leaf, String(socket.authorizationError))
  const { serialNumber, validToDate: notAfter } = leaf
  if (revoked.has(serialNumber)) {
    return new Fault('revoked', `The certificate ${serialNumber} is revoked.`)
  }
  const identity = peerIdentity(leaf)
  if (identity instanceof Fault) return identity
  if (identity.trustDomain !== trustDomain) {
    const domains = `${identity.trustDomain}, and this relay to ${trustDomain}`
    return new Fault('identity_invalid', `The certificate belongs to ${domains}.`)
  }
  if (identity.role !== role) {
    const who = identityName(identity)
    return new Fault('role_wrong', `This door is for the role ${role}; the certificate is ${who}.`)
  }
  return { identity, serialNumber, notAfter }
}

function unverified(leaf: X509Certificate, reason: string): Fault {
  const evidence = { shown: leaf, judge: 'the relay' }
  const fault = certificateFault(reason, 'The certificate shown', evidence)
  if (fault !== undefined && fault.code !== 'tls_intercepted') return fault
  const issuer = JSON.stringify(leaf.issuer.replaceAll('\n', ', ').slice(0, 100))
  const message = `The certificate shown is by ${issuer}, whom this relay does not trust`
  return new Fault('certificate_invalid', `${message} (${reason}).`)
}
