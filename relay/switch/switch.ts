/**
 * The switch: the links of all agents, and the routing between them.
 *
 * Invariant: at most one link an agent and lane, served by at most one carrier; an older carrier is
 * destroyed before a newer one is answered. A session waits for its agent no longer than the
 * resume window; its streams do not wait while another link of the agent is up. Time is handed in.
 */
import type { Budget } from '../../shared/protocol/budget.ts'
import type { WireCode } from '../../shared/protocol/fault.ts'
import type { FrameOf, StreamFrame } from '../../shared/protocol/frame.ts'
import { laneOf } from '../../shared/protocol/greeting.ts'
import type { Admission } from '../admission.ts'
import { DisplacedLives } from './displaced.ts'
import { checkHello, welcomeOf } from './greeting.ts'
import { type Carrier, RelayLink, type SwitchNotice } from './link.ts'
import { Links } from './links.ts'
import { SwitchPort } from './port.ts'
import type { Route } from './route.ts'
import { Routing, type RoutingLimits } from './routing.ts'

export interface SwitchLimits extends RoutingLimits {
  /** Links of agents, connected or waited for. */
  readonly agentsMax: number
  /** Carriers that one agent may hold at a time, each on a lane of its own. */
  readonly carriersMax: number
  readonly resumeWindowMs: number
  readonly livenessMs: number
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

/** The link that a HELLO led to, and the WELCOME that answers it. */
export interface WelcomeOf {
  readonly link: RelayLink
  readonly welcome: FrameOf<'welcome'>
}

export class Switch {
  readonly #options: SwitchOptions
  readonly #links = new Links()
  readonly #routing: Routing
  readonly #displaced = new DisplacedLives()
  #drainUntil: number | undefined
  #now = 0

  constructor(options: SwitchOptions) {
    this.#options = options
    this.#routing = new Routing({ ...options, links: this.#links })
  }

  get links(): ReadonlySet<RelayLink> {
    return this.#links.all
  }

  /** The links of this agent, one a lane. */
  linksOf(identity: string): readonly RelayLink[] {
    return this.#links.of(identity)
  }

  get routes(): ReadonlySet<Route> {
    return this.#routing.routes
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
    const lane = laneOf(hello)
    const others = this.#links.of(identity)
    const sameLife = others[0]?.epoch === hello.epoch
    const known = sameLife ? others.find((one) => one.lane === lane) : undefined
    const isLate = this.#displaced.has(identity, hello.epoch, now)
    const isFull = others.length === 0 && this.#links.agents >= this.#options.limits.agentsMax
    checkHello(hello, { identity, lane, known, isLate, isFull }, this.#options.limits)
    if (!sameLife) this.#displace(others)
    if (known !== undefined) this.#fence(known)
    const resumed = known?.resumes(hello) === true
    const link = resumed ? known : this.#newLink(identity, hello, known)
    link.serve(carrier, hello.attempt)
    this.#leaveLost(link, hello)
    const { legs, voice } = link.port
    const named = [...legs.values()].filter((leg) => leg.named).map(({ id }) => id)
    // What ended while the agent was away is named too, by its last word.
    const routes = new Set([...named, ...voice.lastWordIds()]).size
    for (const leg of [...legs.values()]) leg.route.resync()
    this.#routing.deliverParked(link)
    if (this.#drainUntil !== undefined) carrier.drain(Math.max(0, this.#drainUntil - now))
    this.#options.notice({ kind: 'linkUp', link, resumed })
    const { life, limits } = this.#options
    return { link, welcome: welcomeOf(link, { resumed, routes }, life, limits) }
  }

  /** The carrier of a link is gone. */
  carrierLost(link: RelayLink, carrier: Carrier, now: number): void {
    this.#now = now
    if (link.carrier !== carrier) return
    link.lose(now + this.#options.limits.resumeWindowMs)
    this.#left(link)
    for (const other of this.#links.of(link.identity)) other.carrier?.gone(link.lane, link.attempt)
    if (link.saidBye) this.#endLink(link, 'agent_gone', 'reset')
  }

  /** The agent has lost this carrier of another lane, and says so: it is destroyed unread. */
  gone(link: RelayLink, attempt: number, now: number): void {
    this.#now = now
    const lost = this.#links.of(link.identity).find((other) => other.attempt === attempt)
    if (lost?.carrier !== undefined && lost !== link) this.#lose(lost)
  }

  /** The agent says that it leaves for good: nobody waits for it, on any lane. */
  goaway(link: RelayLink, code: WireCode, now: number): void {
    if (code !== 'bye') return
    this.#now = now
    for (const one of this.#links.of(link.identity)) {
      one.saidBye = true
      if (one.carrier === undefined) this.#endLink(one, 'agent_gone', 'reset')
    }
  }

  /** A stream's frame that came by this port. */
  receive(port: SwitchPort, frame: StreamFrame, now: number): void {
    this.#now = now
    this.#routing.receive(port, frame, now)
  }

  /** The policy or the revocations have changed: decide again about everything that lives. */
  reconsider(now: number): void {
    this.#now = now
    this.#routing.reconsider()
  }

  /** This relay is about to stop: it leads what it leads, and nothing that is new. */
  drain(deadlineMs: number, now: number): void {
    this.#drainUntil = now + deadlineMs
    this.#routing.draining = true
    for (const { carrier } of this.links) carrier?.drain(deadlineMs)
  }

  /** Authority ends everything of this identity, detached or not. */
  expel(identity: string, code: WireCode, now: number): void {
    this.#now = now
    for (const link of this.#links.of(identity)) this.#cutOff(link, code, code)
  }

  deadline(): number {
    let next = this.#routing.deadline()
    for (const link of this.links) next = Math.min(next, link.lostUntil)
    return next
  }

  tick(now: number): void {
    this.#now = now
    for (const link of [...this.links]) {
      if (link.lostUntil > now) continue
      // While it is here on another lane, its streams are not over: they have moved, or will.
      this.#endLink(link, 'expired', this.#isHere(link.identity) ? 'void' : 'reset')
    }
    this.#routing.tick(now)
  }

  /** The carrier of a link is lost, here or at the agent. */
  #lose(link: RelayLink): void {
    this.#fence(link)
    this.#left(link)
  }

  /** A link is down: where its agent is here by another one, nobody need wait for this. */
  #left(link: RelayLink): void {
    const isHere = this.#isHere(link.identity)
    if (isHere) this.#routing.leave(link.port)
    this.#options.notice({ kind: 'linkDown', link, isHere })
  }

  /** Some link of this agent is up. */
  #isHere(identity: string): boolean {
    return this.#links.best(identity)?.port.up === true
  }

  /** The old carrier is destroyed before anything is said on the new one (protocol rule 32). */
  #fence(link: RelayLink): void {
    const old = link.carrier
    if (old === undefined) return
    link.carrier = undefined
    old.end('carrier_lost', undefined)
    link.lose(this.#now + this.#options.limits.resumeWindowMs)
  }

  /** Another life of this agent has come: all that was of the old one is over. */
  #displace(links: readonly RelayLink[]): void {
    const alive = links.find(({ carrier }) => carrier !== undefined)
    if (alive !== undefined) this.#options.notice({ kind: 'displaced', link: alive })
    for (const link of links) {
      this.#cutOff(link, 'displaced', 'agent_restarted')
      this.#displaced.add(link.identity, link.epoch, this.#now)
    }
  }

  /** The link is over, and so are its streams, whatever other links its agent has. */
  #cutOff(link: RelayLink, goaway: WireCode, code: WireCode): void {
    const { carrier } = link
    link.carrier = undefined
    carrier?.end(goaway, goaway)
    this.#endLink(link, code, 'reset')
  }

  #newLink(identity: string, hello: FrameOf<'hello'>, old: RelayLink | undefined): RelayLink {
    // A life that lost its WELCOME still has its streams: their ways end, they do not.
    if (old !== undefined) this.#endLink(old, 'closed', 'void')
    const link = new RelayLink(identity, hello, this.#options.mintSession())
    this.#links.add(link)
    return link
  }

  /** What the agent has lost beside the link that is up now: its streams need not wait for it. */
  #leaveLost(link: RelayLink, { attempt, alive }: FrameOf<'hello'>): void {
    for (const other of this.#links.of(link.identity)) {
      if (other === link) continue
      const isBelieved = other.attempt > attempt || alive.includes(other.attempt)
      if (!isBelieved && other.carrier !== undefined) this.#lose(other)
      if (!other.port.up) this.#routing.leave(other.port)
    }
  }

  #endLink(link: RelayLink, code: WireCode, word: 'reset' | 'void'): void {
    this.#routing.endAll(link.port, code, word)
    link.port.up = false
    link.port.restart()
    this.#links.delete(link)
    this.#options.notice({ kind: 'linkOver', link, code })
  }
}
