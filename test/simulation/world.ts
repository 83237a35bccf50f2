/**
 * One seeded world: agents, relays, consumers and targets on a simulated network.
 *
 * Invariant: a world is a function of its seed. One mutation, then everything that is dirty is
 * pumped until it is quiet, then the checker looks: so a broken invariant is found at the event
 * that broke it.
 */

import type { SwitchPort } from '../../relay/switch/port.ts'
import type { Switch } from '../../relay/switch/switch.ts'
import { type Policy, parsePolicy } from '../../shared/policy.ts'
import type { Budget } from '../../shared/protocol/budget.ts'
import { Endpoint, type EndpointAcceptor } from '../../shared/protocol/endpoint.ts'
import type { FaultCode } from '../../shared/protocol/fault.ts'
import { attributeTags } from '../../shared/protocol/frame.ts'
import { Agent } from './agent.ts'
import { CapturedRelay } from './captured-relay.ts'
import { Chance } from './chance.ts'
import { Checker } from './checker.ts'
import { Clock } from './clock.ts'
import { demand } from './demand.ts'
import { Duties } from './duties.ts'
import { Grants } from './grants.ts'
import { Ledger } from './ledger.ts'
import type { Carrier } from './network.ts'
import { drawOptions, type Options } from './options.ts'
import { drawPlan } from './plan.ts'
import { Relay } from './relay.ts'
import { Report } from './report.ts'
import { dialMs, drawService, type Service, services } from './services.ts'
import { strangerName } from './stranger.ts'
import { Stream } from './stream.ts'
import type { Tracer } from './trace.ts'
import { Waits } from './waits.ts'
import { innerPortOf, Ways } from './ways.ts'
import { Witness } from './witness.ts'

/** What one event may set going; a world beyond it goes round in circles. */
const pumpsMax = 10_000

export class World {
  readonly chance: Chance
  /** A sequence of its own for what came later: older seeds go on to draw what they drew. */
  readonly laterChance: Chance
  readonly clock = new Clock()
  readonly report = new Report()
  readonly options: Options
  readonly tracer: Tracer | undefined
  readonly witness = new Witness(this)
  readonly ledger = new Ledger(this)
  readonly duties = new Duties(this)
  readonly grants = new Grants(this)
  readonly waits = new Waits(this)
  readonly ways = new Ways(this)
  readonly checker = new Checker(this)
  readonly capturedRelay = new CapturedRelay(this)
  readonly relays: readonly Relay[]
  readonly agents: readonly Agent[]
  readonly streams: Stream[] = []
  readonly carriers = new Set<Carrier>()
  /** Who has something to say. */
  readonly dirty = new Set<() => void>()
  /** Between which agent and relay nothing can be dialled, on these lanes. */
  readonly #partitions = new Map<Agent, Map<Relay, readonly number[]>>()
  readonly #streamOfKey = new Map<string, Stream>()
  /** The endpoints whose process lives. */
  readonly #living = new Set<Endpoint>()
  /** Called when an event is over and everything is quiet. */
  afterStep: () => void = () => {}

  constructor(seed: number, tracer?: Tracer) {
    this.tracer = tracer
    this.chance = new Chance(seed)
    this.laterChance = new Chance(seed ^ 0x5a11)
    this.options = drawOptions(this.chance, this.laterChance)
    this.relays = Array.from({ length: this.options.relays }, (_, at) => new Relay(this, `r${at}`))
    this.agents = Array.from({ length: this.options.agents }, (_, at) => new Agent(this, `a${at}`))
  }

  /** From now on these relays allow everything, but for what leads to one service. */
  forbid(service: string | undefined, relays: readonly Relay[]): void {
    const policy = this.policyWithout(service)
    const isEverywhere = relays.length === this.relays.length
    for (const stream of this.streams) {
      // A relay may end only what it leads itself, and refuse what comes to it.
      const isLed = relays.some((relay) => relay.leads(stream.key))
      // What its opener has given up may still be dialled for.
      const isMeant = stream.to === service && (isLed || !stream.over)
      if (isMeant) stream.denied = true
      if (isMeant && (isEverywhere || isLed)) stream.forbidden = true
    }
    for (const relay of relays) relay.obey(policy, service)
    this.checker.policyHolds()
  }

  makeEndpoint(identity: string, budget: Budget, wake: () => void): Endpoint {
    const { options, chance } = this
    const endpoint: Endpoint = new Endpoint({
      limits: {
        streamsMax: 100,
        windowBytes: options.windowBytes,
        resumeWindowMs: options.agentResumeWindowMs,
        openTimeoutMs: options.openTimeoutMs,
        candidateMs: options.candidateMs,
      },
      budget,
      identity,
      mintKey: () => chance.hex(16),
      wake,
      dial: (end) => this.#dial(endpoint, end, wake),
      ended: () => {},
    })
    this.#living.add(endpoint)
    return endpoint
  }

  /** A consumer comes: at a relay's ingress, or at a forward of an agent. */
  openStream(): void {
    const { chance, clock, options, report } = this
    const target = chance.pick(this.agents)
    const service = drawService(chance)
    const plans = [drawPlan(chance, options, 0), drawPlan(chance, options, 1)] as const
    const opener = chance.happens(0.4) ? chance.pick(this.relays) : chance.pick(this.agents)
    if (opener instanceof Relay && !opener.up) return
    const number = this.streams.length
    const stream = new Stream(this, { opener, target, service, plans, number })
    stream.denied = this.relays.some(({ forbids }) => forbids === stream.to)
    stream.forbidden = this.relays.every(({ forbids }) => forbids === stream.to)
    this.streams.push(stream)
    const viaRelay = opener instanceof Relay
    const source = { tag: attributeTags.source, value: new TextEncoder().encode('10.0.0.1') }
    const from = viaRelay ? 'address/10.0.0.1' : opener.identity
    const attributes = viaRelay ? [source] : []
    const request = { to: stream.to, from, attributes, local: stream.opener }
    const end = opener.endpoint.open(request, clock.now)
    stream.opener.end = end
    stream.openerEnd = end
    this.#streamOfKey.set(end.key, stream)
    report.streams += 1
    report.count(viaRelay ? 'opened by a relay' : 'opened by an agent')
    if (opener === target) report.count('opened to itself')
    this.dirty.add(opener.pump)
  }

  relayCalled(name: string): Relay {
    const relay = this.relays.find((one) => one.name === name)
    if (relay === undefined) throw new Error(`there is no relay called ${name}`)
    return relay
  }

  streamOf(key: string): Stream | undefined {
    return this.#streamOfKey.get(key)
  }

  /** The process that holds this endpoint dies: its sockets with it. */
  died(endpoint: Endpoint): void {
    this.#living.delete(endpoint)
    for (const stream of this.streams) stream.died(endpoint)
  }

  isPartitioned(agent: Agent, relay: Relay, lane: number): boolean {
    return this.#partitions.get(agent)?.get(relay)?.includes(lane) === true
  }

  partition(agent: Agent, relay: Relay, lanes: readonly number[]): void {
    const relays = this.#partitions.get(agent) ?? new Map<Relay, readonly number[]>()
    relays.set(relay, lanes)
    this.#partitions.set(agent, relays)
  }

  heal(agent?: Agent, relay?: Relay): void {
    if (agent === undefined || relay === undefined) this.#partitions.clear()
    else this.#partitions.get(agent)?.delete(relay)
  }

  /** How long the carrier behind a port of a switch has been good. */
  legSteadyMs(theSwitch: Switch, port: SwitchPort): number {
    if (port.identity === '') return Number.POSITIVE_INFINITY
    const relay = this.relays.find((one) => one.switch === theSwitch)
    const agent = this.agents.find(({ identity }) => identity === port.identity)
    const inner = relay && innerPortOf(this, relay, port)
    return inner === undefined ? 0 : (agent?.linkSteadyMs(agent.linkOf(inner)) ?? 0)
  }

  /**
   * A side has ended a carrier because of a frame: only the attempt's order may cause that here.
   */
  carrierFault(fault: unknown): void {
    if ((fault as { code?: FaultCode }).code !== 'attempt_stale') throw fault
    this.report.count('stale attempt')
  }

  /** One event, then everything until it is quiet. False when nothing is left. */
  step(): boolean {
    if (!this.clock.step()) return false
    this.settle()
    this.checker.step()
    this.afterStep()
    return true
  }

  settle(): void {
    let pumps = 0
    for (const pump of this.dirty) {
      this.dirty.delete(pump)
      pump()
      pumps += 1
      demand(pumps < pumpsMax, '12: the actors never fall silent')
    }
  }

  #dial(endpoint: Endpoint, end: EndpointAcceptor, wake: () => void): void {
    const stream = this.streamOf(end.key)
    if (stream === undefined) throw new Error('an OPEN of a key that nobody minted')
    if (end.from === `agent/${strangerName}`) return end.refuse('target_refused')
    const service = end.to.split('/')[1] as Service
    stream.dialled(endpoint, end)
    this.clock.after(dialMs(service, this.chance), () => {
      if (end.phase !== 'dialling' || !this.#living.has(endpoint)) return
      if (service === 'deaf') {
        this.report.count('refused by the target')
        end.refuse('target_refused')
      } else stream.connect(end)
      wake()
    })
  }

  /** The policy that allows everything, but for what leads to one service. */
  policyWithout(service: string | undefined): Policy {
    const agents = Array.from({ length: this.options.agents }, (_, at) => `a${at}`)
    const all = agents.flatMap((agent) => services.map((name) => `${agent}/${name}`))
    const to = all.filter((name) => name !== service)
    const from = ['10.0.0.0/8', ...[...agents, strangerName].map((agent) => `agent/${agent}`)]
    return parsePolicy([{ rule: 'all', from, to }])
  }
}
