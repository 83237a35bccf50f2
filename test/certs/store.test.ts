/** Tests of the folder of an authority: what is where, with which modes, and never overwritten. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { generateKeys, lifeMs } from '../../certs/authority.ts'
import { inspectStore } from '../../certs/inspection.ts'
import { listCertificates } from '../../certs/revoking.ts'
import {
  authorityPaths,
  initStore,
  issueCertificate,
  issuePair,
  openStore,
  pairPaths,
} from '../../certs/store.ts'
import { loadRevocations } from '../../shared/io/revocation.ts'
import { Fault, type FaultCode } from '../../shared/protocol/fault.ts'
import { failingDisk } from '../support/failing-disk.ts'
import { temporaryFolder } from '../support/temporary.ts'

const start = new Date('2026-11-22T12:00:00Z')
const now = (): Date => start
const trustDomain = 'example.com'

async function codeOf(promise: Promise<unknown>): Promise<FaultCode | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    if (error instanceof Fault) return error.code
    throw error
  }
}

test('init makes an authority, a key and an empty list, for the owner only', async (t) => {
  await using folder = await temporaryFolder()
  const directory = join(folder.path, 'deep', 'pki')
  const store = await initStore({ directory, trustDomain, now })
  const { certificateFile, keyFile, revocationsFile } = authorityPaths(store)
  t.is(store.trustDomain, trustDomain)
  t.true(new X509Certificate(await readFile(certificateFile)).ca)
  t.true(store.authority.checkPrivateKey(createPrivateKey(await readFile(keyFile))))
  t.is((await stat(keyFile)).mode & 0o777, 0o600)
  for (const path of ['.', 'ca']) t.is((await stat(join(directory, path))).mode & 0o777, 0o700)
  const list = await loadRevocations({ file: revocationsFile, authority: store.authority, now })
  t.is(list.serialNumbers.size, 0)
  t.is(list.nextUpdate.getTime(), start.getTime() + lifeMs.revocations)
  t.deepEqual(await inspectStore(store), [])
})

test('init never makes a second authority over the first', async (t) => {
  await using folder = await temporaryFolder()
  const options = { directory: folder.path, trustDomain, now }
  const { authority } = await initStore(options)
  t.is(await codeOf(initStore(options)), 'file_exists')
  t.is((await openStore(options)).authority.fingerprint256, authority.fingerprint256)
})

test('init in a folder that holds something else leaves that as it is', async (t) => {
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, 'notes'), 'kept')
  await initStore({ directory: folder.path, trustDomain, now })
  t.is(await readFile(join(folder.path, 'notes'), 'utf8'), 'kept')
})

test('issue writes a pair that belongs together, the key 0600', async (t) => {
  await using folder = await temporaryFolder()
  const store = await initStore({ directory: folder.path, trustDomain, now })
  const pair = await issuePair(store, { role: 'agent', name: 'plant-1' })
  const certificate = new X509Certificate(await readFile(pair.certificateFile))
  t.true(certificate.checkPrivateKey(createPrivateKey(await readFile(pair.keyFile))))
  t.true(certificate.verify(store.authority.publicKey))
  t.is(certificate.serialNumber, pair.serialNumber)
  t.is((await stat(pair.keyFile)).mode & 0o777, 0o600)
  t.is(pair.keyFile, join(folder.path, 'agent', 'plant-1', 'key.pem'))
  const [listed] = await listCertificates(store)
  t.is(listed?.fingerprint, pair.fingerprint)
  t.is(listed?.revocation, undefined)
})

test('a name has one pair: a second issue is refused and changes nothing', async (t) => {
  await using folder = await temporaryFolder()
  const store = await initStore({ directory: folder.path, trustDomain, now })
  const pair = await issuePair(store, { role: 'agent', name: 'plant-1' })
  const before = await readFile(pair.keyFile, 'utf8')
  const error = await t.throwsAsync(issuePair(store, { role: 'agent', name: 'plant-1' }))
  t.is((error as Fault).code, 'file_exists')
  t.regex(error.message, /agent\/plant-1 has a pair in .*: mv /)
  t.is(await readFile(pair.keyFile, 'utf8'), before)
  t.is((await listCertificates(store)).length, 1)
  await issuePair(store, { role: 'client', name: 'plant-1' })
  await rename(join(folder.path, 'agent', 'plant-1'), join(folder.path, 'old'))
  await issuePair(store, { role: 'agent', name: 'plant-1' })
  t.is((await listCertificates(store)).length, 3)
})

test('of ten who issue the same name at once, exactly one gets it', async (t) => {
  await using folder = await temporaryFolder()
  const store = await initStore({ directory: folder.path, trustDomain, now })
  const codes = await Promise.all(
    Array.from({ length: 10 }, () => codeOf(issuePair(store, { role: 'agent', name: 'plant-1' }))),
  )
  t.is(codes.filter((code) => code === undefined).length, 1)
  t.is(codes.filter((code) => code === 'file_exists').length, 9)
  t.deepEqual(await inspectStore(store), [])
})

test('a wrong name makes no folder, wherever it leads', async (t) => {
  await using folder = await temporaryFolder()
  const store = await initStore({ directory: join(folder.path, 'pki'), trustDomain, now })
  for (const name of ['../../escaped', '..', '/tmp/x', 'a/b', '.new-x', '', 'plant-1\0']) {
    t.is(await codeOf(issuePair(store, { role: 'agent', name })), 'name_invalid', name)
  }
  t.deepEqual(await readdir(folder.path), ['pki'])
  t.deepEqual(await readdir(store.directory), ['ca'])
})

test('a key from elsewhere is certified, and entered before that is given away', async (t) => {
  await using folder = await temporaryFolder()
  const store = await initStore({ directory: folder.path, trustDomain, now })
  const { publicKey } = generateKeys()
  const request = { role: 'agent', name: 'plant-1', publicKey } as const
  const { pem, issued } = await issueCertificate(store, request)
  t.true(new X509Certificate(pem).publicKey.equals(publicKey))
  t.is(await readFile(issued.file, 'utf8'), pem)
  const full = failingDisk({ at: 0, code: 'ENOSPC', dead: true })
  const failing = issueCertificate({ ...store, files: full.files }, request)
  t.is(await codeOf(failing), 'file_unwritable')
})

test('a folder without an authority, or with a broken one, is said so', async (t) => {
  await using folder = await temporaryFolder()
  const options = { directory: folder.path, now }
  t.is(await codeOf(openStore(options)), 'authority_missing')
  t.is(
    await codeOf(openStore({ ...options, directory: join(folder.path, 'none') })),
    'authority_missing',
  )
  const store = await initStore({ ...options, trustDomain })
  const { certificateFile, keyFile } = authorityPaths(store)
  const issue = () => issuePair(store, { role: 'agent', name: 'plant-1' })

  await using other = await temporaryFolder()
  const foreign = await initStore({ directory: other.path, trustDomain, now })
  const key = await readFile(keyFile, 'utf8')
  await writeFile(keyFile, await readFile(authorityPaths(foreign).keyFile, 'utf8'))
  t.is(await codeOf(issue()), 'pair_broken')
  t.regex((await inspectStore(store)).join(), /authority's key and the certificate do not belong/)
  await writeFile(keyFile, '')
  const error = await t.throwsAsync(issue())
  t.is((error as Fault).code, 'pair_broken')
  t.true(error.message.startsWith(keyFile))
  await rm(keyFile)
  t.is(await codeOf(issue()), 'file_unreadable')
  t.is((await openStore(options)).trustDomain, trustDomain, 'looking needs no key')

  await writeFile(keyFile, key)
  await writeFile(certificateFile, 'no certificate')
  t.is(await codeOf(openStore(options)), 'certificate_invalid')
})

/** More calls than anything here makes: no loop over them is endless. */
const callsMax = 200

for (const dead of [false, true]) {
  const what = dead ? 'killed' : 'full'
  test(`C1, C2, C3: init ${what} at any call leaves none or all; again works`, async (t) => {
    for (let at = 0; at < callsMax; at += 1) {
      await using folder = await temporaryFolder()
      const options = { directory: join(folder.path, 'pki'), trustDomain, now }
      const { files, calls } = failingDisk({ at, code: 'ENOSPC', dead })
      const code = await codeOf(initStore({ ...options, files }))
      if (calls.length <= at) break
      t.is(code, 'file_unwritable', calls.at(at))
      const again = await codeOf(initStore(options))
      t.true(again === undefined || again === 'file_exists', calls.at(at))
      const store = await openStore(options)
      t.is(await codeOf(issuePair(store, { role: 'agent', name: 'plant-1' })), undefined)
      const { revocationsFile: file } = authorityPaths(store)
      await t.notThrowsAsync(loadRevocations({ file, authority: store.authority, now }))
    }
  })

  test(`C1, C2, C3: issue ${what} at any call leaves no half pair; again works`, async (t) => {
    await using folder = await temporaryFolder()
    const store = await initStore({ directory: folder.path, trustDomain, now })
    for (let at = 0; at < callsMax; at += 1) {
      const request = { role: 'agent', name: `plant-${at}` } as const
      const { files, calls } = failingDisk({ at, code: 'ENOSPC', dead })
      const code = await codeOf(issuePair({ ...store, files }, request))
      if (calls.length <= at) break
      t.is(code, 'file_unwritable', calls.at(at))
      const again = await codeOf(issuePair(store, request))
      t.true(again === undefined || again === 'file_exists', calls.at(at))
      const { certificateFile, keyFile } = pairPaths(store, request.role, request.name)
      const certificate = new X509Certificate(await readFile(certificateFile))
      t.true(certificate.checkPrivateKey(createPrivateKey(await readFile(keyFile))))
      const known = (await listCertificates(store)).map(({ serialNumber }) => serialNumber)
      t.true(known.includes(certificate.serialNumber), 'revoking would find it')
    }
    const problems = await inspectStore(store)
    t.true(problems.every((problem) => problem.includes('interrupted run')))
    t.is(problems.length > 0, dead)
  })
}

test('an unfinished folder is in nobody’s way', async (t) => {
  await using folder = await temporaryFolder()
  const store = await initStore({ directory: folder.path, trustDomain, now })
  await mkdir(join(folder.path, 'agent', '.new-abc'), { recursive: true })
  await issuePair(store, { role: 'agent', name: 'plant-1' })
  t.regex((await inspectStore(store)).join(), /agent\/\.new-abc is what an interrupted run left/)
})
