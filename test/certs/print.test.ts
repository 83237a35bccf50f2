/** Tests of how certificates are shown. */
import test from 'ava'
import { distance, factsOf, listing, minuteOf, stateOf, tableOf } from '../../certs/print.ts'
import type { RegisteredCertificate } from '../../certs/revoking.ts'

const now = new Date('2026-11-22T12:00:00Z')
const certificate: RegisteredCertificate = {
  identity: { trustDomain: 'example.com', role: 'agent', name: 'plant-1' },
  serialNumber: '41',
  fingerprint: 'AA:BB',
  notBefore: new Date('2026-11-22T11:55:00Z'),
  notAfter: new Date('2026-11-29T12:00:00Z'),
  dnsNames: [],
  ipAddresses: [],
  file: 'pki/issued/41.pem',
  revocation: undefined,
}
const revocation = { serialNumber: '41', revokedAt: now, reason: 'superseded' } as const

test('a certificate is good from its first moment to before its last, unless revoked', (t) => {
  t.is(stateOf(certificate, now), 'valid')
  t.is(stateOf(certificate, certificate.notBefore), 'valid')
  t.is(stateOf(certificate, new Date(certificate.notBefore.getTime() - 1)), 'not yet valid')
  t.is(stateOf(certificate, certificate.notAfter), 'expired')
  t.is(stateOf({ ...certificate, revocation }, now), 'revoked')
  t.is(stateOf({ ...certificate, revocation }, certificate.notAfter), 'revoked')
})

test('a table is aligned and ends no line with spaces', (t) => {
  const other = { ...certificate, identity: { ...certificate.identity, name: 'a' }, revocation }
  t.is(
    tableOf([certificate, other], now),
    [
      'IDENTITY       STATE    ENDS                        SERIAL NUMBER',
      'agent/plant-1  valid    2026-11-29 12:00 UTC (7 d)  41',
      'agent/a        revoked  2026-11-29 12:00 UTC (7 d)  41',
    ].join('\n'),
  )
})

test('a listing leaves out what does not apply', (t) => {
  t.is(
    listing({ trustDomain: 'x', dnsNames: ['a', 'b'], ipAddresses: [], reason: null }),
    'trust domain  x\ndns names     a, b',
  )
  t.false(listing(factsOf(certificate, now)).includes('revoked at'))
  t.regex(listing(factsOf({ ...certificate, revocation }, now)), /reason +superseded/)
})

test('times are in UTC, distances in one unit', (t) => {
  t.is(minuteOf(now), '2026-11-22 12:00 UTC')
  const from = (ms: number): string => distance(new Date(now.getTime() + ms), now)
  t.is(from(0), '0 min')
  t.is(from(90 * 60_000), '90 min')
  t.is(from(-3 * 3_600_000), '-3 h')
  t.is(from(7 * 86_400_000 - 1), '6 d')
})
