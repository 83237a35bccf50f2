/**
 * What a switch has to say by itself, though nobody asks: credit that it can pass on, and the last
 * word of a route that ended while a leg was away.
 *
 * Invariant: a duty is judged only over time in which it could have been done.
 */
import type { SwitchPort } from '../../relay/switch/port.ts'
import type { Leg, Route } from '../../relay/switch/route.ts'
import type { Frame } from '../../shared/protocol/frame.ts'
import { demand } from './demand.ts'
import type { Relay } from './relay.ts'
import type { World } from './world.ts'

/** So long a word may be under way. */
const patienceMs = 1_000

interface OwedWord {
  readonly relay: Relay
  readonly port: SwitchPort
  readonly session: string
  readonly id: number
  readonly since: number
  /** The stream is over, and not only this way. */
  readonly isFinal: boolean
}

export class Duties {
  readonly #world: World
  /** What each source was last told, and since when it is told too little. */
  readonly #ungranted = new WeakMap<Leg, { readonly told: number; readonly since: number }>()
  readonly #words = new Map<string, OwedWord>()

  constructor(world: World) {
    this.#world = world
  }

  /** A route is over: whom authority cuts off is to be told, and who is away when it is back. */
  ended(relay: Relay, route: Route): void {
    const isFinal = relay.switch.isDeciding
    for (const { id, port } of route.legs) {
      const session = relay.switch.linkOf(port)?.session
      if ((port.up && !isFinal) || session === undefined) continue
      const since = this.#world.clock.now
      this.#words.set(`${session}/${id}`, { relay, port, session, id, since, isFinal })
    }
  }

  /** Frames that a switch said in this session. */
  said(session: string, frames: readonly Frame[]): void {
    if (this.#words.size === 0) return
    for (const frame of frames) {
      const isLast = frame.kind === 'reset' || frame.kind === 'void' || frame.kind === 'refuse'
      if (!isLast) continue
      const name = `${session}/${frame.id}`
      const isMild = frame.kind === 'void' && this.#words.get(name)?.isFinal === true
      demand(!isMild, '17: who is cut off by authority is told to look for another way')
      this.#words.delete(name)
    }
  }

  look(): void {
    for (const [name, word] of this.#words) this.#lookAtWord(name, word)
    for (const relay of this.#world.relays) {
      if (!relay.up) continue
      for (const route of relay.switch.routes) {
        for (const leg of route.legs) this.#lookAtGrant(relay, leg)
      }
    }
  }

  #lookAtWord(name: string, { relay, port, session, since }: OwedWord): void {
    const link = relay.switch.linkOf(port)
    if (link?.session !== session) this.#words.delete(name)
    else if (link.port.up) {
      const steadyMs = this.#world.legSteadyMs(relay.switch, link.port)
      const isDue = Math.min(steadyMs, this.#world.clock.now - since) >= patienceMs
      demand(!isDue, '17: the last word of a route is never said')
    }
  }

  /** Much more could be granted than the source knows, or anything to one that has used up all. */
  #lookAtGrant(relay: Relay, leg: Leg): void {
    const { clock, options, witness } = this.#world
    const { incoming, far, port, route } = leg
    if (far === undefined || options.loss > 0) return
    const told = witness.limitTold(relay.switch.sessionOf(port), leg.id) ?? incoming.passed
    const unsaid = incoming.passed - told
    const isDue = 4 * unsaid >= options.relayWindowBytes || incoming.cursor >= told
    if (unsaid <= 0 || !isDue) {
      this.#ungranted.delete(leg)
      return
    }
    const before = this.#ungranted.get(leg)
    const since = before?.told === told ? before.since : clock.now
    this.#ungranted.set(leg, { told, since })
    const legs = [port, far.port].map((one) => this.#world.legSteadyMs(relay.switch, one))
    const waitedMs = Math.min(clock.now - since, ...legs)
    const reason = () => `8: ${unsaid} bytes of credit are kept from their source`
    demand(waitedMs < patienceMs, reason, this.#world.streamOf(route.key))
  }
}
