/**
 * One todo of the list: what is shown of it, and what can be done with it.
 *
 * Invariant: an edit ends once: by Enter or by leaving (saved), by Escape (discarded), or because
 * the todo is gone. While it lasts, nothing that others do changes what is being typed.
 */
import { limits } from '../contract.ts'
import { make, setText } from './element.ts'

/** What is shown. */
export interface Todo {
  readonly id: string
  readonly title: string
  readonly completed: boolean
  /** Who edits it, when that is somebody else: `swift heron`. */
  readonly busyBy?: string | undefined
}

/** What can be asked for; each is at most one message. */
export interface Wishes {
  readonly complete: (id: string, completed: boolean) => void
  readonly rename: (id: string, title: string) => void
  readonly remove: (id: string) => void
  /** Editing begins and ends: nobody else should begin. */
  readonly hold: (id: string, busy: boolean) => void
  /** What was being edited is gone. */
  readonly lost: (todo: Todo) => void
}

type Ending = 'save' | 'discard'
const endings: Readonly<Record<string, Ending>> = { Enter: 'save', Escape: 'discard' }

export class Row {
  readonly element: HTMLLIElement
  readonly #wishes: Wishes
  readonly #toggle: HTMLInputElement
  readonly #title: HTMLSpanElement
  readonly #pencil: HTMLButtonElement
  readonly #destroy: HTMLButtonElement
  readonly #edit: HTMLInputElement
  readonly #who: HTMLSpanElement
  #todo: Todo
  #editing = false

  constructor(todo: Todo, wishes: Wishes) {
    this.#todo = todo
    this.#wishes = wishes
    const titleId = `title-${todo.id}`
    this.#toggle = make('input', {
      class: 'toggle',
      attributes: { type: 'checkbox', 'aria-labelledby': titleId },
    })
    this.#title = make('span', { class: 'title', attributes: { id: titleId } })
    const button = { type: 'button' }
    this.#pencil = make('button', { class: 'begin-edit', text: '✎', attributes: button })
    this.#destroy = make('button', { class: 'destroy', text: '×', attributes: button })
    this.#who = make('span', { class: 'who' })
    this.#edit = make('input', {
      class: 'edit',
      attributes: {
        'aria-label': 'Title of the todo',
        maxlength: String(limits.titleMax),
        enterkeyhint: 'done',
        autocomplete: 'off',
      },
    })
    const parts = [this.#toggle, this.#title, this.#pencil, this.#destroy, this.#who]
    const view = make('div', { class: 'view' }, ...parts)
    this.element = make('li', { attributes: { 'data-id': todo.id } }, view, this.#edit)
    this.#listen()
    this.show(todo)
  }

  get isEditing(): boolean {
    return this.#editing
  }

  /** Shows what the todo is now. */
  show(todo: Todo): void {
    this.#todo = todo
    const { title, completed, busyBy } = todo
    const isBusy = busyBy !== undefined
    this.element.classList.toggle('completed', completed)
    this.element.classList.toggle('busy', isBusy)
    this.#toggle.checked = completed
    setText(this.#title, title)
    this.#pencil.setAttribute('aria-label', `Edit ${title}`)
    this.#destroy.setAttribute('aria-label', `Delete ${title}`)
    for (const control of [this.#toggle, this.#pencil, this.#destroy]) control.disabled = isBusy
    this.#who.hidden = !isBusy
    setText(this.#who, isBusy ? `${busyBy} is editing` : '')
  }

  /** The todo is gone, and an edit of it with it. */
  end(): void {
    if (!this.#editing) return
    this.#editing = false
    this.#wishes.lost(this.#todo)
  }

  /** Gives the keyboard to the row, after an edit or after its neighbour is gone. */
  focus(): void {
    this.#toggle.focus()
  }

  #listen(): void {
    const { id } = this.#todo
    this.#toggle.addEventListener('change', () => this.#wishes.complete(id, this.#toggle.checked))
    this.#title.addEventListener('dblclick', () => this.#begin())
    this.#pencil.addEventListener('click', () => this.#begin())
    this.#destroy.addEventListener('click', () => this.#wishes.remove(id))
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'F2') this.#begin()
    })
    this.#edit.addEventListener('blur', () => this.#end('save'))
    this.#edit.addEventListener('keydown', (event) => {
      // Enter also takes the word that an input method proposes.
      if (event.isComposing) return
      const how = endings[event.key]
      if (how === undefined) return
      // Otherwise the same key would press the pencil, which has the focus next.
      event.preventDefault()
      this.#end(how)
      this.#pencil.focus()
    })
  }

  #begin(): void {
    if (this.#editing || this.#todo.busyBy !== undefined) return
    this.#editing = true
    this.#wishes.hold(this.#todo.id, true)
    this.element.classList.add('editing')
    this.#edit.value = this.#todo.title
    this.#edit.focus()
    this.#edit.setSelectionRange(this.#edit.value.length, this.#edit.value.length)
  }

  #end(how: Ending): void {
    if (!this.#editing) return
    this.#editing = false
    this.element.classList.remove('editing')
    const { id, title } = this.#todo
    const written = this.#edit.value.trim()
    if (how === 'save' && written === '') return this.#wishes.remove(id)
    if (how === 'save' && written !== title) this.#wishes.rename(id, written)
    this.#wishes.hold(id, false)
  }
}
