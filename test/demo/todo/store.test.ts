/** Tests that the state survives: restarts, and a process that is killed while it writes. */
import { randomUUID } from 'node:crypto'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { decide, emptyState, type TodoState } from '../../../demo/todo/authority.ts'
import { Store } from '../../../demo/todo/store.ts'
import { Fault } from '../../../shared/protocol/fault.ts'
import { Child } from '../../support/process.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import { within } from '../../support/within.ts'

const stateWith = (titles: readonly string[]): TodoState =>
  titles.reduce((state, title) => {
    const item = { id: randomUUID(), title, completed: false }
    const message = { clientId: 'a', command: 'insert', item } as const
    return decide(state, { kind: 'message', message }, randomUUID).state
  }, emptyState)

test('what was saved is loaded; where nothing was, the list is empty', async (t) => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'todo.json')
  t.deepEqual(await new Store(file).load(), emptyState)
  const { state } = decide(
    stateWith(['milk', '<b>bread</b>']),
    { kind: 'status', status: { clientId: 'pi1', button: 'click', messageId: randomUUID() } },
    randomUUID,
  )
  await new Store(file).save(state)
  t.deepEqual(await new Store(file).load(), state)
  t.is((await stat(file)).mode & 0o777, 0o600)
  t.deepEqual(await readdir(folder.path), ['todo.json'])
})

test('a file that is something else is left as it is, and the fault names it', async (t) => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'todo.json')
  for (const text of ['', '{', '[]', '{"version":1}', '{"version":2,"list":{}}']) {
    await writeFile(file, text)
    const fault = await t.throwsAsync(new Store(file).load(), { instanceOf: Fault })
    t.is(fault?.code, 'file_unreadable')
    t.true(fault?.message.includes(file))
    t.is(await readFile(file, 'utf8'), text)
  }
})

test('what an interrupted save left behind is no harm', async (t) => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'todo.json')
  const state = stateWith(['milk'])
  await new Store(file).save(state)
  await writeFile(`${file}.new`, '{"version":1,"list":{"revis')
  t.deepEqual(await new Store(file).load(), state)
  const later = stateWith(['bread'])
  await new Store(file).save(later)
  t.deepEqual(await new Store(file).load(), later)
})

const storeModule = new URL('../../../demo/todo/store.ts', import.meta.url).href
const authorityModule = new URL('../../../demo/todo/authority.ts', import.meta.url).href

/** Saves states of many titles without end, all of one state the same; says when it begins. */
const writer = `
import { Store } from '${storeModule}'
import { emptyState } from '${authorityModule}'
const store = new Store(process.argv[1])
for (let revision = 1; ; revision += 1) {
  const items = Array.from({ length: 500 }, () => ({
    id: crypto.randomUUID(), title: 'x'.repeat(200) + revision, completed: false,
  }))
  await store.save({ ...emptyState, list: { revision, items, leases: {} } })
  if (revision === 1) console.log('writing')
}
`

test('a server that is killed in the middle of a write leaves a whole state', async (t) => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'todo.json')
  let revisionBefore = 0
  for (let round = 0; round < 5; round += 1) {
    await using child = new Child(process.execPath, ['--input-type=module', '-e', writer, file])
    await child.waitForLine(/writing/)
    // Another place within the write each time, and it is cut there whatever that is.
    await within('replacement of the file', untilReplaced(file, round))
    child.signal('SIGKILL')
    await child.waitForExit()
    const { list } = await new Store(file).load()
    t.is(list.items.length, 500)
    t.true(list.items.every(({ title }) => title === `${'x'.repeat(200)}${list.revision}`))
    t.true(list.revision > 0)
    revisionBefore = Math.max(revisionBefore, list.revision)
  }
  t.true(revisionBefore > 0)
})

/** Waits until the file was replaced so often. */
async function untilReplaced(file: string, times: number): Promise<void> {
  let { ino } = await stat(file)
  for (let seen = 0; seen < times; ) {
    const now = (await stat(file)).ino
    if (now !== ino) seen += 1
    ino = now
  }
}
