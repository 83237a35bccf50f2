/** Tests of the revocation list by witnesses that did not make it: openssl and @peculiar/x509. */
import 'reflect-metadata'
import { X509Certificate } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import test from 'ava'
import fc from 'fast-check'
import {
  backdatedMs,
  certify,
  createAuthority,
  generateKeys,
  lifeMs,
  listRevocations,
} from '../../certs/authority.ts'
import { type Reason, type Revocation, reasonNumbers } from '../../certs/crl.ts'
import { parseRevocations } from '../../shared/io/revocation.ts'
import { opensslVerify } from '../support/openssl.ts'
import { run } from '../support/process.ts'
import { programPath, testWith } from '../support/program.ts'
import { temporaryFolder } from '../support/temporary.ts'

const now = new Date()
const { authority, certificate: root } = createAuthority({ trustDomain: 'example.com', now })
const { publicKey } = generateKeys()
const reasons = Object.keys(reasonNumbers) as Reason[]

function issue(name: string, life = lifeMs.agent): string {
  return certify(authority, { role: 'agent', name, publicKey, lifeMs: life }, now)
}

function serialOf(pem: string): string {
  return new X509Certificate(pem).serialNumber
}

function listOf(revocations: readonly Revocation[], number = 1n): string {
  return listRevocations(authority, { revocations, number }, now)
}

testWith('openssl')('openssl: a revoked certificate is refused, another is not', async (t) => {
  const [revoked, good] = [issue('plant-1'), issue('plant-2')]
  const serialNumber = serialOf(revoked)
  const revocations = listOf([{ serialNumber, revokedAt: now, reason: 'keyCompromise' }])
  await t.notThrowsAsync(opensslVerify({ root, leaf: good, revocations }))
  await t.throwsAsync(opensslVerify({ root, leaf: revoked, revocations }), {
    message: /certificate revoked/,
  })
  await t.notThrowsAsync(opensslVerify({ root, leaf: revoked, revocations: listOf([]) }))
})

testWith('openssl')('K6: openssl refuses everybody once the list has ended', async (t) => {
  const leaf = issue('plant-1', 2 * lifeMs.revocations)
  const chain = { root, leaf, revocations: listOf([]) }
  const end = Math.floor((now.getTime() + lifeMs.revocations) / 1000)
  await t.throwsAsync(opensslVerify(chain, '-attime', String(end + 60)), {
    message: /CRL has expired/,
  })
})

testWith('openssl')(
  'K4: openssl takes the list while its clock is a few minutes late',
  async (t) => {
    const late = Math.ceil((now.getTime() - backdatedMs) / 1000) + 1
    const chain = { root, leaf: issue('plant-1'), revocations: listOf([]) }
    await t.notThrowsAsync(opensslVerify(chain, '-attime', String(late)))
  },
)

testWith('openssl')('openssl prints version, number and reasons as they were meant', async (t) => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'crl.pem')
  const entries = reasons.map((reason, index) => {
    return { serialNumber: `4${index}`, revokedAt: now, reason }
  })
  await writeFile(file, listOf(entries, 1_795_355_030_303n))
  const text = await run(programPath('openssl'), ['crl', '-in', file, '-noout', '-text'])
  t.regex(text, /Version 2 \(0x1\)/)
  t.regex(text, /X509v3 CRL Number:\s+1795355030303/)
  t.deepEqual(
    text.match(/(?<=Reason Code:\s+)\S.*/g),
    ['Key Compromise', 'Affiliation Changed', 'Superseded', 'Cessation Of Operation'],
    'unspecified is left out, as RFC 5280 wants it',
  )
})

test('@peculiar/x509 verifies the list and reads every entry', async (t) => {
  const revokedAt = new Date('2051-01-02T03:04:05Z')
  const entries = reasons.map((reason, index) => ({ serialNumber: `7${index}`, revokedAt, reason }))
  const list = new x509.X509Crl(listOf(entries))
  t.true(await list.verify({ publicKey: new x509.X509Certificate(root).publicKey }))
  t.is(list.issuer, new x509.X509Certificate(root).subject)
  t.deepEqual(
    list.entries.map((entry) => [entry.serialNumber, entry.revocationDate, entry.reason ?? 0]),
    entries.map((entry) => [entry.serialNumber, revokedAt, reasonNumbers[entry.reason]]),
  )
})

test('whatever is revoked is read back, and nothing else', (t) => {
  const serial = fc
    .bigInt({ min: 1n, max: (1n << 159n) - 1n })
    .map((value) => value.toString(16).toUpperCase())
    .map((hex) => (hex.length % 2 === 0 ? hex : `0${hex}`))
  fc.assert(
    fc.property(
      fc.uniqueArray(serial, { maxLength: 20 }),
      fc.bigInt({ min: 1n }),
      (serials, number) => {
        const entries = serials.map((serialNumber) => {
          return { serialNumber, revokedAt: now, reason: 'superseded' } as const
        })
        const list = parseRevocations(listOf(entries, number), authority.certificate, now)
        t.deepEqual(list.serialNumbers, new Set(serials))
        t.is(list.number, number)
      },
    ),
    { numRuns: 50 },
  )
})
