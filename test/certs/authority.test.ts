/** Tests of the authority: what it certifies, for how long, and which names it refuses. */
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import test from 'ava'
import {
  type Authority,
  backdatedMs,
  type CertificateRequest,
  certify,
  createAuthority,
  generateKeys,
  keyPem,
  lifeMs,
  lifeMsMax,
  openAuthority,
  readAuthority,
} from '../../certs/authority.ts'
import { roles } from '../../shared/identity.ts'
import { alternativeNames } from '../../shared/io/certificate.ts'
import { peerIdentity } from '../../shared/io/tls.ts'
import { Fault, type FaultCode } from '../../shared/protocol/fault.ts'
import { selfSigned, TestAuthority } from '../support/authority.ts'

const now = new Date('2026-11-22T12:00:00Z')
const made = createAuthority({ trustDomain: 'example.com', now })
const { authority } = made
const { publicKey } = generateKeys()

function leaf(request: Partial<CertificateRequest>, at = now, by: Authority = authority) {
  const whole = { role: 'agent', name: 'plant-1', publicKey, ...request } as const
  return new X509Certificate(certify(by, whole, at))
}

function codeOf(action: () => unknown): FaultCode | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    if (error instanceof Fault) return error.code
    throw error
  }
}

test('a leaf names its identity, whatever its role', (t) => {
  for (const role of roles) {
    const name = role === 'relay' ? 'relay.example.com' : 'plant-1'
    t.deepEqual(peerIdentity(leaf({ role, name })), { trustDomain: 'example.com', role, name })
  }
})

test('a relay has its name as DNS name or address, or exactly what it is given', (t) => {
  const namesOf = (request: Partial<CertificateRequest>) => {
    const { dnsNames, ipAddresses } = alternativeNames(leaf({ role: 'relay', ...request }))
    return [...dnsNames, ...ipAddresses]
  }
  t.deepEqual(namesOf({ name: 'relay.example.com' }), ['relay.example.com'])
  t.deepEqual(namesOf({ name: '198.51.100.4' }), ['198.51.100.4'])
  t.deepEqual(namesOf({ name: 'r', dnsNames: ['localhost', 'b.test'], ipAddresses: ['::1'] }), [
    'localhost',
    'b.test',
    '::1',
  ])
  t.deepEqual(namesOf({ name: 'r', ipAddresses: ['2001:DB8:0::1'] }), ['2001:db8::1'])
})

const hostileDnsNames = [
  'relay.example, URI:spiffe://example.com/agent/victim',
  'relay.example,DNS:other.example',
  'URI:spiffe://example.com/agent/victim',
  'relay.example\0.attacker.example',
  'relay.example\n',
  '*.example.com',
  'relay.*.com',
  'relay。example.com',
  'rélay.example.com',
  'Relay.example.com',
  'relay.example.com.',
  '.example.com',
  'relay..example.com',
  '-relay.example.com',
  'relay example',
  'relay.example:443',
  'relay.example/x',
  '127.0.0.1',
  '127.1',
  '0x7f.1',
  '::1',
  '',
  'a'.repeat(64),
  Array(64).fill('abc').join('.'),
]

test('T8, T9: a DNS name that is not one plain host name is refused', (t) => {
  for (const name of hostileDnsNames) {
    t.is(
      codeOf(() => leaf({ role: 'relay', name: 'r', dnsNames: [name] })),
      'name_invalid',
      name,
    )
    t.is(
      codeOf(() => leaf({ role: 'relay', name: 'r', dnsNames: ['good.example', name] })),
      'name_invalid',
      name,
    )
  }
})

test('an address that is not one plain address is refused', (t) => {
  for (const text of [
    '127.1',
    '010.0.0.1',
    'fe80::1%eth0',
    '10.0.0.0/8',
    'localhost',
    '',
    '::1 ',
  ]) {
    const request = { role: 'relay', name: 'r', ipAddresses: [text] } as const
    t.is(
      codeOf(() => leaf(request)),
      'name_invalid',
      text,
    )
  }
})

test('T6, T7: a name that is not of the narrow alphabet is refused', (t) => {
  for (const name of ['', 'Plant', 'a/b', 'plant-1\0x', 'plant-1\n', 'a.', '..', '%41', 'é']) {
    t.is(
      codeOf(() => leaf({ name })),
      'name_invalid',
      name,
    )
  }
  for (const trustDomain of ['', 'Example.com', 'example.com.', 'a/b', 'a:1', 'a@b', 'a\0b']) {
    t.is(
      codeOf(() => createAuthority({ trustDomain, now })),
      'name_invalid',
      trustDomain,
    )
  }
})

test('only a relay has DNS names and addresses', (t) => {
  t.is(
    codeOf(() => leaf({ role: 'agent', dnsNames: ['relay.example.com'] })),
    'usage',
  )
  t.is(
    codeOf(() => leaf({ role: 'client', ipAddresses: ['10.0.0.1'] })),
    'usage',
  )
})

test('K4: a certificate begins five minutes ago, in the eyes of a clock that is late', (t) => {
  t.is(backdatedMs, 300_000)
  t.is(leaf({}).validFromDate.getTime(), now.getTime() - backdatedMs)
  t.is(authority.certificate.validFromDate.getTime(), now.getTime() - backdatedMs)
})

test('each role lasts as long as it should, and as long as one asks', (t) => {
  const lastsMs = (certificate: X509Certificate) =>
    certificate.validToDate.getTime() - now.getTime()
  t.is(lastsMs(leaf({})), lifeMs.agent)
  t.is(lastsMs(leaf({ role: 'client' })), lifeMs.client)
  t.is(lastsMs(leaf({ role: 'relay', name: 'r.test' })), lifeMs.relay)
  t.is(lastsMs(authority.certificate), lifeMs.authority)
  t.is(lastsMs(leaf({ lifeMs: 90_000 })), 90_000)
  for (const life of [0, -1, 999, lifeMsMax + 1, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.is(
      codeOf(() => leaf({ lifeMs: life })),
      'usage',
      String(life),
    )
  }
})

test('a leaf ends with its authority at the latest, also past 2050', (t) => {
  t.deepEqual(leaf({ lifeMs: lifeMsMax }).validToDate, authority.certificate.validToDate)
  const old = createAuthority({
    trustDomain: 'example.com',
    now,
    lifeMs: (30 * lifeMs.authority) / 10,
  })
  const later = new Date('2049-12-31T23:59:00Z')
  t.deepEqual(
    leaf({ role: 'relay', name: 'r.test' }, later, old.authority).validToDate,
    new Date(later.getTime() + lifeMs.relay),
  )
})

test('K5: an authority that has ended or not begun certifies nothing, and says clock', (t) => {
  t.is(
    codeOf(() => leaf({}, new Date('2099-01-01T00:00:00Z'))),
    'certificate_expired',
  )
  t.is(
    codeOf(() => leaf({}, new Date('1970-01-01T00:00:00Z'))),
    'clock_wrong',
  )
})

test('only keys on P-256 are certified', (t) => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey
  const edwards = generateKeyPairSync('ed25519').publicKey
  const larger = generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey
  for (const key of [rsa, edwards, larger]) {
    t.is(
      codeOf(() => leaf({ publicKey: key })),
      'certificate_invalid',
    )
  }
  t.true(leaf({}).publicKey.equals(publicKey))
})

test('serial numbers are positive, of 128 bits, and never the same', (t) => {
  const serials = Array.from({ length: 200 }, () => leaf({}).serialNumber)
  t.is(new Set(serials).size, serials.length)
  for (const serial of serials) t.regex(serial, /^[4-7][0-9A-F]{31}$/)
})

test('C3: an authority opens with its own key only', (t) => {
  const opened = openAuthority(made.certificate, made.key)
  t.is(opened.trustDomain, 'example.com')
  t.true(createPublicKey(opened.key).equals(authority.certificate.publicKey))
  const other = createAuthority({ trustDomain: 'example.com', now })
  for (const key of [
    other.key,
    '',
    'no key',
    made.certificate,
    keyPem(generateKeys().privateKey),
  ]) {
    t.is(
      codeOf(() => openAuthority(made.certificate, key)),
      'pair_broken',
    )
  }
})

test('T19: a leaf, or what names no trust domain, is no authority', async (t) => {
  const foreign = await TestAuthority.create()
  const own = await selfSigned({ names: ['URI:spiffe://example.com'], authority: true })
  t.is(readAuthority(own.certificate).trustDomain, 'example.com')
  for (const pem of [
    leaf({}).toString(),
    foreign.certificate,
    (await foreign.issue({ names: ['URI:spiffe://example.com'], authority: true })).certificate,
    (await selfSigned({ names: ['URI:spiffe://example.com'] })).certificate,
    (await selfSigned({ names: ['URI:spiffe://Example.com'], authority: true })).certificate,
    (await selfSigned({ names: ['URI:https://example.com'], authority: true })).certificate,
    '',
    'no certificate',
  ]) {
    t.is(
      codeOf(() => readAuthority(pem)),
      'certificate_invalid',
    )
  }
})
