/**
 * What a switch passes on: never more than its window beyond what it has forwarded, and what it has
 * passed on never falls (check 6).
 *
 * Invariant: what counts as forwarded is what was said to the far end, or what that end says that
 * it holds; bytes that only waited in a queue do not.
 */
import type { Direction } from '../../relay/switch/direction.ts'
import type { Leg } from '../../relay/switch/route.ts'
import type { Frame } from '../../shared/protocol/frame.ts'
import { demand } from './demand.ts'
import type { World } from './world.ts'

export class Grants {
  readonly #world: World
  /** How far bytes have gone on by each id of each session. */
  readonly #forwarded = new Map<string, Map<number, number>>()
  readonly #passed = new WeakMap<Direction, number>()

  constructor(world: World) {
    this.#world = world
  }

  /** Frames that a switch said in this session. */
  said(session: string, frames: readonly Frame[]): void {
    for (const frame of frames) {
      if (frame.kind === 'data') this.#note(session, frame.id, frame.offset + frame.bytes.length)
      else if (frame.kind === 'fin') this.#note(session, frame.id, frame.position + 1)
    }
  }

  /** A frame in which an end says to a switch what it holds. */
  heard(session: string, frame: Frame): void {
    switch (frame.kind) {
      case 'open':
      case 'accept':
      case 'resume':
        return this.#note(session, frame.id, frame.received)
      case 'credit':
      case 'close':
        return this.#note(session, frame.id, frame.consumed)
      default:
    }
  }

  /** The bytes that go on by this leg, whose id means something in this session. */
  check({ id, outgoing, route }: Leg, session: string): void {
    const { passed } = outgoing
    const before = this.#passed.get(outgoing) ?? 0
    if (passed === before) return
    this.#passed.set(outgoing, passed)
    demand(passed > before, '6: the limit that was passed on fell')
    const ahead = passed - (this.#forwarded.get(session)?.get(id) ?? 0)
    const isWithin = ahead <= this.#world.options.relayWindowBytes
    const reason = () => `6: ${ahead} bytes are passed on beyond what was forwarded`
    demand(isWithin, reason, this.#world.streamOf(route.key))
  }

  #note(session: string, id: number, position: number): void {
    let ids = this.#forwarded.get(session)
    if (ids === undefined) {
      ids = new Map()
      this.#forwarded.set(session, ids)
    }
    ids.set(id, Math.max(ids.get(id) ?? 0, position))
  }
}
