/** A link alone: the only one of its agent to a relay. */
import { Lanes, type LanesOptions, type OfLane } from '../../shared/protocol/lanes.ts'
import type { Link } from '../../shared/protocol/link.ts'

export function onlyLink(options: LanesOptions & OfLane): Link {
  const [link] = new Lanes(1, options, () => options).links
  if (link === undefined) throw new Error('there is no link')
  return link
}
