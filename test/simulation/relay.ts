/**
 * A relay of a world: the product's own switch, with the endpoint of its ingress beside it.
 *
 * Invariant: a restart leaves nothing: the new life has a new switch, a new endpoint and a new
 * name, and the sockets of the old one have died.
 */
import { Admission } from '../../relay/admission.ts'
import type { RelayLink } from '../../relay/switch/link.ts'
import type { SwitchPort } from '../../relay/switch/port.ts'
import type { Policy } from '../../shared/policy.ts'
import { Budget } from '../../shared/protocol/budget.ts'
import type { Endpoint } from '../../shared/protocol/endpoint.ts'
import { isStreamFrame } from '../../shared/protocol/frame.ts'
import type { EndpointPort } from '../../shared/protocol/port.ts'
import { demand } from './demand.ts'
import { WatchedSwitch } from './watched-switch.ts'
import type { World } from './world.ts'

/** What one direction of one stream may keep when the budget is spent. */
export const guaranteedBytes = 4_096

/** Frames that may pass between endpoint and switch at one time. */
const turnsMax = 10_000

interface Life {
  readonly switch: WatchedSwitch
  readonly endpoint: Endpoint
  readonly budget: Budget
  readonly admission: Admission
  readonly outer: SwitchPort
  readonly inner: EndpointPort
}

export class Relay {
  readonly name: string
  readonly #world: World
  #life: Life
  #up = true
  #draining = false
  restarts = 0
  /** Since when it has forbidden nothing. */
  allowsSince = 0
  /** When it was told last that it is to stop. */
  drainingSince = 0
  /** The service to which its policy lets nobody. */
  forbids: string | undefined
  #armedFor = Number.POSITIVE_INFINITY

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
    this.#life = this.#begin()
  }

  get up(): boolean {
    return this.#up
  }

  /** It is about to stop, and leads nothing anew. */
  get draining(): boolean {
    return this.#draining
  }

  get switch(): WatchedSwitch {
    return this.#life.switch
  }

  get endpoint(): Endpoint {
    return this.#life.endpoint
  }

  get budget(): Budget {
    return this.#life.budget
  }

  get admission(): Admission {
    return this.#life.admission
  }

  /** The switch's side of the port between switch and endpoint. */
  get outer(): SwitchPort {
    return this.#life.outer
  }

  /** The endpoint's side of it. */
  get inner(): EndpointPort {
    return this.#life.inner
  }

  /** How long it has forbidden nothing; a service that it forbids now has no way by it at all. */
  get allowsForMs(): number {
    return this.forbids === undefined
      ? this.#world.clock.now - this.allowsSince
      : Number.POSITIVE_INFINITY
  }

  /** Another policy holds from now on: it forbids what leads to this service. */
  obey(policy: Policy, forbids: string | undefined): void {
    if (forbids === undefined) this.allowsSince = this.#world.clock.now
    this.forbids = forbids
    this.admission.replace(policy)
    this.switch.reconsider(this.#world.clock.now)
    this.#world.dirty.add(this.pump)
  }

  /** A route of this stream goes through here. */
  leads(key: string | undefined): boolean {
    return [...this.switch.routes].some((route) => route.key === key)
  }

  /** It is told to stop: streams are to go elsewhere before it does. */
  drain(forMs: number): void {
    this.#draining = true
    this.drainingSince = this.#world.clock.now
    this.switch.drain(forMs, this.#world.clock.now)
    this.#world.dirty.add(this.pump)
  }

  /** The process dies; `untold` says whether its agents learn of it at once. */
  kill(untold: boolean): void {
    this.#up = false
    this.#draining = false
    this.restarts += 1
    for (const carrier of this.#world.carriers) {
      if (carrier.to !== this || !carrier.relay.alive) continue
      if (untold) carrier.untold = true
      carrier.relay.end()
    }
    this.#world.died(this.endpoint)
  }

  /** A new life begins. */
  start(): void {
    if (this.#up) return
    this.#life = this.#begin()
    this.#armedFor = Number.POSITIVE_INFINITY
    this.#up = true
  }

  /** The local port is drained both ways until it is quiet, then the timers are set. */
  pump = (): void => {
    if (!this.#up) return
    const { clock, witness } = this.#world
    const { outer, inner, endpoint } = this.#life
    for (let turns = 0; ; turns += 1) {
      demand(turns < turnsMax, '12: endpoint and switch never fall silent')
      const out = endpoint.pull(inner, true)
      if (out !== undefined && isStreamFrame(out)) {
        witness.said(inner, [out])
        this.switch.receive(outer, out, clock.now)
      }
      const back = outer.pull(true)
      if (back !== undefined && isStreamFrame(back)) {
        witness.saidBySwitch(inner.session, [back])
        witness.heard(inner, back)
        endpoint.receive(inner, back, clock.now)
      }
      if (out === undefined && back === undefined) break
    }
    this.#arm()
  }

  #begin(): Life {
    const { chance, clock, options } = this.#world
    const budget = new Budget(options.relayBudgetBytes, guaranteedBytes)
    const admission = new Admission(this.#world.policyWithout(this.forbids))
    const wake = () => this.#world.dirty.add(this.pump)
    const life = chance.hex(8)
    const session = chance.hex(8)
    const resumeWindowMs = options.relayResumeWindowMs
    const theSwitch = new WatchedSwitch(this.#world, session, {
      limits: {
        streamsMax: 100,
        agentsMax: 10,
        carriersMax: 8,
        windowBytes: options.relayWindowBytes,
        resumeWindowMs,
        livenessMs: options.livenessMs,
        parkMs: options.parkMs,
      },
      budget,
      life,
      mintSession: () => chance.hex(8),
      admission,
      notice: (notice) => {
        if (notice.kind === 'displaced') this.#world.report.count('displaced')
        if (notice.kind === 'refused') this.#world.report.count('refused by the relay')
        if (notice.kind === 'linkOver') this.#linkOver(notice.link)
        if (notice.kind === 'ended' && this.#up) this.#world.duties.ended(this, notice.route)
      },
    })
    const endpoint = this.#world.makeEndpoint(this.name, budget, wake)
    const outer = theSwitch.addLocalPort(wake)
    const inner = endpoint.addPort('switch', wake)
    const up = { session, life, resumed: false, routes: 0, resumeWindowMs }
    endpoint.portUp(inner, up, clock.now)
    return { switch: theSwitch, endpoint, budget, admission, outer, inner }
  }

  /** The life of an agent is over for this relay: another has come, if it is not its own. */
  #linkOver({ identity, epoch }: RelayLink): void {
    const agent = this.#world.agents.find((one) => one.identity === identity)
    if (agent === undefined || agent.epoch === epoch) return
    for (const stream of this.#world.streams) stream.restarted(agent)
  }

  #arm(): void {
    const { clock } = this.#world
    const life = this.#life
    const due = Math.min(life.switch.deadline(), life.endpoint.deadline())
    const deadline = Math.max(clock.now, due)
    if (deadline >= this.#armedFor) return
    this.#armedFor = deadline
    clock.at(deadline, () => {
      if (life !== this.#life || !this.#up) return
      this.#armedFor = Number.POSITIVE_INFINITY
      life.switch.tick(clock.now)
      life.endpoint.tick(clock.now)
      this.#world.dirty.add(this.pump)
    })
  }
}
