/** Tests of how files come to the disk: in what order, whole or not at all, never over another. */
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import test from 'ava'
import {
  disk,
  namesIn,
  publicMode,
  readText,
  replaceFile,
  secretMode,
  stagingPrefix,
  unfinishedIn,
  writeNewFile,
  writeNewFolder,
} from '../../certs/files.ts'
import { Fault } from '../../shared/protocol/fault.ts'
import { failingDisk } from '../support/failing-disk.ts'
import { temporaryFolder } from '../support/temporary.ts'

const pair = [
  { name: 'certificate.pem', text: 'a certificate', mode: publicMode },
  { name: 'key.pem', text: 'a key', mode: secretMode },
] as const

/** More calls than anything here makes: no loop over them is endless. */
const callsMax = 100

/** The calls without what chance puts into the names of unfinished files. */
function plain(calls: readonly string[], folder: string): readonly string[] {
  return calls.map((call) => {
    const [name = '', path = ''] = call.split(' ')
    const inside = relative(folder, path).replace(/\.new-[^/]*/, '.new')
    return `${name} ${inside === '' ? '.' : inside}`
  })
}

test('C1: a pair is written and synced before it is shown, its folder after', async (t) => {
  await using folder = await temporaryFolder()
  const { files, calls } = failingDisk()
  await writeNewFolder(files, join(folder.path, 'agent', 'plant-1'), pair)
  t.deepEqual(plain(calls, folder.path), [
    'mkdir agent',
    'sync .',
    'mkdtemp agent/.new',
    'open agent/.new/certificate.pem',
    'write agent/.new/certificate.pem',
    'sync agent/.new/certificate.pem',
    'open agent/.new/key.pem',
    'write agent/.new/key.pem',
    'sync agent/.new/key.pem',
    'sync agent/.new',
    'rename agent/plant-1',
    'sync agent',
  ])
})

test('C1: a file is written and synced before it is linked or renamed into place', async (t) => {
  await using folder = await temporaryFolder()
  const { files, calls } = failingDisk()
  await writeNewFile(files, join(folder.path, 'once'), 'text')
  await replaceFile(files, join(folder.path, 'again'), 'text')
  t.deepEqual(plain(calls, folder.path), [
    'mkdir .',
    'open .new',
    'write .new',
    'sync .new',
    'link once',
    'unlink .new',
    'sync .',
    'open .new',
    'write .new',
    'sync .new',
    'rename again',
    'sync .',
  ])
})

test('keys are 0600, folders 0700, and each new folder is synced into the one above', async (t) => {
  await using folder = await temporaryFolder()
  const { files, calls } = failingDisk()
  await writeNewFolder(files, join(folder.path, 'a', 'b', 'c'), pair)
  const modeOf = async (...path: readonly string[]): Promise<number> =>
    (await stat(join(folder.path, ...path))).mode & 0o777
  t.is(await modeOf('a'), 0o700)
  t.is(await modeOf('a', 'b'), 0o700)
  t.is(await modeOf('a', 'b', 'c'), 0o700)
  t.is(await modeOf('a', 'b', 'c', 'key.pem'), 0o600)
  t.deepEqual(plain(calls, folder.path).slice(0, 3), ['mkdir a/b', 'sync a', 'sync .'])
})

test('what is there already is never overwritten, whatever it is', async (t) => {
  await using folder = await temporaryFolder()
  const at = (name: string): string => join(folder.path, name)
  await mkdir(at('folder'))
  await writeFile(at('folder/kept'), 'kept')
  await writeFile(at('file'), 'kept')
  await symlink('nowhere', at('link'))
  for (const name of ['folder', 'file', 'link']) {
    for (const write of [
      () => writeNewFolder(disk, at(name), pair),
      () => writeNewFile(disk, at(name), 'text'),
    ]) {
      const error = await t.throwsAsync(write(), { instanceOf: Fault })
      t.is((error as Fault).code, 'file_exists')
      t.true(error.message.includes(at(name)))
    }
  }
  t.is(await readFile(at('file'), 'utf8'), 'kept')
  t.is(await readFile(at('folder/kept'), 'utf8'), 'kept')
  t.deepEqual((await readdir(folder.path)).toSorted(), ['file', 'folder', 'link'])
})

test('of a hundred who write the same pair at once, exactly one does', async (t) => {
  await using folder = await temporaryFolder()
  const path = join(folder.path, 'plant-1')
  const outcomes = await Promise.allSettled(
    Array.from({ length: 100 }, (_, number) =>
      writeNewFolder(disk, path, [{ name: 'key.pem', text: String(number), mode: secretMode }]),
    ),
  )
  const winners = outcomes.flatMap(({ status }, number) => (status === 'fulfilled' ? [number] : []))
  t.is(winners.length, 1)
  t.is(await readFile(join(path, 'key.pem'), 'utf8'), String(winners[0]))
  t.deepEqual(await readdir(folder.path), ['plant-1'])
})

for (const code of ['ENOSPC', 'EIO', 'EROFS']) {
  test(`C2: ${code} at any call leaves nothing, or all, and says so`, async (t) => {
    for (let at = 0; at < callsMax; at += 1) {
      await using folder = await temporaryFolder()
      const { files, calls } = failingDisk({ at, code, dead: false })
      const path = join(folder.path, 'agent', 'plant-1')
      const error = await writeNewFolder(files, path, pair).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      if (calls.length <= at) break
      t.true(error instanceof Fault && error.code === 'file_unwritable', calls.at(at))
      const left = await filesBelow(folder.path)
      // Only the sync of the folder comes after the rename.
      const expected = calls.at(at) === `sync ${join(folder.path, 'agent')}` ? whole : []
      t.deepEqual(left, expected, calls.at(at))
    }
  })
}

test('C1, C3: killed at any call, there is no pair or a whole one', async (t) => {
  for (let at = 0; at < callsMax; at += 1) {
    await using folder = await temporaryFolder()
    const { files, calls } = failingDisk({ at, code: 'EIO', dead: true })
    const parent = join(folder.path, 'agent')
    const path = join(parent, 'plant-1')
    const killed = await writeNewFolder(files, path, pair).then(
      () => false,
      () => true,
    )
    if (!killed) break
    const [named, unfinished] = [await namesIn(disk, parent), await unfinishedIn(disk, parent)]
    if (named.length > 0) {
      t.deepEqual(await filesBelow(folder.path), whole, calls.at(at))
    } else {
      t.true(unfinished.every((name) => basename(name).startsWith(stagingPrefix)))
      await t.notThrowsAsync(writeNewFolder(disk, path, pair))
    }
    t.is(await readText(disk, join(path, 'key.pem')), 'a key')
  }
})

test('C2: killed or full at any call, a replaced file is the old one or the new one', async (t) => {
  const outcomes = new Set<string>()
  for (const dead of [true, false]) {
    for (let at = 0; at < callsMax; at += 1) {
      await using folder = await temporaryFolder()
      const path = join(folder.path, 'crl.pem')
      await replaceFile(disk, path, 'the old one')
      const { files, calls } = failingDisk({ at, code: 'ENOSPC', dead })
      const failed = await replaceFile(files, path, 'the new one').then(
        () => false,
        () => true,
      )
      if (!failed) break
      const text = await readText(disk, path)
      t.true(['the old one', 'the new one'].includes(text), calls.at(at))
      outcomes.add(text)
      if (!dead) t.deepEqual(await unfinishedIn(disk, folder.path), [])
    }
  }
  t.is(outcomes.size, 2)
})

test('a file where a folder should be, or none where one is read, is said in words', async (t) => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'file')
  await writeFile(file, '')
  const writing = await t.throwsAsync(writeNewFolder(disk, join(file, 'a', 'b'), pair))
  t.regex(writing.message, /a file is where a folder should be/)
  const reading = await t.throwsAsync(readText(disk, join(folder.path, 'absent')))
  t.regex(reading.message, /absent cannot be read: it is not there/)
  t.deepEqual(await namesIn(disk, join(folder.path, 'absent')), [])
  t.is(((await t.throwsAsync(namesIn(disk, file))) as Fault).code, 'file_unreadable')
})

const whole = ['agent/plant-1/certificate.pem', 'agent/plant-1/key.pem']

async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .toSorted()
}
