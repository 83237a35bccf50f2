/** Tests of the register: each fact once, whole, and refused when it is damaged (C4). */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { certify, createAuthority, generateKeys } from '../../certs/authority.ts'
import type { Revocation } from '../../certs/crl.ts'
import { disk } from '../../certs/files.ts'
import { enterIssued, enterRevoked, readIssued, readRevoked } from '../../certs/register.ts'
import { Fault } from '../../shared/protocol/fault.ts'
import { TestAuthority } from '../support/authority.ts'
import { temporaryFolder } from '../support/temporary.ts'

const now = new Date('2026-11-22T12:00:00Z')
const { authority } = createAuthority({ trustDomain: 'example.com', now })
const { publicKey } = generateKeys()

function issue(name: string, at = now): string {
  return certify(authority, { role: 'agent', name, publicKey }, at)
}

function revocation(serialNumber: string): Revocation {
  return { serialNumber, revokedAt: now, reason: 'superseded' }
}

test('what is entered is read, oldest first', async (t) => {
  await using folder = await temporaryFolder()
  const place = { directory: folder.path, files: disk }
  t.deepEqual(await readIssued(place), [])
  const later = await enterIssued(place, issue('later', new Date('2026-11-23T12:00:00Z')))
  const first = await enterIssued(place, issue('first'))
  t.deepEqual(await readIssued(place), [first, later])
  t.deepEqual(first.identity, { trustDomain: 'example.com', role: 'agent', name: 'first' })
  t.is(first.file, join(folder.path, 'issued', `${first.serialNumber}.pem`))
})

test('a revocation stands as it was first entered', async (t) => {
  await using folder = await temporaryFolder()
  const place = { directory: folder.path, files: disk }
  t.is((await readRevoked(place)).size, 0)
  t.true(await enterRevoked(place, revocation('41')))
  t.false(await enterRevoked(place, { ...revocation('41'), reason: 'keyCompromise' }))
  t.deepEqual(await readRevoked(place), new Map([['41', revocation('41')]]))
})

test('C4: a damaged entry is an error that names its file, never passed over', async (t) => {
  await using folder = await temporaryFolder()
  const place = { directory: folder.path, files: disk }
  await enterRevoked(place, revocation('41'))
  const file = join(folder.path, 'revoked', '41.json')
  const good = await readFile(file, 'utf8')
  for (const text of [
    '',
    '{}',
    'null',
    good.slice(0, -4),
    good.replace('41', '42'),
    good.replace('superseded', 'because'),
    good.replace('2026', '20x6'),
    good.replace('{', '{"__proto__":{},"more":1,'),
  ]) {
    await writeFile(file, text)
    const error = await t.throwsAsync(readRevoked(place), { instanceOf: Fault })
    t.is((error as Fault).code, 'file_unreadable')
    t.true(error.message.startsWith(file), text)
  }
  await rm(file)
  await writeFile(join(folder.path, 'revoked', 'notes.txt'), 'what is this?')
  await t.throwsAsync(readRevoked(place), { instanceOf: Fault })
})

test('C4: a damaged or foreign certificate is an error that names its file', async (t) => {
  await using folder = await temporaryFolder()
  const place = { directory: folder.path, files: disk }
  const { file } = await enterIssued(place, issue('plant-1'))
  const nobody = await (await TestAuthority.create()).issue({ names: ['DNS:a.example'] })
  for (const text of ['', 'no certificate', nobody.certificate]) {
    await writeFile(file, text)
    const error = await t.throwsAsync(readIssued(place), { instanceOf: Fault })
    t.true(error.message.startsWith(file))
  }
})

test('what is unfinished is not read', async (t) => {
  await using folder = await temporaryFolder()
  const place = { directory: folder.path, files: disk }
  await enterRevoked(place, revocation('41'))
  await writeFile(join(folder.path, 'revoked', '.new-x'), '{"serialNum')
  t.deepEqual([...(await readRevoked(place)).keys()], ['41'])
  t.is((await readdir(join(folder.path, 'revoked'))).length, 2)
})
