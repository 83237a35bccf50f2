/**
 * Routing: makes routes from OPENs that were admitted, and leads each frame from leg to leg.
 *
 * Invariant: a route is made only from an `Admitted`. A frame whose id leads nowhere is answered
 * by VOID, once, and never when it was VOID, RESET or REFUSE itself. Nothing is kept by key:
 * after a loss of state the ends make new routes. Whatever is dropped of a live route is owed a
 * RESYNC (law 8).
 */
import type { Budget } from '../../shared/protocol/budget.ts'
import type { FaultCode, WireCode } from '../../shared/protocol/fault.ts'
import type { FrameOf, StreamFrame } from '../../shared/protocol/frame.ts'
import type { Admission, Admitted } from '../admission.ts'
import type { RelayLink } from './link.ts'
import type { Links } from './links.ts'
import { Parked } from './parked.ts'
import type { SwitchPort } from './port.ts'
import { type LastWord, type Leg, Route, type RoutingNotice } from './route.ts'

export interface RoutingLimits {
  /** Streams of one agent, parked ones counted. */
  readonly streamsMax: number
  /** What one direction of a route may queue. */
  readonly windowBytes: number
  /** How long an OPEN waits for an agent that is away. */
  readonly parkMs: number
}

export interface RoutingOptions {
  readonly limits: RoutingLimits
  readonly budget: Budget
  readonly admission: Admission
  /** What an operator should know of. */
  readonly notice: (notice: RoutingNotice) => void
  /** The links of all agents, up or within their windows. */
  readonly links: Links
}

export class Routing {
  /** No stream is led anew, but for those that began here and can go nowhere else. */
  draining = false
  readonly #options: RoutingOptions
  readonly #routes = new Set<Route>()
  readonly #parked: Parked

  constructor(options: RoutingOptions) {
    this.#options = options
    this.#parked = new Parked(options.limits.parkMs)
  }

  get routes(): ReadonlySet<Route> {
    return this.#routes
  }

  /** A stream's frame that came by this port. */
  receive(port: SwitchPort, frame: StreamFrame, now: number): void {
    const leg = port.legs.get(frame.id)
    if (frame.kind === 'open') return this.#receiveOpen(port, leg, frame, now)
    if (leg === undefined) {
      const isFinal = frame.kind === 'void' || frame.kind === 'reset' || frame.kind === 'refuse'
      if (!isFinal) port.voice.sayLast({ kind: 'void', id: frame.id })
      return
    }
    this.#pass(leg, frame)
    leg.route.payDebts()
  }

  /** The policy or the revocations have changed: decide again about everything that lives. */
  reconsider(): void {
    for (const route of [...this.#routes]) {
      const decision = this.#options.admission.reconsider(route.admitted)
      if (!decision.admitted) this.#end(route, decision.code, 'reset')
    }
  }

  /** Ends every route with a leg on this port. */
  endAll(port: SwitchPort, code: WireCode, word: LastWord): void {
    for (const leg of [...port.legs.values()]) this.#end(leg.route, code, word, leg)
  }

  /**
   * The link behind this port is down, and its agent has another one: whoever opened a stream to
   * it is told that this way is gone, and asks anew.
   */
  leave(port: SwitchPort): void {
    for (const leg of [...port.legs.values()]) {
      if (leg === leg.route.acceptor) this.#end(leg.route, 'closed', 'void')
    }
  }

  /** The agent is there: what waited for it goes on. */
  deliverParked(link: RelayLink): void {
    for (const route of this.#parked.for(link.identity)) {
      this.#parked.delete(route)
      route.lead(link.port)
    }
  }

  deadline(): number {
    return this.#parked.deadline()
  }

  tick(now: number): void {
    for (const route of this.#parked.due(now)) this.#end(route, 'no_agent', 'refuse')
  }

  #receiveOpen(port: SwitchPort, leg: Leg | undefined, frame: FrameOf<'open'>, now: number): void {
    // What an agent says of itself is not passed on: it is its certificate alone (R1, P2).
    const { identity } = port
    const open = identity === '' ? frame : { ...frame, from: identity, attributes: [] }
    if (leg !== undefined) {
      const { route } = leg
      // Another `to` would be dialled on the strength of a decision about this one (P1, P2).
      const same = route.opener === leg && route.key === open.key && route.open.to === open.to
      if (!same) return this.#refuse(port, open, 'frame_unexpected', 'the id is in use')
      route.open = open
      leg.outgoing.adopt(open)
      if (route.acceptor === undefined) return
      route.acceptor.say.open = open
      return route.acceptor.speak()
    }
    // The switch will give an odd id to another stream, whose leg would take this one's place.
    if (open.id % 2 === 1) return this.#refuse(port, open, 'frame_unexpected', 'the id is odd')
    // That way is over, and the word of it under way or lost: no id is used twice (rule 21).
    if (!port.asks(open.id)) return port.voice.sayLast({ kind: 'void', id: open.id })
    const mayEnter = !this.draining || (identity === '' && open.established)
    if (!mayEnter) return this.#refuse(port, open, 'drain', 'the relay is about to stop')
    const decision = this.#options.admission.decide(open)
    if (!decision.admitted) return this.#refuse(port, open, decision.code, decision.reason)
    this.#connect(decision, port, open, now)
  }

  #connect(admitted: Admitted, port: SwitchPort, open: FrameOf<'open'>, now: number): void {
    const { agent, service } = admitted
    const link = this.#options.links.best(agent)
    const waits = link !== undefined ? !link.port.up : open.established
    if (link === undefined && !waits) {
      return this.#refuse(port, open, 'no_agent', `${agent} is not connected`)
    }
    if (link?.port.up === true && !link.services.has(service) && link.services.size > 0) {
      return this.#refuse(port, open, 'unknown_service', `${agent} does not expose it`)
    }
    const { budget, limits, links } = this.#options
    if (links.streamsOf(agent) + this.#parked.for(agent).length >= limits.streamsMax) {
      return this.#refuse(port, open, 'overloaded', `${agent} has all its streams`)
    }
    const route = new Route({ admitted, open, port, windowBytes: limits.windowBytes, budget })
    this.#routes.add(route)
    this.#options.admission.entered(admitted)
    this.#options.notice({ kind: 'routed', route })
    if (link !== undefined && !waits) return route.lead(link.port)
    this.#parked.add(route, now)
  }

  #refuse(port: SwitchPort, open: FrameOf<'open'>, code: WireCode, reason: string): void {
    this.#options.notice({ kind: 'refused', open, code, reason })
    port.voice.sayLast({ kind: 'refuse', id: open.id, code })
  }

  #pass(leg: Leg, frame: Exclude<StreamFrame, FrameOf<'open'>>): void {
    const { far, route } = leg
    switch (frame.kind) {
      case 'reset':
        return this.#end(route, frame.code, 'reset', leg)
      case 'void':
        return this.#end(route, 'closed', 'void', leg)
      case 'refuse':
        if (leg === route.acceptor) this.#end(route, frame.code, 'refuse', leg)
        return
      default:
        if (far?.port.up === true) this.#passOn(leg, far, frame)
    }
  }

  /** A frame between two legs that are both up. */
  #passOn(leg: Leg, far: Leg, frame: PassedOn): void {
    switch (frame.kind) {
      case 'data':
        leg.incoming.data(frame)
        return far.offer()
      case 'fin':
        leg.incoming.fin(frame)
        return far.offer()
      case 'accept':
        if (leg !== leg.route.acceptor || !leg.outgoing.adopt(frame)) return
        far.say.acceptedBy = frame.by
        return far.speak()
      case 'resume':
        if (!leg.outgoing.adopt(frame)) return
        far.say.resume = true
        return far.speak()
      case 'credit':
        if (!leg.outgoing.credit(frame.consumed, frame.limit)) return
        far.say.credit = true
        return far.speak()
      case 'close':
        return this.#passClose(leg, far, frame.consumed)
      case 'resync':
        return leg.route.resync()
      case 'hold':
        return
      default:
        frame satisfies never
    }
  }

  /** The second CLOSE frees the route, and is answered: the first may have died beyond here. */
  #passClose(leg: Leg, far: Leg, consumed: number): void {
    leg.closeSeen = consumed
    leg.outgoing.credit(consumed, 0)
    if (far.closeSeen === undefined) {
      far.say.close = consumed
      return far.speak()
    }
    far.port.voice.sayLast({ kind: 'close', id: far.id, consumed })
    leg.port.voice.sayLast({ kind: 'close', id: leg.id, consumed: far.closeSeen })
    this.#forget(leg.route, 'end')
  }

  /** Ends a route with a last word on its legs, but not on the one that it came from. */
  #end(route: Route, code: WireCode, word: LastWord, from?: Leg): void {
    for (const leg of route.legs) {
      if (leg === from) continue
      const { id } = leg
      leg.port.voice.sayLast(word === 'void' ? { kind: word, id } : { kind: word, id, code })
    }
    this.#forget(route, code)
  }

  #forget(route: Route, code: FaultCode): void {
    // Both legs of a route may be on the one port that ends.
    if (!this.#routes.delete(route)) return
    route.end()
    this.#parked.delete(route)
    this.#options.admission.left(route.admitted)
    this.#options.notice({ kind: 'ended', route, code })
  }
}

type PassedOn = Exclude<
  StreamFrame,
  FrameOf<'open'> | FrameOf<'reset'> | FrameOf<'void'> | FrameOf<'refuse'>
>
