/** Tests the todo server with clients, on each carrier. */
import { randomUUID } from 'node:crypto'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { emptyState } from '../../../demo/todo/authority.ts'
import { limits, topics } from '../../../demo/todo/contract.ts'
import { clicksMax } from '../../../demo/todo/maintenance.ts'
import type { SharedList, View } from '../../../demo/todo/shared-list.ts'
import { Store } from '../../../demo/todo/store.ts'
import { sayRaw } from '../../support/facade.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import {
  openClient,
  type Place,
  recordedLog,
  startServer,
  type TestClient,
  testOnEach,
} from '../../support/todo.ts'

type Play = (t: ExecutionContext, place: Place, folder: string) => Promise<void>

const scenarios: Readonly<Record<string, Play>> = {
  'what one client does, the others see': sharing,
  'a full list, in any alphabet, reaches a client whole': fullList,
  'B9: a lease ends with its owner, and without renewal': leases,
  'B8: clicks and light outlive the server': maintenance,
  'bad input of every kind changes nothing, and is logged': badInput,
  'what is done while the server is away, is done when it is back': serverAway,
}

for (const [title, play] of Object.entries(scenarios)) {
  testOnEach(title, async (t, place) => {
    await using folder = await temporaryFolder()
    await play(t, place, folder.path)
  })
}

testOnEach(
  'while the disk takes nothing, nobody is told what it does not have',
  async (t, place) => {
    await using folder = await temporaryFolder()
    await diskAway(t, place, folder.path)
  },
  ['socket.io'],
)

testOnEach(
  'a broker that restarts loses and doubles nothing',
  async (t, place) => {
    await using folder = await temporaryFolder()
    await brokerRestart(t, place, folder.path)
  },
  ['embedded', 'mosquitto', 'rabbitmq'],
)

async function sharing(t: ExecutionContext, place: Place, folder: string): Promise<void> {
  await using _server = await startServer(place, folder)
  await using one = openClient(place, randomUUID())
  await using other = openClient(place, randomUUID())
  for (const client of [one, other]) await client.until('ready', ({ ready }) => ready)
  const milk = insert(one.list, 'milk')
  const bread = insert(other.list, '<img src=x onerror=alert(1)>')
  await other.until('milk', (view) => shown(view, milk) !== undefined)
  other.list.make({ command: 'update', item: { id: milk, title: 'milk', completed: true } })
  for (const client of [one, other]) {
    await client.until('both', ({ items, pending }) => items.length === 2 && pending === 0)
    await client.until('completed', (view) => shown(view, milk)?.completed === true)
    t.is(shown(client.list.view, bread)?.title, '<img src=x onerror=alert(1)>')
  }
  one.list.make({ command: 'remove', id: milk })
  await other.until('one entry', ({ items }) => items.length === 1)
  const ids = [one.bus.clientId, other.bus.clientId].sort()
  await one.until('both online', ({ online }) => ids.every((id) => online.includes(id)))
  await using late = openClient(place, randomUUID())
  await late.until('the list', ({ items }) => items.length === 1)
}

async function fullList(t: ExecutionContext, place: Place, folder: string): Promise<void> {
  const alphabet = '牛乳 молоко γάλα 🥛 "\\\u0007</script>'
  const title = alphabet.repeat(limits.titleMax).slice(0, limits.titleMax - 1)
  const items = Array.from({ length: limits.itemsMax }, () => {
    return { id: randomUUID(), title: title.toWellFormed(), completed: false }
  })
  const list = { ...emptyState.list, revision: 1_000, items }
  await new Store(join(folder, 'todo.json')).save({ ...emptyState, list })
  await using _server = await startServer(place, folder)
  await using client = openClient(place, randomUUID())
  const view = await client.until('the list', ({ ready }) => ready)
  t.deepEqual(
    view.items.map(({ id }) => id),
    items.map(({ id }) => id),
  )
  t.true(view.items.every((item) => item.title === items[0]?.title))
  insert(client.list, 'one too many')
  await client.until('the refusal', (after) => after.pending === 0)
  t.is(client.list.view.items.length, limits.itemsMax)
}

async function leases(t: ExecutionContext, place: Place, folder: string): Promise<void> {
  const server = await startServer(place, folder, { leaseMs: 500 })
  await using other = openClient(place, randomUUID())
  await other.until('ready', ({ ready }) => ready)
  const id = insert(other.list, 'milk')
  {
    await using one = openClient(place, randomUUID())
    await one.until('milk', ({ items }) => items.length === 1)
    one.list.make({ command: 'busy', id, busy: true })
    await other.until('busy', (view) => shown(view, id)?.busy === true)
    const wish = setInterval(() => other.list.make({ command: 'busy', id, busy: true }), 100)
    await one.until('the lease of the other', (view) => shown(view, id)?.busy === true)
    clearInterval(wish)
    await one.until('not busy without renewal', (view) => shown(view, id)?.busy === false)
  }
  await server[Symbol.asyncDispose]()
  await using long = await startServer(place, folder, { leaseMs: 30_000 })
  const one = openClient(place, randomUUID())
  await one.until('milk', ({ items }) => items.length === 1)
  one.list.make({ command: 'busy', id, busy: true })
  await other.until('busy', (view) => shown(view, id)?.busy === true)
  other.list.make({ command: 'remove', id })
  await other.until('taken back', ({ items, pending }) => items.length === 1 && pending === 0)
  await one[Symbol.asyncDispose]()
  await other.until('not busy without its owner', (view) => shown(view, id)?.busy === false)
  t.deepEqual(long.state.list.leases, {})
}

async function maintenance(t: ExecutionContext, place: Place, folder: string): Promise<void> {
  const device = `pi-${randomUUID().slice(0, 8)}`
  const click = (): object => ({ clientId: device, button: 'click', messageId: randomUUID() })
  const clicks = (count: number): readonly object[] => Array.from({ length: count }, click)
  const lit = (view: View): boolean =>
    view.devices.some((one) => one.clientId === device && one.due)
  await using client = openClient(place, randomUUID())
  {
    await using _server = await startServer(place, folder)
    await client.until('ready', ({ ready }) => ready)
    await sayRaw(place, device, topics.deviceStatus, clicks(clicksMax - 1))
    const isCounted = ({ devices }: View): boolean =>
      devices.some((one) => one.clientId === device && one.clicks === clicksMax - 1)
    await client.until('all but one click', isCounted)
  }
  await using server = await startServer(place, folder)
  await client.until('the server again', ({ online }) => online.includes(client.bus.clientId))
  const last = click()
  await sayRaw(place, device, topics.deviceStatus, [last, last])
  await client.until('the entry', ({ items }) => items.length === 1)
  await client.until('the light', lit)
  t.is(client.list.view.items[0]?.title, `Perform maintenance on ${device}`)
  t.is(server.state.devices[0]?.clicks, clicksMax)
  const [item] = client.list.view.items
  if (item === undefined) return t.fail()
  client.list.make({ command: 'toggle-all', completed: true })
  await client.until('no light', (view) => !lit(view))
}

async function badInput(t: ExecutionContext, place: Place, folder: string): Promise<void> {
  const log = recordedLog()
  await using server = await startServer(place, folder, { log: log.log })
  await using client = openClient(place, randomUUID())
  await client.until('ready', ({ ready }) => ready)
  const id = insert(client.list, 'milk')
  await client.until('answer', ({ pending }) => pending === 0)
  const before = server.state.list
  const clientId = randomUUID()
  const item = { id: randomUUID(), title: 'x', completed: false }
  const bad = [
    { command: 'update', item },
    { command: 'remove', id: item.id },
    { command: 'remove', id: 'constructor' },
    { command: 'insert', item: { ...item, title: '' } },
    { command: 'insert', item: { ...item, title: 'x'.repeat(501) } },
    { command: 'insert', item: { ...item, completed: 'yes' } },
    { command: 'insert', item: { ...item, id: 7 } },
    { command: 'insert', item: [] },
    { command: 'insert' },
    { command: 'drop table' },
    { command: 'busy', id, busy: 1 },
    { command: 'toggle-all', completed: null },
    { command: 'remove', id, number: -1 },
    { command: 'remove', id, number: 1e300 },
    { command: 'initdata', to: clientId, items: [] },
  ].map((one) => ({ clientId, ...one }))
  const badStatus = [{}, { button: 'press' }, { button: 'click', messageId: 'x' }, { button: {} }]
  const statuses = badStatus.map((one) => ({ clientId, ...one }))
  await sayRaw(place, clientId, topics.todo, bad)
  await sayRaw(place, clientId, topics.deviceStatus, statuses)
  const huge = { clientId, command: 'insert', item, more: 'x'.repeat(10_000_000) }
  // Socket.IO hangs up on who says too much; a broker passes it on.
  await sayRaw(place, clientId, topics.todo, [huge]).catch(() => {})
  const after = insert(client.list, 'bread')
  await client.until('answer', ({ pending }) => pending === 0)
  t.deepEqual(
    server.state.list.items.map((one) => one.id),
    [...before.items.map((one) => one.id), after],
  )
  t.deepEqual(server.state.devices, [])
  const ignored = log.records.filter((one) => one.message === 'message ignored')
  const ours = ignored.filter((one) => one['client.id'] === clientId && one.reason !== undefined)
  t.true(ours.length >= bad.length + statuses.length, `${ours.length}`)
}

async function serverAway(t: ExecutionContext, place: Place, folder: string): Promise<void> {
  await using one = openClient(place, randomUUID())
  await using other = openClient(place, randomUUID())
  const first = await startServer(place, folder)
  for (const client of [one, other]) await client.until('ready', ({ ready }) => ready)
  insert(one.list, 'before')
  await other.until('before', ({ items }) => items.length === 1)
  await first[Symbol.asyncDispose]()
  for (let n = 0; n < 5; n += 1) insert(one.list, `one ${n}`)
  for (let n = 0; n < 5; n += 1) insert(other.list, `other ${n}`)
  t.is(one.list.view.items.length, 6)
  await using server = await startServer(place, folder)
  await agree([one, other], 11)
  t.is(server.state.list.items.length, 11)
}

async function diskAway(t: ExecutionContext, place: Place, parent: string): Promise<void> {
  const folder = join(parent, 'list')
  await mkdir(folder)
  const log = recordedLog()
  await using _server = await startServer(place, folder, { log: log.log })
  await using one = openClient(place, randomUUID())
  await using other = openClient(place, randomUUID())
  for (const client of [one, other]) await client.until('ready', ({ ready }) => ready)
  await rm(folder, { recursive: true })
  insert(one.list, 'milk')
  await log.until('the disk', ({ code }) => code === 'file_unwritable')
  t.is(one.list.view.pending, 1)
  t.is(other.list.view.items.length, 0)
  await mkdir(folder)
  await agree([one, other], 1)
}

async function brokerRestart(t: ExecutionContext, place: Place, folder: string): Promise<void> {
  await using server = await startServer(place, folder)
  await using one = openClient(place, randomUUID())
  await using other = openClient(place, randomUUID())
  for (const client of [one, other]) await client.until('ready', ({ ready }) => ready)
  insert(one.list, 'before')
  insert(other.list, 'before, too')
  const restarted = place.restartBroker()
  for (let n = 0; n < 5; n += 1) insert(one.list, `one ${n}`)
  await restarted
  for (let n = 0; n < 5; n += 1) insert(other.list, `other ${n}`)
  await agree([one, other], 12)
  t.is(server.state.list.revision, 12)
}

/** Waits until all show the same list, of so many entries, and nothing waits for an answer. */
async function agree(clients: readonly TestClient[], count: number): Promise<void> {
  for (const client of clients) {
    const isDone = ({ items, pending }: View): boolean => items.length === count && pending === 0
    await client.until(`${count} entries`, isDone, 30_000)
  }
  const [first, ...others] = clients.map(({ list }) => JSON.stringify(list.view.items))
  if (others.some((one) => one !== first)) throw new Error('the lists differ')
}

function insert(list: SharedList, title: string): string {
  const id = randomUUID()
  list.make({ command: 'insert', item: { id, title, completed: false } })
  return id
}

function shown({ items }: View, id: string): View['items'][number] | undefined {
  return items.find((item) => item.id === id)
}
