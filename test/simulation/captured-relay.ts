/**
 * A captured relay: it says OPENs again that it has carried before.
 *
 * Invariant: only OPENs of streams that somebody still remembers are repeated, on ids that its
 * switch never gives: what else a captured relay may do to its own streams, by the ids that it has
 * given them, is written in docs/threats.md.
 */
import type { Frame, FrameOf } from '../../shared/protocol/frame.ts'
import { encode } from '../../shared/protocol/frame.ts'
import type { Agent } from './agent.ts'
import type { Carrier } from './network.ts'
import type { Relay } from './relay.ts'
import type { World } from './world.ts'

interface Carried {
  readonly agent: Agent
  readonly relay: Relay
  readonly open: FrameOf<'open'>
}

/** Odd, as the ids of a switch are, and beyond all that it gives in a world. */
const firstId = 2 ** 40 + 1

/** An id by which only this relay says anything. */
export function isReplayed(id: number | undefined): boolean {
  return id !== undefined && id >= firstId
}

export class CapturedRelay {
  readonly #world: World
  readonly #carried: Carried[] = []
  #nextId = firstId

  constructor(world: World) {
    this.#world = world
  }

  /** A relay has said these frames to an agent. */
  said(carrier: Carrier, frames: readonly Frame[]): void {
    for (const open of frames) {
      if (open.kind !== 'open' || open.id >= firstId) continue
      this.#carried.push({ agent: carrier.from, relay: carrier.to, open })
    }
  }

  /** Says one of them again, on whichever carrier leads there now. */
  strike(): void {
    const { carriers, chance, report } = this.#world
    const possible = this.#carried.filter(({ open }) => {
      const stream = this.#world.streamOf(open.key)
      const { acceptorEnd, acceptorDied } = stream ?? {}
      return acceptorEnd !== undefined && acceptorEnd.phase !== 'closed' && acceptorDied === false
    })
    if (possible.length === 0) return
    const { agent, relay, open } = chance.pick(possible)
    for (const carrier of carriers) {
      if (carrier.from !== agent || carrier.to !== relay || carrier.steadyMs === 0) continue
      report.count('replayed OPEN')
      carrier.relay.inject(encode({ ...open, id: this.#nextId }))
      this.#nextId += 2
    }
  }
}
