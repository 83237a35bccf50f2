/**
 * The door for carriers: it opens for an agent of the relay's own authority, and for nobody else;
 * whoever is refused is told a code, and the relay's log has the same one.
 */
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import test from 'ava'
import { WebSocket } from 'ws'
import { stringify } from 'yaml'
import { revokeName } from '../../certs/revoking.ts'
import { authorityPaths, issuePair, openStore, pairPaths, type Store } from '../../certs/store.ts'
import type { Role } from '../../shared/identity.ts'
import { subprotocol } from '../../shared/protocol/frame.ts'
import { type Credentials, selfSigned, TestAuthority } from '../support/authority.ts'
import { Sallyport } from '../support/sallyport.ts'
import { openTunnel, type Tunnel, trustDomain } from '../support/tunnel.ts'
import { within } from '../support/within.ts'

const minuteMs = 60_000
const uri = `URI:spiffe://${trustDomain}/agent/plant-1`

test.serial('the door opens for an agent and says why it stays shut for others', async (t) => {
  t.timeout(180_000)
  await using tunnel = await openTunnel({
    services: { 'plant-1/any': { target: 9 } },
    absent: ['plant-1'],
    prepare: issueOthers,
  })
  t.is(await knock(tunnel, await pairOf(tunnel.store, 'agent', 'plant-1')), 'open')

  const foreign = await TestAuthority.create('Foreign Root')
  const wrongs: readonly (readonly [code: string, credentials: Credentials | undefined])[] = [
    ['certificate_missing', undefined],
    ['certificate_invalid', await foreign.issue({ names: [uri] })],
    ['certificate_invalid', await selfSigned({ names: [uri] })],
    ['certificate_expired', await pairOf(tunnel.store, 'agent', 'late')],
    ['revoked', await pairOf(tunnel.store, 'agent', 'stolen')],
    ['role_wrong', await pairOf(tunnel.store, 'client', 'crm')],
    // Good for a server only: TLS itself says so, before anybody looks at the role.
    ['certificate_invalid', await pairOf(tunnel.store, 'relay', 'localhost')],
  ]
  for (const [code, credentials] of wrongs) {
    const from = tunnel.relay.here
    t.is(await knock(tunnel, credentials), code)
    await tunnel.relay.waitForCode(code, { from })
  }
})

test.serial('an agent does not take a relay from another authority for its own', async (t) => {
  t.timeout(180_000)
  await using tunnel = await openTunnel({
    services: { 'plant-1/any': { target: 9 } },
    absent: ['plant-1'],
  })
  const foreign = await TestAuthority.create('Foreign Root')
  await writeFile(join(tunnel.folder, 'foreign.pem'), foreign.certificate)
  const file = {
    relay: `127.0.0.1:${tunnel.listenPort}`,
    name: 'plant-1',
    tls: { authority: 'foreign.pem' },
  }
  await writeFile(join(tunnel.folder, 'wary.yaml'), stringify(file))
  await using agent = new Sallyport(['agent', '--config', 'wary.yaml'], tunnel.folder)
  await agent.waitForCode('tls_intercepted')
  t.deepEqual(
    agent.records.filter(({ message }) => message === 'link ready'),
    [],
  )
})

/** One certificate for each way of being wrong that only the relay's own authority can make. */
async function issueOthers(store: Store): Promise<void> {
  await issuePair(store, { role: 'client', name: 'crm' })
  await issuePair(store, { role: 'agent', name: 'stolen' })
  await revokeName(store, 'agent/stolen', 'keyCompromise')
  // The authority begins five minutes in the past; the certificate lies wholly before now.
  const earlier = await openStore({ ...store, now: () => new Date(Date.now() - 4 * minuteMs) })
  await issuePair(earlier, { role: 'agent', name: 'late', lifeMs: minuteMs })
}

async function pairOf(store: Store, role: Role, name: string): Promise<Credentials> {
  const { certificateFile, keyFile } = pairPaths(store, role, name)
  return {
    certificate: await readFile(certificateFile, 'utf8'),
    key: await readFile(keyFile, 'utf8'),
  }
}

/** Tries to open a carrier: `open`, or the code of the refusal. */
async function knock(tunnel: Tunnel, credentials: Credentials | undefined): Promise<string> {
  const socket = new WebSocket(`wss://localhost:${tunnel.listenPort}/sallyport`, subprotocol, {
    ca: await readFile(authorityPaths(tunnel.store).certificateFile, 'utf8'),
    ...(credentials && { cert: credentials.certificate, key: credentials.key }),
  })
  socket.on('error', () => {})
  try {
    const opened = once(socket, 'open').then(() => 'open')
    const refused = once(socket, 'unexpected-response').then(codeOfRefusal)
    return await within('answer of the door', Promise.race([opened, refused]))
  } finally {
    socket.terminate()
  }
}

async function codeOfRefusal([, response]: unknown[]): Promise<string> {
  const body = await (response as IncomingMessage).toArray()
  const { code } = JSON.parse(Buffer.concat(body as Buffer[]).toString()) as { code: string }
  return code
}
