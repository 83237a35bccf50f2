/**
 * Elements of the page, made and found.
 *
 * Invariant: text becomes a text node. No string is ever read as HTML, whatever somebody wrote into
 * a title.
 */

/** What an element is made with. */
export interface Making {
  readonly class?: string
  readonly text?: string
  readonly attributes?: Readonly<Record<string, string>>
}

/** Makes an element. */
export function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  { class: className = '', text = '', attributes = {} }: Making = {},
  ...children: readonly Node[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name)
  if (className !== '') element.className = className
  if (text !== '') element.textContent = text
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  element.append(...children)
  return element
}

/** The one element of the page that the selector finds. Throws when there is none. */
export function find<Kind extends Element>(selector: string, kind: new () => Kind): Kind {
  const element = document.querySelector(selector)
  if (element instanceof kind) return element
  throw new Error(`The page has no ${selector}.`)
}

/** Sets the text, unless it is that already: what is announced is announced once. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text
}
