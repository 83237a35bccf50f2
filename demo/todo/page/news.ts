/**
 * What is new between two views of the list, in sentences.
 *
 * Invariant: pure. A change that shows has its sentence; one that does not show has none.
 */
import type { DeviceState, Item } from '../contract.ts'

/** What is compared. */
export interface Seen {
  readonly items: readonly Item[]
  readonly devices: readonly Pick<DeviceState, 'clientId' | 'due'>[]
}

/** `Milk: added`, `Milk: completed`, `pi1: light on`. */
export function newsBetween(before: Seen, after: Seen): readonly string[] {
  const old = new Map(before.items.map((item) => [item.id, item]))
  const now = new Set(after.items.map(({ id }) => id))
  const gone = before.items.filter(({ id }) => !now.has(id))
  return [
    ...gone.map(({ title }) => `${title}: deleted`),
    ...after.items.flatMap((item) => itemNews(old.get(item.id), item)),
    ...after.devices.flatMap((device) => {
      const known = before.devices.find(({ clientId }) => clientId === device.clientId)
      if ((known?.due ?? false) === device.due) return []
      return [`${device.clientId}: light ${device.due ? 'on' : 'off'}`]
    }),
  ]
}

function itemNews(before: Item | undefined, { title, completed }: Item): readonly string[] {
  if (before === undefined) return [`${title}: added`]
  const news: string[] = []
  if (before.title !== title) news.push(`${before.title}: now ${title}`)
  if (before.completed !== completed) news.push(`${title}: ${completed ? 'completed' : 'active'}`)
  return news
}
