/**
 * The list itself: what a change makes of it, and which changes are refused. Browsers load this
 * file as it is.
 *
 * Invariant: pure, and the same everywhere: whoever applies the same changes in the same order has
 * the same list. A change that concerns an entry which is not there changes nothing else.
 */
import { type Change, type Item, type List, limits, type Refusal, serverId } from './contract.ts'

export const emptyList: List = { revision: 0, items: [], leases: {} }

/** The list after an author's change, at the next revision. */
export function apply(list: List, author: string, change: Change): List {
  const revision = list.revision + 1
  const { items, leases } = list
  switch (change.command) {
    case 'insert': {
      const isThere = items.some(({ id }) => id === change.item.id)
      return { revision, leases, items: isThere ? items : [...items, change.item] }
    }
    case 'update': {
      const replaced = items.map((item) => (item.id === change.item.id ? change.item : item))
      return { revision, leases, items: replaced }
    }
    case 'remove':
      return kept({ ...list, revision }, ({ id }) => id !== change.id)
    case 'clear-completed':
      return kept({ ...list, revision }, ({ completed }) => !completed)
    case 'toggle-all': {
      const { completed } = change
      return { revision, leases, items: items.map((item) => ({ ...item, completed })) }
    }
    case 'busy':
      return { revision, items, leases: leased(list, author, change) }
    default:
      return change satisfies never
  }
}

/** Why the server does not make this change, or undefined when it does. */
export function refusal(list: List, author: string, change: Change): Refusal | undefined {
  switch (change.command) {
    case 'insert':
      if (list.items.some(({ id }) => id === change.item.id)) return 'taken'
      return list.items.length >= limits.itemsMax && author !== serverId ? 'full' : undefined
    case 'update':
      return refusalOf(list, author, change.item.id)
    case 'remove':
    case 'busy':
      return refusalOf(list, author, change.id)
    case 'clear-completed':
    case 'toggle-all':
      return undefined
    default:
      return change satisfies never
  }
}

/** The entry of this id. */
export function itemOf({ items }: List, id: string): Item | undefined {
  return items.find((item) => item.id === id)
}

function refusalOf(list: List, author: string, id: string): Refusal | undefined {
  if (itemOf(list, id) === undefined) return 'unknown'
  const holder = list.leases[id]
  if (holder === undefined || holder === author || author === serverId) return undefined
  return 'busy'
}

/** The entries that are wanted, and the leases of these. */
function kept(list: List, isWanted: (item: Item) => boolean): List {
  const items = list.items.filter(isWanted)
  const ids = new Set(items.map(({ id }) => id))
  const leases = Object.entries(list.leases).filter(([id]) => ids.has(id))
  return { ...list, items, leases: Object.fromEntries(leases) }
}

/** Only the server ends the lease of somebody else. */
function leased(
  list: List,
  author: string,
  { id, busy }: Extract<Change, { command: 'busy' }>,
): List['leases'] {
  if (refusalOf(list, author, id) !== undefined) return list.leases
  const { [id]: _holder, ...others } = list.leases
  return busy ? { ...others, [id]: author } : others
}
