/**
 * Certificate authorities for tests, good and hostile: they sign whatever they are asked to.
 *
 * Invariant: written with another library than the product's own, so that no test believes itself.
 */
import 'reflect-metadata'
import { randomBytes, webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** What a test wants to stand in a certificate; everything has an honest default. */
export interface CertificateWish {
  /** Subject alternative names: `URI:…`, `DNS:…` or `IP:…`, written as they are, even if wrong. */
  readonly names?: readonly string[]
  readonly subject?: string
  readonly serial?: string
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** Extended key usages; none of them leaves the extension out. */
  readonly usages?: readonly ('client' | 'server')[]
  /** True makes the leaf an authority of its own. */
  readonly authority?: boolean
}

/** A certificate with its key, both as PEM. */
export interface Credentials {
  readonly certificate: string
  readonly key: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 86_400_000
const usageIdentifiers = {
  client: x509.ExtendedKeyUsage.clientAuth,
  server: x509.ExtendedKeyUsage.serverAuth,
} as const

type CryptoKey = webcrypto.CryptoKey
type CryptoKeyPair = webcrypto.CryptoKeyPair

/** An authority of a test. */
export class TestAuthority {
  /** Its own certificate as PEM: what others trust. */
  readonly certificate: string
  readonly #subject: string
  readonly #keys: CryptoKeyPair
  readonly #issuer: TestAuthority | undefined

  private constructor(
    certificate: string,
    subject: string,
    keys: CryptoKeyPair,
    issuer?: TestAuthority,
  ) {
    this.certificate = certificate
    this.#subject = subject
    this.#keys = keys
    this.#issuer = issuer
  }

  /** A self-signed root, or one below `issuer`; `wish` may make it no authority at all. */
  static async create(
    commonName = 'Test Root',
    issuer?: TestAuthority,
    wish: CertificateWish = {},
  ): Promise<TestAuthority> {
    const keys = await newKeys()
    const subject = `CN=${commonName}`
    const certificate = await sign(
      { usages: [], authority: true, ...wish, subject },
      keys.publicKey,
      issuer === undefined ? subject : issuer.#subject,
      (issuer === undefined ? keys : issuer.#keys).privateKey,
    )
    return new TestAuthority(certificate, subject, keys, issuer)
  }

  /** A certificate with a key of its own, signed by this authority. */
  async issue(wish: CertificateWish = {}): Promise<Credentials> {
    const keys = await newKeys()
    const leaf = await sign(wish, keys.publicKey, this.#subject, this.#keys.privateKey)
    const chain = this.#issuer === undefined ? leaf : `${leaf}\n${this.certificate}`
    return { certificate: chain, key: await pemOf(keys.privateKey) }
  }
}

/** A certificate that nobody but its own key vouches for. */
export async function selfSigned(wish: CertificateWish): Promise<Credentials> {
  const keys = await newKeys()
  const subject = wish.subject ?? 'CN=Self'
  const certificate = await sign({ ...wish, subject }, keys.publicKey, subject, keys.privateKey)
  return { certificate, key: await pemOf(keys.privateKey) }
}

async function newKeys(): Promise<CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

async function pemOf(key: CryptoKey): Promise<string> {
  const bytes = await webcrypto.subtle.exportKey('pkcs8', key)
  return x509.PemConverter.encode(bytes, 'PRIVATE KEY')
}

async function sign(
  wish: CertificateWish,
  publicKey: CryptoKey,
  issuer: string,
  signingKey: CryptoKey,
): Promise<string> {
  const { names = [], usages = ['client', 'server'], authority = false } = wish
  const keyUsage = authority
    ? x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign
    : x509.KeyUsageFlags.digitalSignature
  const extensions: x509.Extension[] = [
    new x509.BasicConstraintsExtension(authority, undefined, true),
    new x509.KeyUsagesExtension(keyUsage, true),
  ]
  if (usages.length > 0) {
    const identifiers = usages.map((usage) => usageIdentifiers[usage])
    extensions.push(new x509.ExtendedKeyUsageExtension(identifiers))
  }
  if (names.length > 0) {
    extensions.push(new x509.SubjectAlternativeNameExtension(names.map(generalName)))
  }
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: wish.serial ?? `01${randomBytes(8).toString('hex')}`,
    subject: wish.subject ?? 'CN=Leaf',
    issuer,
    notBefore: wish.notBefore ?? new Date(Date.now() - dayMs),
    notAfter: wish.notAfter ?? new Date(Date.now() + 7 * dayMs),
    signingAlgorithm: algorithm,
    publicKey,
    signingKey,
    extensions,
  })
  return certificate.toString('pem')
}

function generalName(name: string): x509.JsonGeneralName {
  const colon = name.indexOf(':')
  const value = name.slice(colon + 1)
  switch (name.slice(0, colon)) {
    case 'URI':
      return { type: 'url', value }
    case 'DNS':
      return { type: 'dns', value }
    case 'IP':
      return { type: 'ip', value }
    default:
      throw new Error(`a name begins with URI:, DNS: or IP:, not ${name}`)
  }
}
