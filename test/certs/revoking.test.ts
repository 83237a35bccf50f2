/** Tests of revoking: everything of a name, at once, and not undone by a crash or a rival. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { generateKeys, lifeMs } from '../../certs/authority.ts'
import { disk, type FileSystem } from '../../certs/files.ts'
import { inspectStore } from '../../certs/inspection.ts'
import {
  certificatesOf,
  listCertificates,
  publishRevocations,
  renewRevocations,
  revokeName,
} from '../../certs/revoking.ts'
import {
  authorityPaths,
  initStore,
  issueCertificate,
  issuePair,
  openStore,
  type Store,
} from '../../certs/store.ts'
import { loadRevocations, type RevocationList } from '../../shared/io/revocation.ts'
import { Fault, type FaultCode } from '../../shared/protocol/fault.ts'
import { failingDisk } from '../support/failing-disk.ts'
import { temporaryFolder } from '../support/temporary.ts'

const start = new Date('2026-11-22T12:00:00Z')
const now = (): Date => start

async function newStore(directory: string): Promise<Store> {
  return await initStore({ directory, trustDomain: 'example.com', now })
}

async function published(store: Store): Promise<RevocationList> {
  const { authority } = store
  return await loadRevocations({ file: authorityPaths(store).revocationsFile, authority, now })
}

async function codeOf(promise: Promise<unknown>): Promise<FaultCode | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    if (error instanceof Fault) return error.code
    throw error
  }
}

test('a revoked name is on the list when the call returns, and no other is', async (t) => {
  await using folder = await temporaryFolder()
  const store = await newStore(folder.path)
  const gone = await issuePair(store, { role: 'agent', name: 'plant-1' })
  await issuePair(store, { role: 'agent', name: 'plant-2' })
  const before = await published(store)
  const [revoked, ...more] = await revokeName(store, 'plant-1', 'keyCompromise')
  t.is(revoked?.serialNumber, gone.serialNumber)
  t.deepEqual(more, [])
  const after = await published(store)
  t.deepEqual(after.serialNumbers, new Set([gone.serialNumber]))
  t.true((after.number ?? 0n) > (before.number ?? 0n))
  const reasons = new Map(
    (await listCertificates(store)).map((one) => [one.identity.name, one.revocation?.reason]),
  )
  t.is(reasons.get('plant-1'), 'keyCompromise')
  t.is(reasons.get('plant-2'), undefined)
})

test('P7: a chain of renewals falls with its name', async (t) => {
  await using folder = await temporaryFolder()
  const store = await newStore(folder.path)
  const first = await issuePair(store, { role: 'agent', name: 'plant-1' })
  const serials = [first.serialNumber]
  for (let renewal = 1; renewal <= 5; renewal += 1) {
    const later = { ...store, now: () => new Date(start.getTime() + renewal * lifeMs.agent) }
    const request = { role: 'agent', name: 'plant-1', publicKey: generateKeys().publicKey } as const
    serials.push((await issueCertificate(later, request)).issued.serialNumber)
  }
  t.is((await revokeName(store, 'agent/plant-1')).length, 6)
  t.deepEqual([...(await published(store)).serialNumbers].toSorted(), serials.toSorted())
})

test('revoking again changes no revocation, and makes a lost list again', async (t) => {
  await using folder = await temporaryFolder()
  const store = await newStore(folder.path)
  const { serialNumber } = await issuePair(store, { role: 'agent', name: 'plant-1' })
  await revokeName(store, 'plant-1', 'superseded')
  await writeFile(authorityPaths(store).revocationsFile, 'lost')
  t.deepEqual(await revokeName(store, 'plant-1', 'keyCompromise'), [])
  t.true((await published(store)).serialNumbers.has(serialNumber))
  t.is((await certificatesOf(store, 'plant-1'))[0]?.revocation?.reason, 'superseded')
})

test('a name of two roles is asked back; an unknown one gets a guess', async (t) => {
  await using folder = await temporaryFolder()
  const store = await newStore(folder.path)
  await issuePair(store, { role: 'agent', name: 'plant-1' })
  await issuePair(store, { role: 'client', name: 'plant-1' })
  const two = await t.throwsAsync(revokeName(store, 'plant-1'), { instanceOf: Fault })
  t.is((two as Fault).code, 'usage')
  t.regex(two.message, /agent\/plant-1 or client\/plant-1/)
  const none = await t.throwsAsync(revokeName(store, 'client/plant-2'), { instanceOf: Fault })
  t.is((none as Fault).code, 'certificate_unknown')
  t.regex(none.message, /Did you mean "client\/plant-1"\?/)
  for (const name of ['plant', 'Plant-1', 'plant-1 ', 'plant-.', '*', '', '__proto__']) {
    t.is(await codeOf(revokeName(store, name)), 'certificate_unknown', name)
  }
  t.is((await published(store)).serialNumbers.size, 0)
})

test('C4: of twenty revocations at once, none is missing from the list', async (t) => {
  await using folder = await temporaryFolder()
  const store = await newStore(folder.path)
  const names = Array.from({ length: 20 }, (_, index) => `plant-${index}`)
  for (const name of names) await issuePair(store, { role: 'agent', name })
  const rivals = await Promise.all(names.map(() => openStore({ directory: folder.path, now })))
  await Promise.all(rivals.map((rival, index) => revokeName(rival, names[index] ?? '')))
  t.is((await published(store)).serialNumbers.size, names.length)
  t.deepEqual(await inspectStore(store), [])
})

test('C4: a revocation that comes while the list is being replaced is not lost', async (t) => {
  await using folder = await temporaryFolder()
  const store = await newStore(folder.path)
  const names = ['plant-1', 'plant-2']
  for (const name of names) await issuePair(store, { role: 'agent', name })
  let rivals = 1
  const rename: FileSystem['rename'] = async (from, to) => {
    // The list of plant-1 alone is written, and now overtaken by that of both.
    if (rivals-- > 0) await revokeName(store, 'plant-2')
    await disk.rename(from, to)
  }
  await revokeName({ ...store, files: { ...disk, rename } }, 'plant-1')
  t.is((await published(store)).serialNumbers.size, names.length)
})

/** More calls than anything here makes: no loop over them is endless. */
const callsMax = 200

for (const dead of [false, true]) {
  const what = dead ? 'killed' : 'full'
  test(`C4: a confirmed revocation stays, ${what} at any call of the next`, async (t) => {
    await using folder = await temporaryFolder()
    const store = await newStore(folder.path)
    const confirmed = await issuePair(store, { role: 'agent', name: 'confirmed' })
    await revokeName(store, 'confirmed')
    const said = new Set<boolean>()
    for (let at = 0; at < callsMax; at += 1) {
      const name = `plant-${at}`
      const { serialNumber } = await issuePair(store, { role: 'agent', name })
      const { files, calls } = failingDisk({ at, code: 'EIO', dead })
      const code = await codeOf(revokeName({ ...store, files }, name))
      if (calls.length <= at) break
      t.is(code, 'file_unwritable', calls.at(at))
      t.true((await published(store)).serialNumbers.has(confirmed.serialNumber), calls.at(at))
      // Entered but not published is half-way: it is said, and the next run finishes it.
      const entered = (await certificatesOf(store, name))[0]?.revocation !== undefined
      const listed = (await published(store)).serialNumbers.has(serialNumber)
      const problems = (await inspectStore(store)).join()
      t.is(problems.includes(`${serialNumber} is revoked, but not yet`), entered && !listed)
      said.add(entered && !listed)
      await revokeName(store, name)
      t.true((await published(store)).serialNumbers.has(serialNumber))
    }
    t.is(said.size, 2)
  })
}

test('K6: the list is renewed when half of its time is over, and when it is lost', async (t) => {
  await using folder = await temporaryFolder()
  const store = await newStore(folder.path)
  t.false(await renewRevocations(store))
  const half = new Date(start.getTime() + lifeMs.revocations / 2)
  t.true(await renewRevocations({ ...store, now: () => half }))
  t.is((await published(store)).nextUpdate.getTime(), half.getTime() + lifeMs.revocations)
  await writeFile(authorityPaths(store).revocationsFile, '')
  t.true(await renewRevocations(store))
})

test('K5: the number of the list grows even when the clock steps back', async (t) => {
  await using folder = await temporaryFolder()
  const store = await newStore(folder.path)
  const numbers: bigint[] = []
  for (const time of ['2026-11-22', '2099-01-01', '1999-01-01', '2026-11-22']) {
    await publishRevocations({ ...store, now: () => new Date(`${time}T00:00:00Z`) })
    numbers.push((await published(store)).number ?? 0n)
  }
  t.deepEqual(
    numbers,
    numbers.toSorted((one, other) => (one < other ? -1 : 1)),
  )
  t.is(new Set(numbers).size, numbers.length)
})

test('a damaged register publishes nothing, and the last good list stays', async (t) => {
  await using folder = await temporaryFolder()
  const store = await newStore(folder.path)
  await issuePair(store, { role: 'agent', name: 'plant-1' })
  const [revoked] = await revokeName(store, 'plant-1')
  const { revocationsFile } = authorityPaths(store)
  const before = await readFile(revocationsFile, 'utf8')
  await writeFile(join(folder.path, 'revoked', `${revoked?.serialNumber}.json`), '{')
  t.is(await codeOf(publishRevocations(store)), 'file_unreadable')
  t.is(await readFile(revocationsFile, 'utf8'), before)
})
