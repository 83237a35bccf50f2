/** Tests of what socket and TLS errors are called, with errors of real sockets where possible. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { connect as connectTls } from 'node:tls'
import test from 'ava'
import {
  certificateFault,
  dialFault,
  listenFault,
  placeText,
} from '../../../shared/io/network-fault.ts'
import { Fault } from '../../../shared/protocol/fault.ts'
import { TestAuthority } from '../../support/authority.ts'

const place = { host: 'relay.example.com', port: 443 }

function errorWith(code: string): Error {
  return Object.assign(new Error(`it was ${code}`), { code })
}

async function errorOf(emitter: NodeJS.EventEmitter): Promise<unknown> {
  return await once(emitter, 'error').then(([error]) => error)
}

test('a place is written as people write it', (t) => {
  t.is(placeText(place), 'relay.example.com:443')
  t.is(placeText({ host: '::1', port: 8443 }), '[::1]:8443')
})

test('a port where nothing listens refuses', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  const error = await errorOf(connect(port, '127.0.0.1'))
  const fault = dialFault(error, { host: '127.0.0.1', port })
  t.is(fault.code, 'carrier_unreachable')
  t.is(
    fault.message,
    `127.0.0.1:${port} refused the connection: nothing listens there. Does the relay run?`,
  )
  t.is(fault.cause, error)
})

test('a port that speaks something else is no relay', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => {}).end('HTTP/1.1 400 Bad Request\r\n\r\n')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const fault = dialFault(await errorOf(connectTls({ host: '127.0.0.1', port })), place)
  server.close()
  t.is(fault.code, 'carrier_unreachable')
  t.regex(fault.message, /answers, but not with TLS: /)
})

test('each way of not getting there names the place and the next step', (t) => {
  const sentences = {
    ENOTFOUND: /^The name relay\.example\.com does not resolve\. Check: getent hosts/,
    EAI_AGAIN: /^No name server answers for relay\.example\.com/,
    ETIMEDOUT: /^relay\.example\.com:443 does not answer: .* outbound TCP 443/,
    ENETUNREACH: /^No route leads from this machine to relay\.example\.com:443/,
    EHOSTUNREACH: /^No route/,
    ECONNRESET: /^The connection to relay\.example\.com:443 was cut/,
    ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: /not with TLS 1\.3/,
    EWHATEVER: /^relay\.example\.com:443 cannot be reached: it was EWHATEVER\.$/,
  }
  for (const [code, sentence] of Object.entries(sentences)) {
    const fault = dialFault(errorWith(code), place)
    t.is(fault.code, 'carrier_unreachable', code)
    t.regex(fault.message, sentence)
  }
  const own = new Fault('role_wrong')
  t.is(dialFault(own, place), own)
  t.is(dialFault('odd', place).message, 'relay.example.com:443 cannot be reached: odd.')
})

test('an unknown issuer is named as the one who reads along', async (t) => {
  const box = await TestAuthority.create('FortiGate CA')
  const shown = new X509Certificate((await box.issue()).certificate)
  for (const code of ['SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE']) {
    const fault = dialFault(errorWith(code), place, { shown })
    t.is(fault.code, 'tls_intercepted')
    t.regex(fault.message, /^The certificate for relay\.example\.com comes from "FortiGate CA"/)
  }
  const nobody = dialFault(errorWith('DEPTH_ZERO_SELF_SIGNED_CERT'), place)
  t.regex(nobody.message, /from an unknown issuer/)
})

test('a wrong clock is told from an old certificate (K4, K5)', async (t) => {
  const root = await TestAuthority.create()
  const notBefore = new Date('2026-11-03T00:00:00Z')
  const notAfter = new Date('2026-11-10T00:00:00Z')
  const shown = new X509Certificate((await root.issue({ notBefore, notAfter })).certificate)

  const atBoot = new Date('1970-01-01T00:00:00Z')
  const early = dialFault(errorWith('CERT_NOT_YET_VALID'), place, { shown, now: atBoot })
  t.is(early.code, 'clock_wrong')
  t.is(
    early.message,
    'The certificate for relay.example.com begins 2026-11-03 00:00 UTC, but the clock of this ' +
      'machine says 1970-01-01 00:00 UTC. Check: timedatectl',
  )
  const odd = dialFault(errorWith('CERT_HAS_EXPIRED'), place, { shown, now: atBoot })
  t.is(odd.code, 'clock_wrong', 'what has not begun cannot have ended')

  const now = new Date('2026-11-11T00:00:00Z')
  const late = dialFault(errorWith('CERT_HAS_EXPIRED'), place, { shown, now })
  t.is(late.code, 'certificate_expired')
  t.regex(late.message, /ended 2026-11-10 00:00 UTC .* says 2026-11-11 00:00 UTC/)
})

test('any other reason against a certificate is certificate_invalid', (t) => {
  for (const reason of ['ERR_TLS_CERT_ALTNAME_INVALID', 'INVALID_PURPOSE', 'UNSPECIFIED']) {
    const fault = certificateFault(reason, 'The certificate of the agent')
    t.is(fault?.code, 'certificate_invalid')
    t.is(fault?.message, `The certificate of the agent does not verify (${reason}).`)
  }
  t.is(certificateFault('ECONNRESET', 'The certificate'), undefined)
})

test('a port in use is port_in_use', async (t) => {
  const first = createServer().listen(0, '127.0.0.1')
  await once(first, 'listening')
  const { port } = first.address() as AddressInfo
  const error = await errorOf(createServer().listen(port, '127.0.0.1'))
  first.close()
  const fault = listenFault(error, { host: '127.0.0.1', port })
  t.is(fault.code, 'port_in_use')
  t.is(
    fault.message,
    `Another process listens on 127.0.0.1:${port}. Which: ss -ltnp 'sport = :${port}'`,
  )
})

test('an address of another machine is address_unavailable', async (t) => {
  const error = await errorOf(createServer().listen(0, '192.0.2.1'))
  const fault = listenFault(error, { host: '192.0.2.1', port: 8443 })
  t.is(fault.code, 'address_unavailable')
  t.regex(fault.message, /^This machine has no address 192\.0\.2\.1, .* on 192\.0\.2\.1:8443\.$/)
  const low = listenFault(errorWith('EACCES'), { host: '0.0.0.0', port: 443 })
  t.is(low.code, 'address_unavailable')
  t.regex(low.message, /0\.0\.0\.0:443: ports below 1024 need CAP_NET_BIND_SERVICE/)
  t.is(listenFault(errorWith('EMFILE'), place).code, 'address_unavailable')
})
