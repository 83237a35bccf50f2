/**
 * Which todos are shown: TodoMVC's three routes, in the fragment of the address.
 *
 * Invariant: every fragment is a filter; one that nobody knows shows all.
 */

/** A route. */
export type Filter = 'all' | 'active' | 'completed'

/** The filter that a fragment asks for: `#/active`. */
export function filterOf(fragment: string): Filter {
  if (fragment === '#/active') return 'active'
  if (fragment === '#/completed') return 'completed'
  return 'all'
}

/** True when the filter shows such a todo. */
export function isShown(filter: Filter, { completed }: { readonly completed: boolean }): boolean {
  return filter === 'all' || (filter === 'completed') === completed
}
