/**
 * The list as TodoMVC has it: its rows, its count, its routes, all at once and the completed ones.
 *
 * Invariant: there is one row a todo that the route shows, in the order of the list. A row stays
 * the same element as long as its todo is there, so that focus and an edit outlive what others do.
 */
import { limits } from '../contract.ts'
import { find, make } from './element.ts'
import { type Filter, filterOf, isShown } from './filter.ts'
import { Row, type Todo, type Wishes } from './row.ts'

/** What can be asked of the list as a whole. */
export interface ListWishes extends Wishes {
  readonly add: (title: string) => void
  readonly completeAll: (completed: boolean) => void
  readonly clearCompleted: () => void
}

export class ListView {
  readonly #wishes: ListWishes
  readonly #newTodo = find('.new-todo', HTMLInputElement)
  readonly #main = find('.main', HTMLElement)
  readonly #toggleAll = find('.toggle-all', HTMLInputElement)
  readonly #list = find('.todo-list', HTMLUListElement)
  readonly #footer = find('.footer', HTMLElement)
  readonly #count = find('.todo-count', HTMLElement)
  readonly #clear = find('.clear-completed', HTMLButtonElement)
  readonly #rows = new Map<string, Row>()
  #todos: readonly Todo[] = []
  #filter: Filter = filterOf(location.hash)

  constructor(wishes: ListWishes) {
    this.#wishes = wishes
    this.#newTodo.maxLength = limits.titleMax
    this.#newTodo.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.isComposing) this.#add()
    })
    this.#toggleAll.addEventListener('change', () => wishes.completeAll(this.#toggleAll.checked))
    this.#clear.addEventListener('click', () => {
      wishes.clearCompleted()
      this.#newTodo.focus()
    })
    addEventListener('hashchange', () => {
      this.#filter = filterOf(location.hash)
      this.show(this.#todos)
    })
    this.show([])
    this.#newTodo.focus()
  }

  /** Shows the list as it is now. */
  show(todos: readonly Todo[]): void {
    this.#todos = todos
    const completed = todos.filter((todo) => todo.completed).length
    this.#main.hidden = todos.length === 0
    this.#footer.hidden = todos.length === 0
    this.#toggleAll.checked = todos.length > 0 && completed === todos.length
    this.#clear.hidden = completed === 0
    this.#showCount(todos.length - completed)
    this.#showFilter()
    this.#showRows()
  }

  #add(): void {
    const title = this.#newTodo.value.trim()
    if (title === '') return
    this.#newTodo.value = ''
    this.#wishes.add(title)
  }

  #showCount(active: number): void {
    const number = make('strong', { text: String(active) })
    const text = `${active} ${active === 1 ? 'item' : 'items'} left`
    if (this.#count.textContent === text) return
    this.#count.replaceChildren(number, text.slice(String(active).length))
  }

  #showFilter(): void {
    for (const link of document.querySelectorAll<HTMLAnchorElement>('.filters a')) {
      const isSelected = filterOf(link.hash) === this.#filter
      link.classList.toggle('selected', isSelected)
      if (isSelected) link.setAttribute('aria-current', 'page')
      else link.removeAttribute('aria-current')
    }
  }

  #showRows(): void {
    const known = new Set(this.#todos.map(({ id }) => id))
    const shown = this.#todos.filter(
      (todo) => isShown(this.#filter, todo) || this.#rows.get(todo.id)?.isEditing === true,
    )
    const wanted = new Set(shown.map(({ id }) => id))
    for (const [id, row] of this.#rows) {
      if (wanted.has(id)) continue
      this.#takeOut(row, known.has(id))
      this.#rows.delete(id)
    }
    shown.forEach((todo, place) => {
      const row = this.#rowOf(todo)
      row.show(todo)
      const there = this.#list.children[place]
      if (there !== row.element) this.#list.insertBefore(row.element, there ?? null)
    })
  }

  #rowOf(todo: Todo): Row {
    const row = this.#rows.get(todo.id) ?? new Row(todo, this.#wishes)
    this.#rows.set(todo.id, row)
    return row
  }

  /** Whoever was in the row with the keyboard goes on beside it. */
  #takeOut(row: Row, isElsewhere: boolean): void {
    const { element } = row
    row.end()
    const hadFocus = element.contains(document.activeElement)
    const neighbour = element.nextElementSibling ?? element.previousElementSibling
    element.remove()
    if (!hadFocus) return
    const next = isElsewhere ? undefined : this.#rows.get(neighbour?.getAttribute('data-id') ?? '')
    if (next === undefined) this.#newTodo.focus()
    else next.focus()
  }
}
