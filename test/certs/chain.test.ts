/** Tests of what a certificate cannot do: be an authority, or have one below it (K1, T19). */
import 'reflect-metadata'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import * as x509 from '@peculiar/x509'
import test from 'ava'
import { certify, createAuthority, generateKeys, keyPem } from '../../certs/authority.ts'
import { leafCertificate, type Signer } from '../../certs/certificate.ts'
import { subjectOf } from '../../shared/io/certificate.ts'
import { relayTls } from '../../shared/io/tls.ts'
import { opensslVerify } from '../support/openssl.ts'
import { run } from '../support/process.ts'
import { programPath, testWith } from '../support/program.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { within } from '../support/within.ts'

const now = new Date()
const trustDomain = 'example.com'
const made = createAuthority({ trustDomain, now })
const keys = generateKeys()
const { publicKey } = keys
const agentPem = certify(made.authority, { role: 'agent', name: 'plant-1', publicKey }, now)
const relayPem = certify(made.authority, { role: 'relay', name: 'relay.test', publicKey }, now)
const agent = new X509Certificate(agentPem)

/** A leaf for a victim's name, well signed with the key of an agent. */
function forge(): { readonly pem: string; readonly key: string } {
  const victim = generateKeys()
  const signer: Signer = { subject: subjectOf(agent), publicKey, key: keys.privateKey }
  const pem = leafCertificate(
    {
      identity: { trustDomain, role: 'agent', name: 'victim' },
      publicKey: victim.publicKey,
      dnsNames: [],
      ipAddresses: [],
      validity: { notBefore: agent.validFromDate, notAfter: agent.validToDate },
    },
    signer,
  )
  return { pem, key: keyPem(victim.privateKey) }
}

testWith('openssl')('K1: openssl refuses a leaf that a leaf has signed', async (t) => {
  const { pem } = forge()
  t.true(new X509Certificate(pem).verify(publicKey), 'the signature alone is good')
  await t.throwsAsync(opensslVerify({ root: made.certificate, leaf: pem, others: [agentPem] }), {
    message: /invalid CA certificate/,
  })
})

test('K1: a relay refuses a leaf that a leaf has signed', async (t) => {
  const { pem, key } = forge()
  const own = { certificate: agentPem, key: keyPem(keys.privateKey) }
  t.true(await isAuthorized(own))
  t.false(await isAuthorized({ certificate: pem + agentPem, key }))
})

testWith('openssl')('K1: no authority can be put below ours', async (t) => {
  await using folder = await temporaryFolder()
  const own = new x509.X509Certificate(agentPem).getExtension(x509.SubjectKeyIdentifierExtension)
  const files = {
    'root.pem': made.certificate,
    'root.key': made.key,
    'below.key': keyPem(keys.privateKey),
    extensions: [
      'basicConstraints=critical,CA:TRUE',
      'keyUsage=critical,keyCertSign',
      `subjectKeyIdentifier=${own?.keyId}`,
    ].join('\n'),
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text)
  const openssl = (args: string): Promise<string> =>
    run(programPath('openssl'), args.split(' '), { folder: folder.path })
  await openssl('req -new -key below.key -subj /CN=below -out below.csr')
  await openssl(
    'x509 -req -in below.csr -CA root.pem -CAkey root.key -extfile extensions -out below.pem',
  )
  const below = await readFile(join(folder.path, 'below.pem'), 'utf8')
  const signer = {
    subject: subjectOf(new X509Certificate(below)),
    publicKey,
    key: keys.privateKey,
  }
  const identity = { trustDomain, role: 'agent', name: 'victim' } as const
  const validity = { notBefore: agent.validFromDate, notAfter: agent.validToDate }
  const leaf = { identity, publicKey, dnsNames: [], ipAddresses: [], validity }
  const chain = { root: made.certificate, leaf: leafCertificate(leaf, signer), others: [below] }
  await t.throwsAsync(opensslVerify(chain), { message: /path length constraint exceeded/ })
})

/** Whether a relay's TLS verifies a client that shows these. */
async function isAuthorized(client: {
  readonly certificate: string
  readonly key: string
}): Promise<boolean> {
  const key = keyPem(keys.privateKey)
  const server = createServer(relayTls({ certificate: relayPem, key, authority: made.certificate }))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const accepted = once(server, 'secureConnection') as Promise<[TLSSocket]>
  const socket = connect({
    host: '127.0.0.1',
    port,
    ca: made.certificate,
    cert: client.certificate,
    key: client.key,
    servername: 'relay.test',
  })
  try {
    const [seen] = await within('handshake', accepted)
    return seen.authorized
  } finally {
    socket.destroy()
    server.close()
  }
}
