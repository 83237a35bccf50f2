/** What people do on the page, as changes of the shared list: one change a wish. */
import type { SharedList } from '../shared-list.ts'
import { Holds } from './holds.ts'
import type { ListWishes } from './list-view.ts'

/** The wishes that end up in this list; `tell` hears what came in between. */
export function wishesFor(list: SharedList, tell: (sentence: string) => void): ListWishes {
  const holds = new Holds((id, busy) => list.make({ command: 'busy', id, busy }))
  const update = (id: string, changed: { title?: string; completed?: boolean }): void => {
    const item = list.view.items.find((one) => one.id === id)
    // It may have been deleted elsewhere a moment ago.
    if (item === undefined) return
    const { title, completed } = { ...item, ...changed }
    list.make({ command: 'update', item: { id, title, completed } })
  }
  return {
    add: (title) => {
      list.make({ command: 'insert', item: { id: crypto.randomUUID(), title, completed: false } })
    },
    rename: (id, title) => update(id, { title }),
    complete: (id, completed) => update(id, { completed }),
    remove: (id) => {
      holds.forget(id)
      list.make({ command: 'remove', id })
    },
    hold: (id, busy) => holds.set(id, busy),
    lost: ({ id, title }) => {
      holds.forget(id)
      tell(`"${title}" was deleted while you edited it.`)
    },
    completeAll: (completed) => list.make({ command: 'toggle-all', completed }),
    clearCompleted: () => list.make({ command: 'clear-completed' }),
  }
}
