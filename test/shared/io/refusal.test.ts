/** Tests of a refusal as it is written and as it is read. */
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { readRefusal, refusalBody, refuseUpgrade, statusOf } from '../../../shared/io/refusal.ts'
import { Fault, type FaultCode, faults } from '../../../shared/protocol/fault.ts'

test('a refusal is one HTTP answer with one line of JSON, and the end of the socket', async (t) => {
  const socket = new PassThrough()
  const said = text(socket)
  refuseUpgrade(socket, new Fault('revoked', 'The certificate 0A is revoked.'))
  t.is(
    await said,
    'HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: application/json\r\n' +
      'Content-Length: 62\r\n\r\n{"code":"revoked","message":"The certificate 0A is revoked."}\n',
  )
  t.true(socket.destroyed)
})

test('what is read is what was written, for every code', (t) => {
  for (const code of Object.keys(faults) as FaultCode[]) {
    const fault = readRefusal(statusOf(code), refusalBody(new Fault(code)), 'relay.test:443')
    t.is(fault.code, 'carrier_refused')
    t.is(fault.message, `relay.test:443 refused (${code}): ${faults[code].says}`)
    t.true(fault.cause instanceof Fault && fault.cause.code === code)
  }
})

test('the inside of an internal fault stays inside', (t) => {
  const body = refusalBody(new Fault('internal', 'ENOENT: /etc/sallyport/relay.key'))
  t.false(body.includes('relay.key'))
})

test('a refusal cannot steer the terminal of its reader', (t) => {
  const body = JSON.stringify({ code: 'revoked', message: 'no\x1b[2J\r\n\x9bgo' })
  t.regex(readRefusal(403, body, 'relay').message, /: no\?\[2J\?\?\?go$/)
})

test('an answer that is no refusal of a relay is told as what it is (W7)', (t) => {
  const bodies = [
    '',
    'null',
    '[]',
    '42',
    '<html>502 Bad Gateway</html>',
    '{"code":"revoked"}',
    '{"code":7,"message":"x"}',
    '{"code":"constructor","message":"x"}',
    '{"code":"__proto__","message":"x"}',
    '{"code":"revoked","message":"x"',
  ]
  for (const body of bodies) {
    const fault = readRefusal(502, body, 'relay.test:443')
    t.is(fault.code, 'carrier_refused')
    t.regex(fault.message, /^relay\.test:443 answered "502 Bad Gateway" and not as a relay does\./)
    t.is(fault.cause, undefined)
  }
})
