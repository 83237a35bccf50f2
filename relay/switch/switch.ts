/**
 * The switch: the links of all agents, and the routing between them.
 *
 * Invariant: at most one link an identity, served by at most one carrier; an older carrier is
 * destroyed before a newer one is answered. A session waits for its agent no longer than the
 * resume window. Time is handed in.
 */
import { displacedPauseMs } from '../../shared/protocol/backoff.ts'
import type { Budget } from '../../shared/protocol/budget.ts'
import { Fault, type FaultCode, type WireCode } from '../../shared/protocol/fault.ts'
import type { FrameOf, StreamFrame } from '../../shared/protocol/frame.ts'
import { protocolVersion } from '../../shared/protocol/frame.ts'
import type { Admission } from '../admission.ts'
import { type Carrier, RelayLink } from './link.ts'
import { SwitchPort } from './port.ts'
import type { Route } from './route.ts'
import { Routing, type RoutingLimits, type RoutingNotice } from './routing.ts'

export interface SwitchLimits extends RoutingLimits {
  /** Links of agents, connected or waited for. */
  readonly agentsMax: number
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

/** What the switch tells its relay, for the log and the status. */
export type SwitchNotice =
  | RoutingNotice
  | { readonly kind: 'linkUp'; readonly link: RelayLink; readonly resumed: boolean }
  | { readonly kind: 'linkDown'; readonly link: RelayLink }
  | { readonly kind: 'linkOver'; readonly link: RelayLink; readonly code: FaultCode }
  | { readonly kind: 'displaced'; readonly link: RelayLink }

function lifeOf(identity: string, epoch: string): string {
  return `${identity} ${epoch}`
}

/** The link that a HELLO led to, and the WELCOME that answers it. */
export interface WelcomeOf {
  readonly link: RelayLink
  readonly welcome: FrameOf<'welcome'>
}

export class Switch {
  readonly #options: SwitchOptions
  readonly #links = new Map<string, RelayLink>()
  readonly #routing: Routing
  /** Until when each life that another has displaced is obliged to stay away. */
  readonly #displaced = new Map<string, number>()
  #drainUntil: number | undefined
  #now = 0

  constructor(options: SwitchOptions) {
    this.#options = options
    this.#routing = new Routing({ ...options, linkOf: (agent) => this.#links.get(agent) })
  }

  get links(): ReadonlyMap<string, RelayLink> {
    return this.#links
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
    if (hello.version !== protocolVersion) {
      throw new Fault('version_unsupported', `${identity} speaks version ${hello.version}`)
    }
    const known = this.#links.get(identity)
    const sameLife = known?.epoch === hello.epoch
    if ((this.#displaced.get(lifeOf(identity, hello.epoch)) ?? 0) > now) {
      throw new Fault('attempt_stale', `${identity} came late: a newer life has displaced this one`)
    }
    if (known !== undefined && sameLife && hello.attempt <= known.attempt) {
      throw new Fault('attempt_stale', `attempt ${hello.attempt}, ${known.attempt} was seen`)
    }
    if (known === undefined && this.#links.size >= this.#options.limits.agentsMax) {
      throw new Fault('overloaded', `${this.#links.size} agents are in already`)
    }
    const resumed = known?.resumes(hello) === true
    if (known !== undefined) this.#fence(known, sameLife)
    const link = resumed ? known : this.#newLink(identity, hello, known, sameLife)
    link.attempt = hello.attempt
    link.carrier = carrier
    link.carriers += 1
    link.lostUntil = Number.POSITIVE_INFINITY
    link.port.up = true
    const { legs, voice } = link.port
    const named = [...legs.values()].filter((leg) => leg.named).map(({ id }) => id)
    // What ended while the agent was away is named too, by its last word.
    const routes = new Set([...named, ...voice.lastWordIds()]).size
    for (const leg of [...legs.values()]) leg.route.resync()
    this.#routing.deliverParked(link)
    if (this.#drainUntil !== undefined) carrier.drain(Math.max(0, this.#drainUntil - now))
    this.#options.notice({ kind: 'linkUp', link, resumed })
    return { link, welcome: this.#welcome(link, resumed, routes) }
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
    for (const { carrier } of this.#links.values()) carrier?.drain(deadlineMs)
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
    let next = this.#routing.deadline()
    for (const link of this.#links.values()) next = Math.min(next, link.lostUntil)
    return next
  }

  tick(now: number): void {
    this.#now = now
    for (const link of [...this.#links.values()]) {
      if (link.lostUntil <= now) this.#endLink(link, 'expired', 'reset')
    }
    this.#routing.tick(now)
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
    if (old !== undefined && !sameLife) this.#displace(lifeOf(identity, old.epoch))
    const link = new RelayLink(identity, hello, this.#options.mintSession())
    this.#links.set(identity, link)
    return link
  }

  /** A life that was displaced stays away for a while, so that a HELLO of it until then is late. */
  #displace(life: string): void {
    for (const [other, until] of this.#displaced) {
      if (until > this.#now) break
      this.#displaced.delete(other)
    }
    this.#displaced.set(life, this.#now + displacedPauseMs)
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

  #endLink(link: RelayLink, code: WireCode, word: 'reset' | 'void'): void {
    this.#routing.endAll(link.port, code, word)
    link.port.up = false
    link.port.restart()
    if (this.#links.get(link.identity) === link) this.#links.delete(link.identity)
    this.#options.notice({ kind: 'linkOver', link, code })
  }

  #down(link: RelayLink): void {
    link.carrier = undefined
    link.port.up = false
    link.port.voice.hush()
    link.lostUntil = this.#now + this.#options.limits.resumeWindowMs
    for (const leg of link.port.legs.values()) {
      leg.hush()
      const { far } = leg
      if (far?.port.up !== true || !far.named) continue
      far.say.word = 'hold'
      far.speak()
    }
  }
}
