/** Tests of looking over the folder: each thing that is wrong is said, with its path (C1 to C3). */
import { copyFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { lifeMs } from '../../certs/authority.ts'
import { inspectStore } from '../../certs/inspection.ts'
import { authorityPaths, initStore, issuePair, type Store } from '../../certs/store.ts'
import { temporaryFolder } from '../support/temporary.ts'

const now = (): Date => new Date('2026-11-22T12:00:00Z')

async function newStore(directory: string): Promise<Store> {
  const store = await initStore({ directory, trustDomain: 'example.com', now })
  await issuePair(store, { role: 'agent', name: 'plant-1' })
  return store
}

test('a sound folder has nothing to be said about it', async (t) => {
  await using folder = await temporaryFolder()
  t.deepEqual(await inspectStore(await newStore(folder.path)), [])
})

test('C3: a key and a certificate of different pairs are found', async (t) => {
  await using folder = await temporaryFolder()
  const store = await newStore(folder.path)
  const pair = await issuePair(store, { role: 'agent', name: 'plant-2' })
  await copyFile(join(folder.path, 'agent', 'plant-1', 'key.pem'), pair.keyFile)
  const [problem = '', ...more] = await inspectStore(store)
  t.regex(problem, /agent\/plant-2: the key and the certificate do not belong together/)
  t.regex(problem, /mv \S+agent\/plant-2 agent-plant-2\.broken/)
  t.deepEqual(more, [])
})

test('C1: an empty, a cut or a missing file is found', async (t) => {
  await using folder = await temporaryFolder()
  const store = await newStore(folder.path)
  for (const name of ['key.pem', 'certificate.pem']) {
    const file = join(folder.path, 'agent', 'plant-1', name)
    const good = await readFile(file, 'utf8')
    for (const text of ['', good.slice(0, 80)]) {
      await writeFile(file, text)
      t.regex((await inspectStore(store)).join(), /agent\/plant-1: the pair is not whole/)
    }
    await rm(file)
    t.regex((await inspectStore(store)).join(), /not whole: \S+ cannot be read: it is not there/)
    await writeFile(file, good)
  }
  t.deepEqual(await inspectStore(store), [])
})

test('a certificate that revoking would miss is found', async (t) => {
  await using folder = await temporaryFolder()
  const store = await newStore(folder.path)
  await rm(join(folder.path, 'issued'), { recursive: true })
  t.regex((await inspectStore(store)).join(), /plant-1: the certificate is not in the register/)
})

test('what an interrupted run left is found in every folder', async (t) => {
  await using folder = await temporaryFolder()
  const store = await newStore(folder.path)
  const places = ['.new-0', 'ca/.new-1', 'agent/.new-2', 'issued/.new-3', 'revoked/.new-4']
  for (const place of places) await mkdir(join(folder.path, place), { recursive: true })
  const problems = await inspectStore(store)
  t.is(problems.length, places.length)
  for (const place of places) {
    t.true(problems.some((problem) => problem.endsWith(`rm -r ${join(folder.path, place)}`)))
  }
})

test('a lost, a foreign and an old revocation list are found', async (t) => {
  await using folder = await temporaryFolder()
  await using other = await temporaryFolder()
  const store = await newStore(folder.path)
  const { revocationsFile } = authorityPaths(store)
  const late = { ...store, now: () => new Date(now().getTime() + lifeMs.revocations + 1000) }
  t.regex((await inspectStore(late)).join(), /crl\.pem is older than it may be.*certs publish/)
  const foreign = authorityPaths(await newStore(other.path)).revocationsFile
  await rename(foreign, revocationsFile)
  t.regex((await inspectStore(store)).join(), /crl\.pem cannot be trusted.*certs publish/)
  await rm(revocationsFile)
  t.regex((await inspectStore(store)).join(), /crl\.pem cannot be trusted/)
})
