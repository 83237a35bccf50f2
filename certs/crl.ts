/**
 * What is written in a revocation list, version 2 (RFC 5280, section 5), and its signature.
 *
 * Invariant: a list is complete. It names every certificate that was ever revoked and has no
 * critical extension, so whoever holds the latest needs no other.
 */
import { authorityKeyIdentifier, extensions, type Signer } from './certificate.ts'
import {
  copied,
  enumerated,
  explicit,
  extension,
  integer,
  sequence,
  signatureAlgorithm,
  signedPem,
  time,
} from './der.ts'

/** The reasons that may be given, with their numbers in the list (RFC 5280, section 5.3.1). */
export const reasonNumbers = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
} as const

/** Why a certificate was revoked. */
export type Reason = keyof typeof reasonNumbers

/** One revoked certificate. */
export interface Revocation {
  /** Hexadecimal, as `X509Certificate.serialNumber` spells it. */
  readonly serialNumber: string
  readonly revokedAt: Date
  readonly reason: Reason
}

/** A list with its number, its date and the date when the next is due, in PEM. */
export function revocationListPem(
  contents: {
    readonly revocations: readonly Revocation[]
    readonly number: bigint
    readonly thisUpdate: Date
    readonly nextUpdate: Date
  },
  signer: Signer,
): string {
  const { revocations, number, thisUpdate, nextUpdate } = contents
  const signed = sequence(
    integer(1n),
    signatureAlgorithm(),
    copied(signer.subject),
    time(thisUpdate),
    time(nextUpdate),
    // An empty list is left out altogether, not written as empty.
    ...(revocations.length === 0 ? [] : [sequence(...revocations.map(entry))]),
    explicit(
      0,
      sequence(
        authorityKeyIdentifier(signer.publicKey),
        extension(extensions.crlNumber, integer(number)),
      ),
    ),
  )
  return signedPem('X509 CRL', signed, signer.key)
}

function entry({ serialNumber, revokedAt, reason }: Revocation) {
  const parts = [integer(BigInt(`0x${serialNumber}`)), time(revokedAt)]
  if (reason === 'unspecified') return sequence(...parts)
  const code = extension(extensions.reasonCode, enumerated(reasonNumbers[reason]))
  return sequence(...parts, sequence(code))
}
