/**
 * One seeded world: agents, relays, consumers and targets on a simulated network.
 *
 * Invariant: a world is a function of its seed. One mutation, then everything that is dirty is pumped
 * until it is quiet, then the checker looks: so a broken invariant is found at the event that broke it.
 */

import { type Policy, parsePolicy } from '../../shared/policy.ts'
import type { Budget } from '../../shared/protocol/budget.ts'
import { Endpoint, type EndpointAcceptor } from '../../shared/protocol/endpoint.ts'
import type { FaultCode, WireCode } from '../../shared/protocol/fault.ts'
import { attributeTags } from '../../shared/protocol/frame.ts'
import type { Phase } from '../../shared/protocol/life.ts'
import { Agent, Relay, services } from './actors.ts'
import { type Plan, Socket } from './application.ts'
import { Chance } from './chance.ts'
import { Clock } from './clock.ts'
import type { Carrier } from './network.ts'
import { drawOptions, type Options } from './options.ts'
import { Report } from './report.ts'
import { Stream } from './stream.ts'

export class World {
  readonly chance: Chance
  readonly clock = new Clock()
  readonly report = new Report()
  readonly options: Options
  readonly relays: readonly Relay[]
  readonly agents: readonly Agent[]
  readonly streams: Stream[] = []
  readonly carriers = new Set<Carrier>()
  readonly dirty = new Set<() => void>()
  /** Pairs of agent and relay between which nothing can be dialled. */
  readonly #partitions = new Map<Agent, Set<Relay>>()
  readonly #byKey = new Map<string, Stream>()
  #allowed: Policy
  /** What faults have broken: which outcomes are excused. */
  longOutage = false

  constructor(seed: number) {
    this.chance = new Chance(seed)
    this.options = drawOptions(this.chance)
    this.#allowed = this.policyWithout(undefined)
    this.relays = Array.from({ length: this.options.relays }, (_, at) => new Relay(this, `r${at}`))
    this.agents = Array.from({ length: this.options.agents }, (_, at) => new Agent(this, `a${at}`))
  }

  get policy(): Policy {
    return this.#allowed
  }

  /** The policy that allows everything, except what leads to one service. */
  policyWithout(service: string | undefined): Policy {
    const agents = Array.from({ length: this.options.agents }, (_, at) => `a${at}`)
    const all = agents.flatMap((agent) => services.map((name) => `${agent}/${name}`))
    const to = all.filter((name) => name !== service)
    const from = ['10.0.0.0/8', ...agents.map((agent) => `agent/${agent}`)]
    return parsePolicy([{ rule: 'all', from, to }])
  }

  setPolicy(policy: Policy): void {
    this.#allowed = policy
    for (const relay of this.relays) {
      relay.admission.replace(policy)
      relay.switch.reconsider(this.clock.now)
    }
  }

  makeEndpoint(identity: string, budget: Budget): Endpoint {
    const { options, chance } = this
    const endpoint: Endpoint = new Endpoint({
      limits: {
        streamsMax: 100,
        windowBytes: options.windowBytes,
        resumeWindowMs: options.resumeWindowMs,
        openTimeoutMs: options.openTimeoutMs,
        candidateMs: 2_000,
      },
      budget,
      identity,
      mintKey: () => chance.hex(16),
      wake: () => this.#wakeOwner(endpoint),
      dial: (end) => this.#dial(endpoint, end),
      ended: (end, code) => this.#byKey.get(end.key)?.ended(end, code),
    })
    return endpoint
  }

  /** A consumer comes: at a relay's ingress, or at a forward of an agent. */
  openStream(): void {
    const { chance, clock } = this
    const target = chance.pick(this.agents)
    const service = chance.happens(0.06) ? 'deaf' : chance.happens(0.15) ? 'slow' : 'echo'
    const plans: readonly [Plan, Plan] = [this.#plan(0), this.#plan(1)]
    const viaRelay = chance.happens(0.4)
    const relay = chance.pick(this.relays)
    const opener = viaRelay ? relay : chance.pick(this.agents)
    if (viaRelay && !relay.up) return
    const salt = this.streams.length
    const socket = new Socket(this, plans[0], salt, 0)
    const stream = new Stream(this, { opener, target, service, socket, plan: plans[1], salt })
    this.streams.push(stream)
    const from = opener instanceof Relay ? 'address/10.0.0.1' : `agent/${opener.name}`
    const value = new TextEncoder().encode('10.0.0.1')
    const attributes = viaRelay ? [{ tag: attributeTags.source, value }] : []
    const end = opener.endpoint.open({
      to: `${target.name}/${service}`,
      from,
      attributes,
      local: socket,
    })
    socket.end = end
    stream.openerEnd = end
    this.#byKey.set(end.key, stream)
    this.report.streams += 1
    this.dirty.add(opener.pump)
    clock.after(0, () => {})
  }

  /** Both sides of a carrier are ended at once, or one of them without the other being told. */
  cut(carrier: Carrier): void {
    carrier.agent.end()
    carrier.relay.end()
  }

  /** The process that holds this endpoint dies: its sockets with it. */
  dropSockets(endpoint: Endpoint): void {
    for (const stream of this.streams) stream.died(endpoint)
  }

  isPartitioned(agent: Agent, relay: Relay): boolean {
    return this.#partitions.get(agent)?.has(relay) === true
  }

  partition(agent: Agent, relay: Relay): void {
    const relays = this.#partitions.get(agent) ?? new Set()
    relays.add(relay)
    this.#partitions.set(agent, relays)
  }

  heal(agent?: Agent, relay?: Relay): void {
    if (agent === undefined || relay === undefined) this.#partitions.clear()
    else this.#partitions.get(agent)?.delete(relay)
  }

  /** The phases of the ends that live on these endpoints, or that a carrier serves. */
  phases(...endpoints: readonly Endpoint[]): Phase[] {
    return endpoints.flatMap((endpoint) => [...endpoint.ends].map(({ phase }) => phase))
  }

  /** A side has ended a carrier because of a frame: only the attempt's order may cause that here. */
  carrierFault(fault: unknown): void {
    const code = (fault as { code?: FaultCode }).code
    if (code !== 'attempt_stale') throw fault
    this.report.count('stale attempt')
  }

  /** One event, then everything until it is quiet. False when nothing is left. */
  step(): boolean {
    if (!this.clock.step()) return false
    this.settle()
    return true
  }

  settle(): void {
    for (const pump of this.dirty) {
      this.dirty.delete(pump)
      pump()
    }
  }

  #dial(endpoint: Endpoint, end: EndpointAcceptor): void {
    const { chance, clock } = this
    const stream = this.#byKey.get(end.key)
    if (stream === undefined) throw new Error('an OPEN of a key that nobody minted')
    const service = end.to.split('/')[1]
    const delayMs = service === 'slow' ? chance.between(300, 3_000) : chance.between(0, 20)
    stream.dialled(endpoint, end)
    clock.after(delayMs, () => {
      if (end.phase !== 'dialling' || !this.#lives(endpoint)) return
      if (service === 'deaf') end.refuse('target_refused' satisfies WireCode)
      else stream.connect(end)
      this.#wakeOwner(endpoint)
    })
  }

  #wakeOwner(endpoint: Endpoint): void {
    for (const actor of [...(this.agents ?? []), ...(this.relays ?? [])]) {
      if (actor.endpoint === endpoint) this.dirty.add(actor.pump)
    }
  }

  #lives(endpoint: Endpoint): boolean {
    return this.agents.some((agent) => agent.endpoint === endpoint)
  }

  #plan(side: 0 | 1): Plan {
    const { chance, options } = this
    const bytes = chance.happens(0.1) ? 0 : chance.between(1, options.bytesMax)
    // So many writes at the most, lest a slow typist of a long text outlive the world.
    const chunkBytesMin = Math.ceil(bytes / 40)
    return {
      bytes,
      chunkBytesMax: Math.max(chunkBytesMin, chance.pick([1, 40, 700, 6_000])),
      thinkMs: chance.pick([0, 5, 60, 400]),
      readMs: chance.pick([0, 5, 50, chance.happens(0.2) ? options.slowReadMs : 5]),
      writesAfter: side === 1 && chance.happens(0.3) ? chance.between(1, 2_000) : 0,
      resetsAfter: chance.happens(0.08) ? chance.between(0, bytes) : undefined,
    }
  }
}

export { services }
