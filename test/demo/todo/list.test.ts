/** Tests what changes make of the list. */
import { randomUUID } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import type { Change, Item, List } from '../../../demo/todo/contract.ts'
import { limits, serverId } from '../../../demo/todo/contract.ts'
import { apply, emptyList, refusal } from '../../../demo/todo/list.ts'

const item = (id: string, completed = false): Item => ({ id, title: `title of ${id}`, completed })
const listOf = (...items: readonly Item[]): List =>
  items.reduce((list, one) => apply(list, 'a', { command: 'insert', item: one }), emptyList)

test('B2: update and remove of an unknown id change nothing, and are refused', (t) => {
  const [known, unknown] = [randomUUID(), randomUUID()]
  const list = listOf(item(known))
  const update: Change = { command: 'update', item: item(unknown) }
  const remove: Change = { command: 'remove', id: unknown }
  for (const change of [update, remove]) {
    t.deepEqual(apply(list, 'a', change).items, list.items)
    t.is(refusal(list, 'a', change), 'unknown')
  }
})

test('an id that is taken is refused, and its entry stays as it is', (t) => {
  const id = randomUUID()
  const list = listOf(item(id))
  const again: Change = { command: 'insert', item: { id, title: 'another', completed: true } }
  t.is(refusal(list, 'b', again), 'taken')
  t.deepEqual(apply(list, 'b', again).items, list.items)
})

test('B10: clearing and toggling all are one change each, for every entry', (t) => {
  const ids = Array.from({ length: 5 }, () => randomUUID())
  const list = listOf(...ids.map((id, at) => item(id, at % 2 === 0)))
  const cleared = apply(list, 'a', { command: 'clear-completed' })
  t.deepEqual(
    cleared.items.map(({ id }) => id),
    [ids[1], ids[3]],
  )
  const toggled = apply(list, 'a', { command: 'toggle-all', completed: true })
  t.true(toggled.items.every(({ completed }) => completed))
  t.is(toggled.revision, list.revision + 1)
})

test('who has an entry keeps others from it until it is given back; the server may always', (t) => {
  const id = randomUUID()
  const held = apply(listOf(item(id)), 'a', { command: 'busy', id, busy: true })
  t.deepEqual(held.leases, { [id]: 'a' })
  const remove: Change = { command: 'remove', id }
  t.is(refusal(held, 'b', remove), 'busy')
  t.is(refusal(held, 'b', { command: 'busy', id, busy: true }), 'busy')
  t.deepEqual(apply(held, 'b', { command: 'busy', id, busy: false }).leases, { [id]: 'a' })
  t.is(refusal(held, 'a', remove), undefined)
  t.is(refusal(held, serverId, remove), undefined)
  t.deepEqual(apply(held, 'a', remove).leases, {})
  t.deepEqual(apply(held, serverId, { command: 'busy', id, busy: false }).leases, {})
})

test('a full list takes no more from clients', (t) => {
  const items = Array.from({ length: limits.itemsMax }, () => item(randomUUID()))
  const full: List = { ...emptyList, items }
  const insert: Change = { command: 'insert', item: item(randomUUID()) }
  t.is(refusal(full, 'a', insert), 'full')
  t.is(refusal(full, serverId, insert), undefined)
})

test('whatever comes: ids stay unique, leases belong to entries, the revision counts', (t) => {
  const pool = Array.from({ length: 4 }, () => randomUUID())
  const id = fc.constantFrom(...pool)
  const change: fc.Arbitrary<Change> = fc.oneof(
    id.map((one) => ({ command: 'insert', item: item(one) }) as const),
    fc.tuple(id, fc.boolean()).map(([one, is]) => ({ command: 'update', item: item(one, is) })),
    id.map((one) => ({ command: 'remove', id: one }) as const),
    fc.constant({ command: 'clear-completed' } as const),
    fc.boolean().map((completed) => ({ command: 'toggle-all', completed }) as const),
    fc.tuple(id, fc.boolean()).map(([one, busy]) => ({ command: 'busy', id: one, busy }) as const),
  ) as fc.Arbitrary<Change>
  const step = fc.tuple(fc.constantFrom('a', 'b', serverId), change)
  const property = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
    const list = steps.reduce((before, [author, one]) => apply(before, author, one), emptyList)
    const ids = list.items.map((one) => one.id)
    return (
      list.revision === steps.length &&
      new Set(ids).size === ids.length &&
      Object.keys(list.leases).every((one) => ids.includes(one))
    )
  })
  t.notThrows(() => fc.assert(property))
})
