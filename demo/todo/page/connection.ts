/**
 * How a page is connected, who else is there, and what still waits to be heard, in words.
 *
 * Invariant: pure. "Live" is said only while the bus is connected and nothing waits too long.
 */

/** What is told. */
export interface Connection {
  readonly state: 'connecting' | 'connected' | 'lost'
  /** `mqtt`. */
  readonly transport: string
  /** How many pages have this list open, this one among them. */
  readonly present: number
  /** Changes that nobody has acknowledged although there was time. */
  readonly waiting: number
}

/** `live over mqtt · 3 people here`. */
export function connectionText({ state, transport, present, waiting }: Connection): string {
  const changes = waiting === 1 ? '1 change waits' : `${waiting} changes wait`
  const kept = waiting > 0 ? ` · ${changes}, nothing is lost` : ''
  if (state === 'connecting') return `connecting${kept}`
  if (state === 'lost') return `reconnecting${kept}`
  if (waiting > 0) return `held${kept}`
  const people = present > 1 ? ` · ${present} people here` : ' · only you here'
  return `live over ${transport}${people}`
}
