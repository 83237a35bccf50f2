/**
 * Writing DER: the few shapes that certificates and revocation lists are made of, as values of
 * node-forge, and the one signature around them.
 *
 * Invariant: node-forge only writes here. It makes no key and no signature and it judges nothing;
 * keys and signatures are node's.
 */
import { type KeyObject, sign } from 'node:crypto'
import forge from 'node-forge'

const { asn1 } = forge
const { Class, Type } = asn1

/** One element of DER, ready to be written. */
export type Element = forge.asn1.Asn1

/** Elements in order. */
export function sequence(...elements: readonly Element[]): Element {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [...elements])
}

/** A set of one element. */
export function setOf(element: Element): Element {
  return asn1.create(Class.UNIVERSAL, Type.SET, true, [element])
}

/** A non-negative integer of any size. */
export function integer(value: bigint): Element {
  const digits = value.toString(16)
  const bytes = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex')
  const positive = (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.alloc(1), bytes])
  return primitive(Type.INTEGER, positive)
}

/** One of a numbered list; `value` is below 128. */
export function enumerated(value: number): Element {
  return primitive(Type.ENUMERATED, Buffer.of(value))
}

/** The boolean true; false is always a default here, and defaults are not written. */
export function yes(): Element {
  return primitive(Type.BOOLEAN, Buffer.of(0xff))
}

/** An object identifier from its dotted form. */
export function identifier(dotted: string): Element {
  return asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(dotted).getBytes())
}

/** Bytes in a string of octets. */
export function octets(bytes: Uint8Array): Element {
  return primitive(Type.OCTETSTRING, bytes)
}

/** Bytes in a string of bits, of which the last `unusedBits` do not count. */
export function bits(bytes: Uint8Array, unusedBits = 0): Element {
  return primitive(Type.BITSTRING, Buffer.concat([Buffer.of(unusedBits), bytes]))
}

/** Text in UTF-8. */
export function text(value: string): Element {
  return primitive(Type.UTF8, Buffer.from(value))
}

/** A time in whole seconds: UTCTime to the end of 2049, then GeneralizedTime (RFC 5280, 4.1.2). */
export function time(date: Date): Element {
  const digits = `${date.toISOString().slice(0, 19).replaceAll(/\D/g, '')}Z`
  return date.getUTCFullYear() < 2050
    ? primitive(Type.UTCTIME, Buffer.from(digits.slice(2)))
    : primitive(Type.GENERALIZEDTIME, Buffer.from(digits))
}

/** `[number] EXPLICIT`: the element inside a tag of its place. */
export function explicit(number: number, element: Element): Element {
  return asn1.create(Class.CONTEXT_SPECIFIC, number, true, [element])
}

/** `[number] IMPLICIT` over bytes: the tag of its place instead of its own. */
export function implicit(number: number, bytes: Uint8Array): Element {
  return asn1.create(Class.CONTEXT_SPECIFIC, number, false, binary(bytes))
}

/** Bytes that are well-formed DER already, such as a name copied from a certificate. */
export function copied(der: Uint8Array): Element {
  return asn1.fromDer(binary(der))
}

/** The bytes of an element. */
export function bytesOf(element: Element): Buffer {
  return Buffer.from(asn1.toDer(element).getBytes(), 'latin1')
}

/** The algorithm of every signature made here: ECDSA with SHA-256 (RFC 5758, section 3.2). */
export function signatureAlgorithm(): Element {
  return sequence(identifier('1.2.840.10045.4.3.2'))
}

/** `SEQUENCE { signed, algorithm, signature }` in PEM: the shape of certificates and of lists. */
export function signedPem(
  label: 'CERTIFICATE' | 'X509 CRL',
  signed: Element,
  key: KeyObject,
): string {
  const signature = sign('sha256', bytesOf(signed), key)
  const base64 = bytesOf(sequence(signed, signatureAlgorithm(), bits(signature))).toString('base64')
  const lines = base64.match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}

/** One extension; it is critical when whoever does not know it must refuse the whole. */
export function extension(name: string, value: Element, critical = false): Element {
  const parts = [identifier(name), ...(critical ? [yes()] : []), octets(bytesOf(value))]
  return sequence(...parts)
}

function primitive(type: forge.asn1.Type, bytes: Uint8Array): Element {
  return asn1.create(Class.UNIVERSAL, type, false, binary(bytes))
}

/** Forge keeps bytes as the characters of a string. */
function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
