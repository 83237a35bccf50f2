/** Tests of what is read from a certificate's bytes: each name as it stands, and nothing else. */
import { X509Certificate } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { alternativeNames, subjectOf } from '../../../shared/io/certificate.ts'
import { type CertificateWish, TestAuthority } from '../../support/authority.ts'

const root = await TestAuthority.create()

async function issue(wish: CertificateWish): Promise<X509Certificate> {
  return new X509Certificate((await root.issue(wish)).certificate)
}

test('gives each kind of name in its order, addresses in canonical spelling', async (t) => {
  const certificate = await issue({
    names: [
      'DNS:b.example',
      'IP:10.0.0.1',
      'URI:spiffe://x/agent/y',
      'IP:2001:db8::1',
      'DNS:a.example',
    ],
  })
  t.deepEqual(alternativeNames(certificate), {
    uris: ['spiffe://x/agent/y'],
    dnsNames: ['b.example', 'a.example'],
    ipAddresses: ['10.0.0.1', '2001:db8::1'],
  })
})

test('a certificate without names has none', async (t) => {
  t.deepEqual(alternativeNames(await issue({})), { uris: [], dnsNames: [], ipAddresses: [] })
})

test('T8: a DNS name that holds ", URI:" is one DNS name and no URI', async (t) => {
  const hostile = 'x.example, URI:spiffe://test/agent/victim'
  const certificate = await issue({ names: [`DNS:${hostile}`, 'URI:spiffe://test/agent/own'] })
  t.deepEqual(alternativeNames(certificate), {
    uris: ['spiffe://test/agent/own'],
    dnsNames: [hostile],
    ipAddresses: [],
  })
})

test('T7: a NUL, CR or LF in a URI stays in it', async (t) => {
  for (const character of ['\0', '\r', '\n']) {
    const hostile = `spiffe://test/agent/plant-1${character}x`
    const certificate = await issue({ names: [`URI:${hostile}`] })
    t.deepEqual(alternativeNames(certificate).uris, [hostile])
  }
})

test('T6: two URIs are two', async (t) => {
  const uris = ['spiffe://test/agent/one', 'spiffe://test/agent/two']
  const certificate = await issue({ names: uris.map((uri) => `URI:${uri}`) })
  t.deepEqual(alternativeNames(certificate).uris, uris)
})

test('T6: a second subjectAltName is refused, not passed over', async (t) => {
  const good = await issue({ names: ['URI:spiffe://test/agent/own'] })
  const bytes = Buffer.from(good.raw)
  // The key usage becomes another subjectAltName: the last byte of 2.5.29.15 is made 17.
  bytes[bytes.indexOf(Buffer.of(0x06, 0x03, 0x55, 0x1d, 0x0f)) + 4] = 0x11
  t.throws(() => alternativeNames(new X509Certificate(bytes)), { message: /stands there twice/ })
})

test('the subject is the issuer of what it signs, byte for byte', async (t) => {
  const own = subjectOf(new X509Certificate(root.certificate))
  const leaf = await issue({ subject: 'CN=Leaf' })
  t.true(Buffer.from(leaf.raw).includes(Buffer.from(own)))
  t.false(Buffer.from(own).equals(subjectOf(leaf)))
})

test('T15: a mutated certificate is refused by node or read without harm', async (t) => {
  const good = await issue({ names: ['URI:spiffe://test/agent/plant-1', 'IP:127.0.0.1'] })
  const changes = fc.array(fc.tuple(fc.nat(good.raw.length - 1), fc.nat(255)), {
    minLength: 1,
    maxLength: 4,
  })
  fc.assert(
    fc.property(changes, (list) => {
      const bytes = Buffer.from(good.raw)
      for (const [at, byte] of list) bytes[at] = byte
      try {
        alternativeNames(new X509Certificate(bytes))
      } catch (error) {
        t.true(error instanceof Error)
      }
    }),
    { numRuns: 2000 },
  )
  t.pass()
})
