/** Tests the server's decisions about clients, devices and leases. */
import { randomUUID } from 'node:crypto'
import test from 'ava'
import {
  type Decision,
  decide,
  emptyState,
  lights,
  type Saying,
  type TodoEvent,
  type TodoState,
} from '../../../demo/todo/authority.ts'
import { type Change, type ClientMessage, limits } from '../../../demo/todo/contract.ts'
import { clicksMax } from '../../../demo/todo/maintenance.ts'

/** A server's state, and all that it has said. */
class Room {
  state: TodoState = emptyState
  said: Saying[] = []

  hear(event: TodoEvent): readonly Saying[] {
    const { state, sayings }: Decision = decide(this.state, event, randomUUID)
    this.state = state
    this.said.push(...sayings)
    return sayings
  }

  say(clientId: string, change: Change | { command: 'init' }, number?: number): readonly Saying[] {
    const message = { clientId, ...(number !== undefined && { number }), ...change }
    return this.hear({ kind: 'message', message: message as ClientMessage })
  }

  click(clientId: string, messageId: string = randomUUID()): readonly Saying[] {
    return this.hear({ kind: 'status', status: { clientId, button: 'click', messageId } })
  }

  clickUntilDue(...devices: readonly string[]): void {
    for (const device of devices) for (let n = 0; n < clicksMax; n += 1) this.click(device)
  }

  insert(title: string): string {
    const id = randomUUID()
    this.say('a', { command: 'insert', item: { id, title, completed: false } })
    return id
  }

  complete(id: string, completed = true): readonly Saying[] {
    const item = this.state.list.items.find((one) => one.id === id)
    if (item === undefined) throw new Error('no such entry')
    return this.say('a', { command: 'update', item: { ...item, completed } })
  }

  get lights(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      lights(this.state).map(({ clientId, maintenancelight }) => [clientId, maintenancelight]),
    )
  }

  itemOf(device: string): string {
    return this.state.devices.find(({ clientId }) => clientId === device)?.itemId ?? ''
  }
}

const kinds = (sayings: readonly Saying[]): readonly string[] => sayings.map(({ kind }) => kind)

test('B1: checking any other entry leaves every device as it is', (t) => {
  const room = new Room()
  const other = room.insert('milk')
  room.clickUntilDue('pi1', 'pi2')
  t.deepEqual(room.lights, { pi1: 'on', pi2: 'on' })
  const before = room.state.devices
  room.complete(other)
  t.deepEqual(room.state.devices, before)
  room.complete(room.itemOf('pi1'))
  t.deepEqual(room.lights, { pi1: 'off', pi2: 'on' })
  t.not(room.itemOf('pi1'), room.itemOf('pi2'))
})

test('B2: update and remove of an unknown id are refused to their author alone', (t) => {
  const room = new Room()
  room.insert('milk')
  const { list } = room.state
  const item = { id: randomUUID(), title: 'x', completed: true }
  for (const change of [
    { command: 'update', item },
    { command: 'remove', id: item.id },
  ] satisfies Change[]) {
    const sayings = room.say('b', change, undefined)
    t.deepEqual(kinds(sayings), ['ignored', 'one'])
    t.like(sayings[1], { clientId: 'b', message: { command: 'refused', reason: 'unknown' } })
  }
  t.deepEqual(room.state.list, list)
})

test('B4: clicks while maintenance is due say nothing more to anybody', (t) => {
  const room = new Room()
  room.clickUntilDue('pi1')
  const { list } = room.state
  t.is(list.items.length, 1)
  t.is(list.items[0]?.title, 'Perform maintenance on pi1')
  for (let n = 0; n < 5; n += 1) t.deepEqual(kinds(room.click('pi1')), ['devices'])
  t.deepEqual(room.state.list, list)
  t.is(room.said.filter(({ kind }) => kind === 'light').length, 1)
})

test('a maintained device begins again, and is due again after as many clicks', (t) => {
  const room = new Room()
  room.clickUntilDue('pi1')
  const id = room.itemOf('pi1')
  room.complete(id)
  t.is(room.lights.pi1, 'off')
  room.clickUntilDue('pi1')
  t.is(room.lights.pi1, 'on')
  t.deepEqual(room.state.list.items, [
    { id, title: 'Perform maintenance on pi1', completed: false },
  ])
  room.complete(id)
  room.complete(id, false)
  t.is(room.lights.pi1, 'on')
})

test('toggling and clearing reach the devices whose entries they concern', (t) => {
  const room = new Room()
  room.clickUntilDue('pi1', 'pi2')
  room.say('a', { command: 'toggle-all', completed: true })
  t.deepEqual(room.lights, { pi1: 'off', pi2: 'off' })
  room.say('a', { command: 'clear-completed' })
  room.clickUntilDue('pi1')
  t.deepEqual(room.lights, { pi1: 'on', pi2: 'off' })
  t.is(room.state.list.items.length, 1)
})

test('B9: the server ends a lease, and only then may others change the entry', (t) => {
  const room = new Room()
  const id = room.insert('milk')
  room.say('a', { command: 'busy', id, busy: true })
  t.like(room.say('b', { command: 'remove', id })[1], { message: { reason: 'busy' } })
  t.like(room.hear({ kind: 'release', id })[0], {
    message: { command: 'applied', author: 'server', change: { command: 'busy', busy: false } },
  })
  t.deepEqual(room.hear({ kind: 'release', id }), [])
  t.like(room.say('b', { command: 'remove', id })[0], { message: { command: 'applied' } })
})

test('a change is taken once, and none before the one that it follows', (t) => {
  const room = new Room()
  const toggle: Change = { command: 'toggle-all', completed: true }
  room.say('a', { command: 'init' })
  t.deepEqual(kinds(room.say('a', toggle, 2)), ['ignored', 'one'])
  t.is(room.state.list.revision, 0)
  room.say('a', toggle, 1)
  room.say('a', toggle, 2)
  t.is(room.state.list.revision, 2)
  t.deepEqual(kinds(room.say('a', toggle, 1)), ['ignored'])
  t.deepEqual(kinds(room.say('a', toggle, 2)), ['ignored'])
  t.is(room.state.list.revision, 2)
})

test('a refused change counts as heard', (t) => {
  const room = new Room()
  room.say('a', { command: 'remove', id: randomUUID() }, 1)
  t.is(room.state.numbers.get('a'), 1)
})

test('a client that the server has forgotten goes on from where it stands', (t) => {
  const room = new Room()
  const init = { clientId: 'a', command: 'init', number: 41 } as const
  room.hear({ kind: 'message', message: init })
  room.say('a', { command: 'toggle-all', completed: true }, 42)
  t.is(room.state.list.revision, 1)
})

test('a click that is delivered twice is counted once; names of objects are but names', (t) => {
  const room = new Room()
  for (const clientId of ['pi1', 'constructor', '__proto__']) {
    const messageId = randomUUID()
    room.click(clientId, messageId)
    t.deepEqual(kinds(room.click(clientId, messageId)), ['ignored'])
    room.say(clientId, { command: 'init' })
    room.say(clientId, { command: 'toggle-all', completed: true }, 1)
  }
  t.deepEqual(
    room.state.devices.map(({ clicks }) => clicks),
    [1, 1, 1],
  )
  t.is(room.state.list.revision, 3)
})

test('what is remembered of clients and clicks is bounded', (t) => {
  const room = new Room()
  const toggle: Change = { command: 'toggle-all', completed: true }
  for (let n = 0; n <= limits.clientsMax; n += 1) room.say(`client-${n}`, toggle, 1)
  t.is(room.state.numbers.size, limits.clientsMax)
  t.false(room.state.numbers.has('client-0'))
  for (let n = 0; n < limits.deviceMessagesMax + 5; n += 1) room.click('pi1')
  t.is(room.state.clicks.get('pi1')?.length, limits.deviceMessagesMax)
})
