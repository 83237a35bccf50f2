/** Tests of TLS on both sides of a carrier: who gets through, who is named, what never resumes. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls'
import test from 'ava'
import { identityUri } from '../../../shared/identity.ts'
import { agentTls, peerIdentity, relayTls, type TlsCredentials } from '../../../shared/io/tls.ts'
import { Fault } from '../../../shared/protocol/fault.ts'
import {
  type CertificateWish,
  type Credentials,
  selfSigned,
  TestAuthority,
} from '../../support/authority.ts'
import { within } from '../../support/within.ts'

const root = await TestAuthority.create()
const relay = await root.issue({
  names: ['DNS:relay.test', 'IP:127.0.0.1', 'IP:::1', 'URI:spiffe://test/relay/relay'],
})
const agent = await root.issue({ names: ['URI:spiffe://test/agent/plant-1'] })
const victim = await root.issue({ names: ['URI:spiffe://test/agent/victim'] })
const relayPlace = { host: 'relay.test', trustDomain: 'test' }

/** What the relay's side saw of a client, and how the client's side fared. */
interface Handshake {
  readonly server: TLSSocket | undefined
  readonly client: TLSSocket
  readonly error: unknown
}

async function handshake<Result>(
  relayShows: TlsCredentials,
  clientOptions: ConnectionOptions,
  look: (seen: Handshake) => Result,
  address = '127.0.0.1',
): Promise<Result> {
  const server = createServer(relayTls(relayShows))
  server.on('tlsClientError', () => {})
  server.listen(0, address)
  await once(server, 'listening')
  let accepted: TLSSocket | undefined
  const secured = new Promise<void>((resolve) => {
    server.once('secureConnection', (socket) => {
      accepted = socket.on('error', () => {})
      resolve()
    })
  })
  const { port } = server.address() as AddressInfo
  const client = connect({ ...clientOptions, host: address, port })
  let error: unknown
  client.on('error', (reason) => {
    error = reason
  })
  const over = new Promise<void>((resolve) => client.once('close', () => resolve()))
  const agreed = new Promise<void>((resolve) => client.once('secureConnect', () => resolve()))
  try {
    await within('handshake', Promise.race([Promise.all([agreed, secured]), over]))
    return look({ server: accepted, client, error })
  } finally {
    client.destroy()
    accepted?.destroy()
    server.close()
  }
}

const trusted = (shown: Credentials): TlsCredentials => ({ ...shown, authority: root.certificate })
const asAgent = (shown: Credentials): ConnectionOptions => agentTls(trusted(shown), relayPlace)

/** The client's identity as the relay sees it, or why there is none. */
async function seenByRelay(shown: Credentials): Promise<string> {
  return await handshake(trusted(relay), asAgent(shown), ({ server }) => {
    if (server === undefined) return 'no handshake'
    if (!server.authorized) return String(server.authorizationError)
    const leaf = server.getPeerX509Certificate()
    if (leaf === undefined) return 'no certificate'
    const identity = peerIdentity(leaf)
    return identity instanceof Fault ? identity.code : identityUri(identity)
  })
}

test('a good agent and a good relay agree on TLS 1.3, and see each other', async (t) => {
  await handshake(trusted(relay), asAgent(agent), ({ server, client, error }) => {
    t.is(error, undefined)
    t.true(client.authorized)
    t.is(client.getProtocol(), 'TLSv1.3')
    t.is(client.alpnProtocol, 'http/1.1')
    t.true(server?.authorized)
  })
  t.is(await seenByRelay(agent), 'spiffe://test/agent/plant-1')
})

test('no session is resumed (T1, T11)', async (t) => {
  const server = createServer(relayTls(trusted(relay)), (socket) => {
    socket.on('error', () => {}).end('hello')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  let session: Buffer | undefined
  for (let visit = 0; visit < 3; visit += 1) {
    const options = { ...asAgent(agent), host: '127.0.0.1', port }
    const client = connect(session === undefined ? options : { ...options, session })
    client.on('session', (offered) => {
      session = offered
    })
    await within('a connection', once(client, 'secureConnect'))
    t.false(client.isSessionReused())
    client.resume()
    await within('end of the visit', once(client, 'close'))
  }
  t.truthy(session, 'there was something to try with')
  server.close()
})

test('a self-signed leaf is not saved by a genuine certificate behind it (T3)', async (t) => {
  const impostor = await selfSigned({ names: ['URI:spiffe://test/agent/plant-1'] })
  const shown = { ...impostor, certificate: `${impostor.certificate}\n${agent.certificate}` }
  t.is(await seenByRelay(shown), 'DEPTH_ZERO_SELF_SIGNED_CERT')
})

test("the name is the leaf's, whoever's certificate comes with it (T4)", async (t) => {
  const shown = { ...agent, certificate: `${agent.certificate}\n${victim.certificate}` }
  t.is(await seenByRelay(shown), 'spiffe://test/agent/plant-1')
  const asked = await handshake(trusted(relay), asAgent(shown), ({ server }) =>
    [1, 2, 3].map(() => server?.getPeerX509Certificate()?.fingerprint256),
  )
  t.deepEqual(asked, Array(3).fill(new X509Certificate(agent.certificate).fingerprint256))
})

test('an intermediate that is presented is used; a leaf is no authority (T19)', async (t) => {
  const names = ['URI:spiffe://test/agent/below']
  const intermediate = await TestAuthority.create('Intermediate', root)
  t.is(await seenByRelay(await intermediate.issue({ names })), 'spiffe://test/agent/below')
  const leaf = await TestAuthority.create('No Authority', root, { authority: false })
  // Node has no name of its own for this reason of OpenSSL.
  t.regex(await seenByRelay(await leaf.issue({ names })), /^(?:UNSPECIFIED|INVALID_CA)$/)
})

test('no certificate, another authority, past and future are each seen as such', async (t) => {
  const other = await TestAuthority.create('Other')
  const names = ['URI:spiffe://test/agent/plant-1']
  const dayMs = 86_400_000
  const yesterday = new Date(Date.now() - dayMs / 2)
  const tomorrow = new Date(Date.now() + dayMs)
  t.is(await seenByRelay(await other.issue({ names })), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  t.is(await seenByRelay(await root.issue({ names, notAfter: yesterday })), 'CERT_HAS_EXPIRED')
  t.is(await seenByRelay(await root.issue({ names, notBefore: tomorrow })), 'CERT_NOT_YET_VALID')
  const serverOnly = await root.issue({ names, usages: ['server'] })
  t.is(await seenByRelay(serverOnly), 'INVALID_PURPOSE')
  const { cert: _, key: __, ...bare } = asAgent(agent)
  await handshake(trusted(relay), bare, ({ server }) => {
    t.false(server?.authorized)
    t.is(server?.getPeerX509Certificate(), undefined)
  })
})

const oddNames: Readonly<Record<string, readonly string[]>> = {
  'no name at all': [],
  'no URI': ['DNS:plant-1.test'],
  'two URIs (T6)': ['URI:spiffe://test/agent/plant-1', 'URI:spiffe://test/agent/victim'],
  'the same URI twice (T6)': ['URI:spiffe://test/agent/a', 'URI:spiffe://test/agent/a'],
  'a NUL behind the name (T7)': ['URI:spiffe://test/agent/victim\0x'],
  'CR and LF (T7)': ['URI:spiffe://test/agent/victim\r\n'],
  'slash tricks (T7)': ['URI:spiffe://test/agent/../agent/victim'],
  'a slash too many (T7)': ['URI:spiffe://test//agent/victim'],
  'a slash at the end (T7)': ['URI:spiffe://test/agent/victim/'],
  'a percent sign (T6)': ['URI:spiffe://test/agent/victi%6d'],
  'upper case (T6)': ['URI:spiffe://test/agent/Victim'],
  'a trailing dot (T6)': ['URI:spiffe://test/agent/victim.'],
  'a query': ['URI:spiffe://test/agent/victim?x'],
  'an unknown role': ['URI:spiffe://test/admin/victim'],
  'a host that holds a URI (T8)': ['DNS:x, URI:spiffe://test/agent/victim'],
  'a host that ends a quote (T8)': ['DNS:x", URI:"spiffe://test/agent/victim'],
  'a URI that holds a URI (T8)': ['URI:http://x, URI:spiffe://test/agent/victim'],
}

for (const [what, names] of Object.entries(oddNames)) {
  test(`${what} is no identity`, async (t) => {
    const identity = peerIdentity(new X509Certificate((await root.issue({ names })).certificate))
    t.true(identity instanceof Fault && identity.code === 'identity_invalid')
  })
}

test('other names beside the one URI change nothing (T8)', async (t) => {
  const names = ['DNS:x, URI:spiffe://test/agent/victim', 'URI:spiffe://test/agent/own', 'IP:::1']
  const { certificate } = await root.issue({ names, subject: 'CN=spiffe://test/agent/victim' })
  t.deepEqual(peerIdentity(new X509Certificate(certificate)), {
    trustDomain: 'test',
    role: 'agent',
    name: 'own',
  })
})

test("an authority's own certificate names nobody", async (t) => {
  const names = ['URI:spiffe://test/agent/victim']
  const { certificate } = await root.issue({ names, authority: true })
  t.true(peerIdentity(new X509Certificate(certificate)) instanceof Fault)
})

test('the relay is found by its name and by both kinds of address (T12)', async (t) => {
  const places = [
    ['relay.test', '127.0.0.1'],
    ['relay.test.', '127.0.0.1'],
    ['127.0.0.1', '127.0.0.1'],
    ['::1', '::1'],
  ] as const
  for (const [host, address] of places) {
    const options = agentTls(trusted(agent), { host, trustDomain: 'test' })
    await handshake(trusted(relay), options, ({ error }) => t.is(error, undefined, host), address)
  }
})

function codeOf(error: unknown): string | undefined {
  return (error as { readonly code?: string } | undefined)?.code
}

/** The code with which an agent turns away from a relay that shows this. */
async function refusedRelay(wish: CertificateWish, host = 'relay.test'): Promise<string> {
  const shown = await root.issue(wish)
  const options = agentTls(trusted(agent), { host, trustDomain: 'test' })
  return await handshake(trusted(shown), options, ({ error }) => codeOf(error) ?? 'accepted')
}

test('the agent turns away from whoever is not the relay (T6, T9)', async (t) => {
  const uri = 'URI:spiffe://test/relay/relay'
  t.is(await refusedRelay({ names: ['DNS:other.test', uri] }), 'ERR_TLS_CERT_ALTNAME_INVALID')
  const wide = { names: ['DNS:*.cloud.test', uri] }
  t.is(await refusedRelay(wide, 'relay.cloud.test'), 'certificate_invalid')
  t.is(await refusedRelay({ names: ['DNS:relay.test'] }), 'identity_invalid')
  const wrongRole = { names: ['DNS:relay.test', 'URI:spiffe://test/agent/relay'] }
  t.is(await refusedRelay(wrongRole), 'role_wrong')
  const wrongDomain = { names: ['DNS:relay.test', 'URI:spiffe://test2/relay/relay'] }
  t.is(await refusedRelay(wrongDomain), 'role_wrong')
  t.is(await refusedRelay({ names: ['DNS:relay.test', uri] }, 'relay。test'), 'certificate_invalid')
  t.is(
    await refusedRelay({ names: ['DNS:relay.test', uri], usages: ['client'] }),
    'INVALID_PURPOSE',
  )
  t.is(await refusedRelay({ names: ['DNS:relay.test', uri] }), 'accepted')
})

test('the agent trusts no authority but its own', async (t) => {
  const other = await TestAuthority.create('FortiGate CA')
  const names = ['DNS:relay.test', 'URI:spiffe://test/relay/relay']
  await handshake(trusted(await other.issue({ names })), asAgent(agent), ({ error }) => {
    t.is(codeOf(error), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  })
})

test('without an authority nothing starts (T17)', (t) => {
  for (const authority of [
    '',
    'no PEM',
    relay.certificate,
    '-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----',
  ]) {
    t.throws(() => relayTls({ ...relay, authority }), { code: 'authority_missing' })
    t.throws(() => agentTls({ ...agent, authority }, relayPlace), { code: 'authority_missing' })
  }
})

test('both authorities are trusted while one is turned over', async (t) => {
  const next = await TestAuthority.create('Next Root')
  const both = `${root.certificate}\n${next.certificate}`
  const newcomer = await next.issue({ names: ['URI:spiffe://test/agent/new'] })
  await handshake({ ...relay, authority: both }, asAgent(newcomer), ({ server }) => {
    t.true(server?.authorized)
  })
})
