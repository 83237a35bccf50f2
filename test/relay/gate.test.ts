/** Tests of the gate: who comes in, who does not and is told why, and who has to leave again. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:tls'
import test from 'ava'
import { graceMs } from '../../relay/gate/live.ts'
import { openGate } from '../../relay/gate.ts'
import { selfSigned, TestAuthority } from '../support/authority.ts'
import { GateStand, gateLimits } from '../support/gates.ts'
import { rawFrame, upgradeRequest } from '../support/raw-websocket.ts'
import { within } from '../support/within.ts'

const dayMs = 86_400_000

test('an agent with a good certificate comes in, and the gate knows who it is', async (t) => {
  await using stand = await GateStand.open()
  const shown = await stand.agent()
  const { status, head } = await stand.upgrade(shown)
  t.is(status, 101)
  t.regex(head, /\r\nSec-WebSocket-Protocol: sallyport\.v1\r\n/)
  const leaf = new X509Certificate(shown.certificate)
  const [arrival] = stand.arrivals
  t.like(arrival?.peer, {
    identity: { trustDomain: 'test', role: 'agent', name: 'plant-1' },
    serialNumber: leaf.serialNumber,
    notAfter: leaf.validToDate,
    address: '127.0.0.1',
  })
  t.is(stand.log, '', 'nobody was refused')
})

test('what the agent sends right behind its request is kept (W10)', async (t) => {
  await using stand = await GateStand.open()
  const raw = await stand.connect(await stand.agent())
  const early = rawFrame({ payload: Buffer.from('early') }, true)
  raw.socket.write(Buffer.concat([Buffer.from(upgradeRequest('/sallyport')), early]))
  await raw.take('\r\n\r\n')
  const [arrival] = stand.arrivals
  await arrival?.listener.until('the early message', () => arrival.listener.messages[0])
  t.deepEqual(arrival?.listener.messages, [Buffer.from('early')])
})

test('each bad certificate is refused with its code, and logged once (T3 to T7)', async (t) => {
  await using stand = await GateStand.open()
  const other = await TestAuthority.create('Other')
  const names = ['URI:spiffe://test/agent/plant-1']
  const good = await stand.agent()
  const impostor = await selfSigned({ names })
  const yesterday = new Date(Date.now() - dayMs / 2)
  const tomorrow = new Date(Date.now() + dayMs)
  const cases = [
    [undefined, 401, 'certificate_missing'],
    [await other.issue({ names }), 401, 'certificate_invalid'],
    [impostor, 401, 'certificate_invalid'],
    [
      { ...impostor, certificate: `${impostor.certificate}\n${good.certificate}` },
      401,
      'certificate_invalid',
    ],
    [await stand.agent('plant-1', { usages: ['server'] }), 401, 'certificate_invalid'],
    [await stand.agent('plant-1', { notAfter: yesterday }), 401, 'certificate_expired'],
    [await stand.agent('plant-1', { notBefore: tomorrow }), 401, 'clock_wrong'],
    [await stand.agent('plant-1', { names: [] }), 403, 'identity_invalid'],
    [await stand.agent('plant-1', { names: [...names, ...names] }), 403, 'identity_invalid'],
    [await stand.agent('plant-1\0x'), 403, 'identity_invalid'],
    [
      await stand.agent('x', { names: ['URI:spiffe://test2/agent/plant-1'] }),
      403,
      'identity_invalid',
    ],
    [await stand.agent('x', { names: ['URI:spiffe://test/client/crm'] }), 403, 'role_wrong'],
    [await stand.agent('x', { names: ['URI:spiffe://test/relay/relay'] }), 403, 'role_wrong'],
  ] as const
  for (const [shown, status, code] of cases) {
    const before = stand.log.length
    const answer = await stand.upgrade(shown)
    t.like(answer, { status, code })
    const line = JSON.parse(stand.log.slice(before)) as Readonly<Record<string, unknown>>
    t.like(line, { code, 'client.address': '127.0.0.1', 'url.path': '/sallyport' })
  }
  t.is(stand.arrivals.length, 0)
})

test('a consumer needs no certificate, and is proved by the one it shows (T2, T16)', async (t) => {
  await using stand = await GateStand.open()
  const client = await stand.agent('x', { names: ['URI:spiffe://test/client/crm'] })
  t.is((await stand.upgrade(undefined, '/mqtt')).code, 'no_agent')
  t.is((await stand.upgrade(client, '/mqtt')).code, 'no_agent')
  t.deepEqual(
    stand.ingress.map(({ peer }) => peer?.identity.name),
    [undefined, 'crm'],
  )
  const wrongs = [
    [await stand.agent('plant-1'), 'role_wrong'],
    [await stand.agent('x', { names: ['URI:spiffe://test2/client/crm'] }), 'identity_invalid'],
    [await selfSigned({ names: ['URI:spiffe://test/client/crm'] }), 'certificate_invalid'],
  ] as const
  for (const [shown, code] of wrongs) t.is((await stand.upgrade(shown, '/mqtt')).code, code)
  const { serialNumber } = new X509Certificate(client.certificate)
  stand.gate.updateRevocations(new Set([serialNumber]))
  t.is((await stand.upgrade(client, '/mqtt')).code, 'revoked')
  t.is(stand.ingress.length, 2)
})

test('no header says who somebody is (T5)', async (t) => {
  await using stand = await GateStand.open()
  const certificate = encodeURIComponent((await stand.agent()).certificate)
  for (const name of ['X-Client-Cert', 'X-SSL-Cert', 'X-Forwarded-Client-Cert', 'Authorization']) {
    const { status, code } = await stand.upgrade(undefined, '/sallyport', {
      [name]: certificate,
      'X-SSL-Client-Verify': 'SUCCESS',
      'X-Forwarded-For': '10.0.0.1',
    })
    t.deepEqual([status, code], [401, 'certificate_missing'])
  }
  t.true(
    stand.logged('certificate_missing').every((line) => line['client.address'] === '127.0.0.1'),
  )
})

test('a revoked certificate is refused at every upgrade (T1, T2)', async (t) => {
  await using stand = await GateStand.open()
  const shown = await stand.agent()
  const first = await stand.connect(shown)
  let session: Buffer | undefined
  first.socket.on('session', (offered) => {
    session = offered
  })
  first.socket.write(upgradeRequest('/sallyport'))
  await first.take('\r\n\r\n')
  const later = await stand.connect(shown)
  stand.gate.updateRevocations(new Set([new X509Certificate(shown.certificate).serialNumber]))

  later.socket.write(upgradeRequest('/sallyport'))
  t.regex(await later.take('\r\n\r\n'), /^HTTP\/1\.1 403 /, 'TLS was there before the revocation')
  const again = await stand.connect(shown, session === undefined ? {} : { session })
  again.socket.write(upgradeRequest('/sallyport'))
  t.regex(await again.take('\r\n\r\n'), /^HTTP\/1\.1 403 /)
  t.is((await stand.upgrade(shown)).code, 'revoked')
  t.is((await stand.upgrade(await stand.agent())).status, 101, 'a new one is welcome')
})

test('a revocation ends the live carrier, and only that one', async (t) => {
  await using stand = await GateStand.open()
  const [bad, good] = [await stand.agent('bad'), await stand.agent('good')]
  const raw = await stand.connect(bad)
  raw.socket.write(upgradeRequest('/sallyport'))
  await raw.take('\r\n\r\n')
  await stand.upgrade(good)
  const started = performance.now()
  stand.gate.updateRevocations(new Set([new X509Certificate(bad.certificate).serialNumber]))
  t.deepEqual(stand.ended, [['revoked', stand.arrivals[0]?.peer]], 'told at once')
  await within('end of the revoked carrier', raw.gone)
  t.true(performance.now() - started < 10 * graceMs)
  t.false(stand.arrivals[1]?.socket.destroyed)
  stand.gate.updateRevocations(new Set([new X509Certificate(bad.certificate).serialNumber]))
  t.is(stand.ended.length, 1, 'told once')
  t.is(stand.logged('revoked').length, 1)
})

test('a carrier ends when its certificate does', async (t) => {
  await using stand = await GateStand.open()
  // Certificates count in whole seconds, and it must come in before.
  const shown = await stand.agent('brief', { notAfter: new Date(Date.now() + 8_000) })
  const raw = await stand.connect(shown)
  raw.socket.write(upgradeRequest('/sallyport'))
  t.regex(await raw.take('\r\n\r\n'), /^HTTP\/1\.1 101 /)
  await within('end of the carrier', raw.gone)
  t.is(stand.ended[0]?.[0], 'expired')
  t.is(stand.logged('certificate_expired').length, 1)
})

test('the sub-protocol is offered in its exact form, or the agent is too old', async (t) => {
  await using stand = await GateStand.open()
  const shown = await stand.agent()
  for (const offer of [undefined, '', 'sallyport.v2', 'sallyport.v1x', 'mqtt', 'SALLYPORT.V1']) {
    const answer = await stand.upgrade(shown, '/sallyport', { 'Sec-WebSocket-Protocol': offer })
    t.like(answer, { status: 400, code: 'version_unsupported' }, String(offer))
  }
  const both = { 'Sec-WebSocket-Protocol': 'sallyport.v9, sallyport.v1' }
  const { status, head } = await stand.upgrade(shown, '/sallyport', both)
  t.is(status, 101)
  t.regex(head, /\r\nSec-WebSocket-Protocol: sallyport\.v1\r\n/)
})

test('one agent has so many carriers, and another has its own', async (t) => {
  const limits = { ...gateLimits, carriersMax: 2 }
  await using stand = await GateStand.open({ limits })
  const shown = await stand.agent()
  t.is((await stand.upgrade(shown)).status, 101)
  t.is((await stand.upgrade(shown)).status, 101)
  t.like(await stand.upgrade(await stand.agent()), { status: 503, code: 'overloaded' })
  t.is((await stand.upgrade(await stand.agent('plant-2'))).status, 101)
  for (const { socket } of stand.arrivals.slice(0, 1)) {
    socket.destroy()
    await within('its end', once(socket, 'close'))
  }
  t.is((await stand.upgrade(shown)).status, 101)
})

test('deflate is accepted in no spelling (W6)', async (t) => {
  await using stand = await GateStand.open()
  const shown = await stand.agent()
  const offers = [
    'permessage-deflate',
    'permessage-deflate; client_max_window_bits',
    'permessage-deflate; server_no_context_takeover; client_max_window_bits=15',
    'Permessage-Deflate',
    'x-webkit-deflate-frame',
    'permessage-deflate, permessage-deflate; server_max_window_bits=8',
    'permessage-deflate; =broken',
  ]
  for (const offer of offers) {
    const { status, head } = await stand.upgrade(shown, '/sallyport', {
      'Sec-WebSocket-Extensions': offer,
    })
    t.is(status, 101, offer)
    t.notRegex(head, /extensions/i)
  }
})

test('certificate, key and authority can be replaced while the gate is open', async (t) => {
  await using stand = await GateStand.open()
  const next = await TestAuthority.create('Next Root')
  const relay = await next.issue({ names: ['DNS:relay.test', 'URI:spiffe://test/relay/relay'] })
  const old = await stand.agent()
  t.is((await stand.upgrade(old)).status, 101)
  stand.gate.updateCredentials({ ...relay, authority: next.certificate })
  const options = { host: '127.0.0.1', port: stand.port, servername: 'relay.test' }
  const distrusted = connect({ ...options, ca: stand.authority.certificate })
  const [error] = (await once(distrusted, 'error')) as [NodeJS.ErrnoException]
  t.is(error.code, 'SELF_SIGNED_CERT_IN_CHAIN')
  const raw = await stand.connect(old, { ca: next.certificate })
  raw.socket.write(upgradeRequest('/sallyport'))
  t.regex(await raw.take('\r\n\r\n'), /^HTTP\/1\.1 401 /, 'the old authority is gone (T1)')
  t.throws(() => stand.gate.updateCredentials({ ...relay, authority: '' }), {
    code: 'authority_missing',
  })
})

test('a port that is taken is said to be', async (t) => {
  await using stand = await GateStand.open()
  const relay = await stand.agent()
  const opening = openGate({
    listen: stand.gate.address,
    credentials: { ...relay, authority: stand.authority.certificate },
    trustDomain: 'test',
    revoked: new Set(),
    limits: {
      pendingHandshakesMax: 1,
      pendingPerSourceMax: 1,
      handshakeTimeoutMs: 1,
      connectionsMax: 1,
      carriersMax: 1,
    },
    log: {
      isDebugEnabled: false,
      error() {},
      warn() {},
      info() {},
      debug() {},
      child: () => t.fail() as never,
    },
    onCarrier: () => t.fail(),
    onIngress: () => t.fail(),
    onRevoked: () => t.fail(),
    onExpired: () => t.fail(),
  })
  await t.throwsAsync(opening, {
    code: 'port_in_use',
    message: new RegExp(`^Another process listens on 127\\.0\\.0\\.1:${stand.port}\\.`),
  })
})
