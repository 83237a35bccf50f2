/** Tests what the todo page says to those who do not see it, and its routes and names. */
import { randomUUID } from 'node:crypto'
import test from 'ava'
import { connectionText } from '../../../../demo/todo/page/connection.ts'
import { filterOf, isShown } from '../../../../demo/todo/page/filter.ts'
import { nameOf } from '../../../../demo/todo/page/name.ts'
import { newsBetween } from '../../../../demo/todo/page/news.ts'

const milk = { id: 'milk', title: 'Milk', completed: false }
const bread = { id: 'bread', title: 'Bread', completed: true }
const light = (due: boolean) => ({ clientId: 'pi1', due })

test('each change that shows has its sentence', (t) => {
  const before = { items: [milk, bread], devices: [light(false)] }
  t.deepEqual(newsBetween(before, before), [])
  const after = { items: [{ ...milk, title: 'Oat milk', completed: true }], devices: [light(true)] }
  t.deepEqual(newsBetween(before, after), [
    'Bread: deleted',
    'Milk: now Oat milk',
    'Oat milk: completed',
    'pi1: light on',
  ])
  t.deepEqual(newsBetween({ items: [], devices: [] }, { items: [milk], devices: [light(false)] }), [
    'Milk: added',
  ])
})

test('every fragment is a route, and an unknown one shows all', (t) => {
  const shown = (fragment: string): readonly string[] =>
    [milk, bread].filter((item) => isShown(filterOf(fragment), item)).map(({ id }) => id)
  t.deepEqual(shown('#/active'), ['milk'])
  t.deepEqual(shown('#/completed'), ['bread'])
  for (const all of ['', '#', '#/', '#/active/', '#/nothing']) t.is(shown(all).length, 2, all)
})

test('a client has one name, and clients rarely share one', (t) => {
  const ids = Array.from({ length: 20 }, () => `page-${randomUUID()}`)
  t.deepEqual(ids.map(nameOf), ids.map(nameOf))
  t.true(new Set(ids.map(nameOf)).size > 10)
  for (const id of ids) t.regex(nameOf(id), /^[a-z]+ [a-z]+$/)
})

test('the state line says "live" only while nothing waits', (t) => {
  const live = { state: 'connected', transport: 'mqtt', present: 3, waiting: 0 } as const
  t.is(connectionText(live), 'live over mqtt · 3 people here')
  t.is(connectionText({ ...live, present: 1 }), 'live over mqtt · only you here')
  t.is(connectionText({ ...live, waiting: 3 }), 'held · 3 changes wait, nothing is lost')
  t.is(
    connectionText({ ...live, state: 'lost', waiting: 1 }),
    'reconnecting · 1 change waits, nothing is lost',
  )
})
