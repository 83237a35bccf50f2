/**
 * The switch: leads frames from port to port.
 *
 * Invariant: a stream passes only by a route, and a route is made only from an `Admitted`. The switch
 * keeps nothing by key: after a loss of state the ends make new routes. Whoever waits here waits with a
 * limit, and whatever is dropped of a live route is owed a RESYNC (law 8). Time is handed in.
 */
import type { Budget } from '../../shared/protocol/budget.ts'
import { Fault, type FaultCode, type WireCode } from '../../shared/protocol/fault.ts'
import type { FrameOf, StreamFrame } from '../../shared/protocol/frame.ts'
import { protocolVersion } from '../../shared/protocol/frame.ts'
import type { Admission, Admitted } from '../admission.ts'
import { type Carrier, RelayLink } from './link.ts'
import { SwitchPort } from './port.ts'
import { type Leg, Route } from './route.ts'

export interface SwitchLimits {
  /** Streams of one agent, parked ones counted. */
  readonly streamsMax: number
  /** What one direction of a route may queue. */
  readonly windowBytes: number
  readonly resumeWindowMs: number
  readonly livenessMs: number
  /** How long an OPEN waits for an agent that is away. */
  readonly parkMs: number
}

export interface SwitchOptions {
  readonly limits: SwitchLimits
  readonly budget: Budget
  /** One life of this relay: 8 random bytes in hexadecimal. */
  readonly life: string
  /** A fresh session name: 8 random bytes in hexadecimal. */
  readonly mintSession: () => string
  readonly admission: Admission
  /** What an operator should know of. */
  readonly notice: (notice: SwitchNotice) => void
}

/** What the switch tells its relay, for the log and the status. */
export type SwitchNotice =
  | { readonly kind: 'linkUp'; readonly link: RelayLink; readonly resumed: boolean }
  | { readonly kind: 'linkDown'; readonly link: RelayLink }
  | { readonly kind: 'linkOver'; readonly link: RelayLink; readonly code: FaultCode }
  | { readonly kind: 'displaced'; readonly link: RelayLink }
  | { readonly kind: 'routed'; readonly route: Route }
  | {
      readonly kind: 'refused'
      readonly open: FrameOf<'open'>
      readonly code: FaultCode
      readonly reason: string
    }
  | { readonly kind: 'ended'; readonly route: Route; readonly code: FaultCode }

export class Switch {
  readonly #options: SwitchOptions
  readonly #links = new Map<string, RelayLink>()
  readonly #routes = new Set<Route>()
  #now = 0

  constructor(options: SwitchOptions) {
    this.#options = options
  }

  get links(): ReadonlyMap<string, RelayLink> {
    return this.#links
  }

  get routes(): ReadonlySet<Route> {
    return this.#routes
  }

  /** A port for the relay's own endpoint: always up, and it speaks for every ingress. */
  addLocalPort(wake: () => void): SwitchPort {
    const port = new SwitchPort('', wake)
    port.up = true
    return port
  }

  /** HELLO of a proved agent. Throws a fault that refuses the carrier. */
  hello(identity: string, hello: FrameOf<'hello'>, carrier: Carrier, now: number): WelcomeOf {
    this.#now = now
    if (hello.version !== protocolVersion) {
      throw new Fault('version_unsupported', `${identity} speaks version ${hello.version}`)
    }
    const known = this.#links.get(identity)
    const sameLife = known?.epoch === hello.epoch
    if (known !== undefined && sameLife && hello.attempt <= known.attempt) {
      throw new Fault('attempt_stale', `attempt ${hello.attempt}, ${known.attempt} was seen`)
    }
    const resumed = known?.resumes(hello) === true
    if (known !== undefined) this.#fence(known, sameLife)
    const link = resumed ? known : this.#newLink(identity, hello, known, sameLife)
    link.attempt = hello.attempt
    link.carrier = carrier
    link.lostUntil = Number.POSITIVE_INFINITY
    link.port.up = true
    const named = [...link.port.legs.values()].filter((leg) => leg.named)
    for (const leg of [...link.port.legs.values()]) leg.route.resync()
    this.#deliverParked(link)
    this.#options.notice({ kind: 'linkUp', link, resumed })
    return { link, welcome: this.#welcome(link, resumed, named.length) }
  }

  /** The carrier of a link is gone. */
  carrierLost(link: RelayLink, carrier: Carrier, now: number): void {
    this.#now = now
    if (link.carrier !== carrier) return
    this.#down(link)
    this.#options.notice({ kind: 'linkDown', link })
    if (link.saidBye) this.#endLink(link, 'agent_gone', 'reset')
  }

  /** The agent says that it leaves for good: nobody waits for it. */
  goaway(link: RelayLink, code: WireCode): void {
    link.saidBye = code === 'bye'
  }

  /** A stream's frame that came by this port. */
  receive(port: SwitchPort, frame: StreamFrame, now: number): void {
    this.#now = now
    const leg = port.legs.get(frame.id)
    if (frame.kind === 'open') return this.#receiveOpen(port, leg, frame)
    if (leg === undefined) {
      const isFinal = frame.kind === 'void' || frame.kind === 'reset' || frame.kind === 'refuse'
      if (!isFinal) port.voice.sayLast({ kind: 'void', id: frame.id })
      return
    }
    this.#pass(leg, frame)
    leg.route.payDebts()
  }

  /** The policy or the revocations have changed: decide again about everything that lives. */
  reconsider(now: number): void {
    this.#now = now
    for (const route of [...this.#routes]) {
      const decision = this.#options.admission.reconsider(route.admitted)
      if (!decision.admitted) this.#endRoute(route, decision.code, 'reset')
    }
  }

  /** Authority ends everything of this identity, detached or not. */
  expel(identity: string, code: WireCode, now: number): void {
    this.#now = now
    const link = this.#links.get(identity)
    if (link === undefined) return
    link.carrier?.end(code, code)
    link.carrier = undefined
    this.#endLink(link, code, 'reset')
  }

  deadline(): number {
    let next = Number.POSITIVE_INFINITY
    for (const link of this.#links.values()) next = Math.min(next, link.lostUntil)
    for (const route of this.#parked()) next = Math.min(next, route.parkedUntil)
    return next
  }

  tick(now: number): void {
    this.#now = now
    for (const link of [...this.#links.values()]) {
      if (link.lostUntil <= now) this.#endLink(link, 'expired', 'reset')
    }
    for (const route of [...this.#parked()]) {
      if (route.parkedUntil <= now) this.#endRoute(route, 'no_agent', 'refuse')
    }
  }

  /** The old carrier is destroyed before anything is said on the new one (protocol rule 32). */
  #fence(link: RelayLink, sameLife: boolean): void {
    const old = link.carrier
    if (old === undefined) return
    link.carrier = undefined
    if (!sameLife) this.#options.notice({ kind: 'displaced', link })
    old.end(sameLife ? 'carrier_lost' : 'displaced', sameLife ? undefined : 'displaced')
    this.#down(link)
  }

  #newLink(
    identity: string,
    hello: FrameOf<'hello'>,
    old: RelayLink | undefined,
    sameLife: boolean,
  ): RelayLink {
    // A life that lost its WELCOME still has its streams: their ways end, they do not.
    if (old !== undefined) this.#endLink(old, 'agent_restarted', sameLife ? 'void' : 'reset')
    const link = new RelayLink(identity, hello, this.#options.mintSession())
    this.#links.set(identity, link)
    return link
  }

  #welcome(link: RelayLink, resumed: boolean, routes: number): FrameOf<'welcome'> {
    const { resumeWindowMs, livenessMs, streamsMax } = this.#options.limits
    return {
      kind: 'welcome',
      version: protocolVersion,
      life: this.#options.life,
      session: link.session,
      resumed,
      routes,
      resumeWindowMs,
      livenessMs,
      streamsMax,
      carriersMax: 1,
      attributes: [],
    }
  }

  #receiveOpen(port: SwitchPort, leg: Leg | undefined, frame: FrameOf<'open'>): void {
    const from = port.identity === '' ? frame.from : port.identity
    const open = { ...frame, from }
    if (leg !== undefined) {
      const { route } = leg
      const same = route.opener === leg && route.key === open.key
      if (!same) return this.#refuse(port, open, 'frame_unexpected', 'the id is in use')
      route.open = open
      leg.outgoing.adopt(open)
      if (route.acceptor === undefined) return
      route.acceptor.say.open = open
      return route.acceptor.speak()
    }
    const decision = this.#options.admission.decide(open)
    if (!decision.admitted) return this.#refuse(port, open, decision.code, decision.reason)
    this.#connect(decision, port, open)
  }

  #connect(admitted: Admitted, port: SwitchPort, open: FrameOf<'open'>): void {
    const link = this.#links.get(admitted.agent)
    const waits = link !== undefined ? !link.port.up : open.established
    if (link === undefined && !waits) {
      return this.#refuse(port, open, 'no_agent', `${admitted.agent} is not connected`)
    }
    if (link?.port.up === true && !link.services.has(admitted.service) && link.services.size > 0) {
      return this.#refuse(port, open, 'unknown_service', `${admitted.agent} does not expose it`)
    }
    if (this.#streamsOf(admitted.agent) >= this.#options.limits.streamsMax) {
      return this.#refuse(port, open, 'overloaded', `${admitted.agent} has all its streams`)
    }
    const { windowBytes, parkMs } = this.#options.limits
    const route = new Route({ admitted, open, port, windowBytes, budget: this.#options.budget })
    this.#routes.add(route)
    this.#options.admission.entered(admitted)
    this.#options.notice({ kind: 'routed', route })
    if (link !== undefined && !waits) route.lead(link.port)
    else route.parkedUntil = this.#now + parkMs
  }

  #refuse(port: SwitchPort, open: FrameOf<'open'>, code: WireCode, reason: string): void {
    this.#options.notice({ kind: 'refused', open, code, reason })
    port.voice.sayLast({ kind: 'refuse', id: open.id, code })
  }

  #pass(leg: Leg, frame: Exclude<StreamFrame, FrameOf<'open'>>): void {
    const { far, route } = leg
    switch (frame.kind) {
      case 'reset':
        return this.#endRoute(route, frame.code, 'reset', leg)
      case 'void':
        return this.#endRoute(route, 'closed', 'void', leg)
      case 'refuse':
        if (leg === route.acceptor) this.#endRoute(route, frame.code, 'refuse', leg)
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
    if (far.closeSeen === undefined) {
      far.say.close = consumed
      return far.speak()
    }
    far.port.voice.sayLast({ kind: 'close', id: far.id, consumed })
    leg.port.voice.sayLast({ kind: 'close', id: leg.id, consumed: far.closeSeen })
    this.#forget(leg.route, 'end')
  }

  #endLink(link: RelayLink, code: WireCode, word: 'reset' | 'void'): void {
    for (const leg of [...link.port.legs.values()]) this.#endRoute(leg.route, code, word, leg)
    link.port.up = false
    link.port.restart()
    if (this.#links.get(link.identity) === link) this.#links.delete(link.identity)
    this.#options.notice({ kind: 'linkOver', link, code })
  }

  /** Ends a route with a last word on its legs, but not on the one that it came from. */
  #endRoute(route: Route, code: WireCode, word: 'reset' | 'refuse' | 'void', from?: Leg): void {
    for (const leg of route.legs) {
      if (leg === from) continue
      const { id } = leg
      leg.port.voice.sayLast(word === 'void' ? { kind: word, id } : { kind: word, id, code })
    }
    this.#forget(route, code)
  }

  #forget(route: Route, code: FaultCode): void {
    route.end()
    this.#routes.delete(route)
    this.#options.admission.left(route.admitted)
    this.#options.notice({ kind: 'ended', route, code })
  }

  #down(link: RelayLink): void {
    link.carrier = undefined
    link.port.up = false
    link.port.voice.hush()
    link.lostUntil = this.#now + this.#options.limits.resumeWindowMs
    for (const leg of link.port.legs.values()) {
      leg.hush()
      const { far } = leg
      if (far?.port.up !== true) continue
      far.say.word = 'hold'
      far.speak()
    }
  }

  #deliverParked(link: RelayLink): void {
    for (const route of this.#parked()) {
      if (route.admitted.agent === link.identity) route.lead(link.port)
    }
  }

  #parked(): Route[] {
    return [...this.#routes].filter((route) => route.acceptor === undefined)
  }

  #streamsOf(agent: string): number {
    const link = this.#links.get(agent)
    const parked = this.#parked().filter((route) => route.admitted.agent === agent).length
    return (link?.port.legs.size ?? 0) + parked
  }
}

type PassedOn = Exclude<
  StreamFrame,
  FrameOf<'open'> | FrameOf<'reset'> | FrameOf<'void'> | FrameOf<'refuse'>
>

/** The link that a HELLO led to, and the WELCOME that answers it. */
export interface WelcomeOf {
  readonly link: RelayLink
  readonly welcome: FrameOf<'welcome'>
}
