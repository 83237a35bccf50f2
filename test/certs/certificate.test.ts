/** Tests of certificates by witnesses that did not make them: node, openssl, @peculiar/x509. */
import 'reflect-metadata'
import { X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import test from 'ava'
import { certify, createAuthority, generateKeys, keyPem, lifeMs } from '../../certs/authority.ts'
import { opensslVerify } from '../support/openssl.ts'
import { run } from '../support/process.ts'
import { programPath, testWith } from '../support/program.ts'
import { temporaryFolder } from '../support/temporary.ts'

const now = new Date()
const trustDomain = 'example.com'
const { authority, certificate: issuerPem } = createAuthority({ trustDomain, now })
const issuer = new X509Certificate(issuerPem)
const keys = generateKeys()
const { publicKey } = keys
const relayPem = certify(
  authority,
  {
    role: 'relay',
    name: 'relay-1',
    publicKey,
    dnsNames: ['relay.example.com', 'localhost'],
    ipAddresses: ['198.51.100.4', '2001:db8::1'],
  },
  now,
)
const agentPem = certify(authority, { role: 'agent', name: 'plant-1', publicKey }, now)
const clientPem = certify(authority, { role: 'client', name: 'crm', publicKey }, now)
const relay = new X509Certificate(relayPem)
const agent = new X509Certificate(agentPem)

test('node: a leaf is issued and signed by the authority, and fits its key', (t) => {
  for (const leaf of [relay, agent, new X509Certificate(clientPem)]) {
    t.true(leaf.checkIssued(issuer))
    t.true(leaf.verify(issuer.publicKey))
    t.true(leaf.checkPrivateKey(keys.privateKey))
    t.false(leaf.ca)
  }
  t.true(issuer.ca)
  t.true(issuer.checkIssued(issuer))
})

test('node: another authority of the same name did not issue it', (t) => {
  const other = createAuthority({ trustDomain, now }).authority.certificate
  t.false(agent.verify(other.publicKey))
  t.false(agent.checkIssued(other), 'the key identifier tells them apart')
})

test('node: a relay is found by its names and addresses, and by nothing else', (t) => {
  for (const host of ['relay.example.com', 'localhost']) {
    t.is(relay.checkHost(host, { subject: 'never' }), host)
  }
  for (const host of ['relay-1', 'example.com', 'a.relay.example.com', 'relay.example.org']) {
    t.is(relay.checkHost(host, { subject: 'never' }), undefined)
  }
  for (const address of ['198.51.100.4', '2001:db8::1']) t.is(relay.checkIP(address), address)
  for (const address of ['198.51.100.5', '::1']) t.is(relay.checkIP(address), undefined)
  t.is(agent.checkHost('plant-1', { subject: 'never' }), undefined)
})

test('@peculiar/x509 reads what was meant', async (t) => {
  const root = new x509.X509Certificate(issuerPem)
  t.deepEqual(facts(root), {
    authority: true,
    pathLength: 0,
    usages: x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
    extendedUsages: undefined,
    names: [{ type: 'url', value: 'spiffe://example.com' }],
    critical: ['2.5.29.19', '2.5.29.15'],
  })
  t.deepEqual(facts(new x509.X509Certificate(agentPem)), {
    authority: false,
    pathLength: undefined,
    usages: x509.KeyUsageFlags.digitalSignature,
    extendedUsages: [x509.ExtendedKeyUsage.clientAuth],
    names: [{ type: 'url', value: 'spiffe://example.com/agent/plant-1' }],
    critical: ['2.5.29.19', '2.5.29.15'],
  })
  t.deepEqual(facts(new x509.X509Certificate(relayPem)), {
    authority: false,
    pathLength: undefined,
    usages: x509.KeyUsageFlags.digitalSignature,
    extendedUsages: [x509.ExtendedKeyUsage.serverAuth],
    names: [
      { type: 'url', value: 'spiffe://example.com/relay/relay-1' },
      { type: 'dns', value: 'relay.example.com' },
      { type: 'dns', value: 'localhost' },
      { type: 'ip', value: '198.51.100.4' },
      { type: 'ip', value: '2001:db8::1' },
    ],
    critical: ['2.5.29.19', '2.5.29.15'],
  })
  for (const pem of [relayPem, agentPem, clientPem]) {
    const leaf = new x509.X509Certificate(pem)
    t.true(await leaf.verify({ publicKey: root.publicKey, date: now }))
    t.is(leaf.issuer, root.subject)
    t.is(keyIdentifier(leaf), root.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId)
    t.is(leaf.serialNumber.toUpperCase(), new X509Certificate(pem).serialNumber)
    t.is(Number(leaf.notAfter), Number(new X509Certificate(pem).validToDate))
  }
})

testWith('openssl')('openssl: each role is good for its own purpose only', async (t) => {
  for (const [pem, purpose, other] of [
    [relayPem, 'sslserver', 'sslclient'],
    [agentPem, 'sslclient', 'sslserver'],
    [clientPem, 'sslclient', 'sslserver'],
  ] as const) {
    await t.notThrowsAsync(opensslVerify({ root: issuerPem, leaf: pem }, '-purpose', purpose))
    await t.throwsAsync(opensslVerify({ root: issuerPem, leaf: pem }, '-purpose', other), {
      message: /unsuitable certificate pur/,
    })
  }
  await t.notThrowsAsync(
    opensslVerify(
      { root: issuerPem, leaf: relayPem },
      '-verify_hostname',
      'relay.example.com',
      '-verify_ip',
      '2001:db8::1',
    ),
  )
  await t.throwsAsync(
    opensslVerify({ root: issuerPem, leaf: relayPem }, '-verify_hostname', 'example.com'),
    {
      message: /mismatch/,
    },
  )
})

testWith('openssl')('openssl: a certificate past 2050 is read as it is meant', async (t) => {
  const at = new Date('2051-06-01T00:00:00Z')
  const distant = createAuthority({ trustDomain, now: at, lifeMs: lifeMs.authority })
  const seconds = String(at.getTime() / 1000)
  const leaf = certify(distant.authority, { role: 'agent', name: 'plant-1', publicKey }, at)
  const chain = { root: distant.certificate, leaf }
  await t.notThrowsAsync(opensslVerify(chain, '-attime', seconds))
  await t.throwsAsync(opensslVerify(chain), { message: /not yet valid/ })
})

testWith('openssl')('openssl: the key is PKCS #8 on P-256', async (t) => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'key.pem')
  await writeFile(file, keyPem(keys.privateKey))
  const text = await run(programPath('openssl'), ['pkey', '-in', file, '-noout', '-text'])
  t.regex(text, /prime256v1/)
})

function facts(certificate: x509.X509Certificate) {
  const constraints = certificate.getExtension(x509.BasicConstraintsExtension)
  const extended = certificate.getExtension(x509.ExtendedKeyUsageExtension)
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)
  return {
    authority: constraints?.ca,
    pathLength: constraints?.pathLength,
    usages: certificate.getExtension(x509.KeyUsagesExtension)?.usages,
    extendedUsages: extended === null ? undefined : [...extended.usages],
    names: names?.names.items.map(({ type, value }) => ({ type, value })),
    critical: [...certificate.extensions].filter((one) => one.critical).map(({ type }) => type),
  }
}

function keyIdentifier(certificate: x509.X509Certificate): string | undefined {
  return certificate.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId
}
