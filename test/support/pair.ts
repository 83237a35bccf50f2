/**
 * Two agents joined by one relay, in memory: the product's own core, carriers that lose nothing
 * while they live, and a clock that jumps to the next deadline.
 *
 * Invariant: every frame goes over the wire as bytes. `tamper` may change what a carrier delivers;
 * a fault that a frame brings to light cuts its carrier, as it does in the processes.
 */
import { AgentCarrier } from '../../relay/switch/carrier.ts'
import type { FaultCode } from '../../shared/protocol/fault.ts'
import { Fault } from '../../shared/protocol/fault.ts'
import { decode, encode, type Frame } from '../../shared/protocol/frame.ts'
import type { Link } from '../../shared/protocol/link.ts'
import type { EndpointPort } from '../../shared/protocol/port.ts'
import { Board } from './board.ts'
import { onlyLink } from './lanes.ts'
import { Lone } from './lone.ts'
import { Recorder } from './recorder.ts'

const livenessMs = 10_000

/** Which way a frame goes on a carrier. */
export type Way = 'to relay' | 'to agent'

/** One message on a carrier: which agent's, which attach, which way, and the how-manieth it is. */
export interface Passing {
  readonly agent: string
  /** 1 for the agent's first carrier. */
  readonly attach: number
  readonly way: Way
  readonly index: number
}

/** Gives what is delivered in place of a message. */
export type Tamper = (passing: Passing, bytes: Uint8Array) => readonly Uint8Array[]

/** One byte of what an application writes: it follows from the side and the offset. */
export const byteOf = (side: number, offset: number): number =>
  (offset * 7 + side * 101 + (offset >>> 8)) & 0xff

/** An application that writes its bytes and ends, and checks all that it reads. */
export class Application extends Recorder<EndpointPort> {
  readonly #side: number
  readonly #total: number
  wrote = 0
  /** Bytes read that are not what the other application wrote there. */
  wrong = 0
  #read = 0
  #ended = false

  constructor(side: number, total: number) {
    super()
    this.#side = side
    this.#total = total
  }

  get read(): number {
    return this.#read
  }

  override deliver(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (byte !== byteOf(1 - this.#side, this.#read)) this.wrong += 1
      this.#read += 1
    }
    super.deliver(bytes)
  }

  /** Takes what came, writes what may be written, and ends when all is written. */
  act(): void {
    if (this.outcome !== undefined || this.end === undefined || this.log[0] !== 'opened') return
    this.takeAll()
    const count = Math.min(this.end.room(), this.#total - this.wrote)
    if (count > 0) {
      const from = this.wrote
      this.end.write(Uint8Array.from({ length: count }, (_, at) => byteOf(this.#side, from + at)))
      this.wrote += count
    }
    if (this.wrote < this.#total || this.#ended) return
    this.#ended = true
    this.end.finish()
  }
}

interface Carriage {
  readonly relay: AgentCarrier
  readonly counts: Record<Way, number>
}

/** One agent of the pair. */
export class PairAgent {
  readonly name: string
  readonly lone = new Lone(0)
  readonly link: Link
  carriage: Carriage | undefined
  attaches = 0
  /** No carrier is dialled while this holds. */
  offline = false

  constructor(name: string, epoch: string) {
    this.name = name
    this.link = onlyLink({
      name: 'relay',
      endpoint: this.lone.endpoint,
      epoch: epoch.repeat(16),
      services: ['mqtt', 'sql', 'http'],
      livenessMs,
      chance: () => 0.5,
      wake: () => {},
      ready: () => {},
      goaway: () => {},
    })
  }
}

export class Pair {
  readonly board = new Board()
  readonly crm = new PairAgent('crm-1', 'c')
  readonly plant = new PairAgent('plant-1', 'd')
  /** Why carriers were cut, in order. */
  readonly cuts: FaultCode[] = []
  readonly applications: Application[] = []
  now = 0
  readonly #tamper: Tamper
  readonly #total: number

  /** `total` bytes are written each way on every stream. */
  constructor(total = 20_000, tamper: Tamper = (_, bytes) => [bytes]) {
    this.#total = total
    this.#tamper = tamper
  }

  get agents(): readonly PairAgent[] {
    return [this.crm, this.plant]
  }

  /** Opens a stream of crm-1. */
  open(to = 'plant-1/mqtt'): Application {
    const application = new Application(0, this.#total)
    const options = { to, from: 'agent/crm-1', attributes: [], local: application }
    application.end = this.crm.lone.endpoint.open(options, this.now)
    this.applications.push(application)
    return application
  }

  /** Both sides of the agent's carrier learn that it is gone. */
  cut(agent: PairAgent, code: FaultCode = 'carrier_lost'): void {
    const { carriage } = agent
    if (carriage === undefined) return
    agent.carriage = undefined
    this.cuts.push(code)
    carriage.relay.lost(this.now)
    agent.link.carrierLost(this.now)
  }

  /** Everything is said and heard, and applications act, until nothing moves; or so many turns. */
  settle(turnsMax = 100_000): void {
    for (let turn = 0; turn < turnsMax; turn += 1) {
      let moved = false
      for (const agent of this.agents) {
        this.#dial(agent)
        if (this.#exchange(agent)) moved = true
      }
      this.#connectTargets()
      for (const application of this.applications) application.act()
      if (!moved) return
    }
    if (turnsMax === 100_000) throw new Error('the pair does not come to rest')
  }

  /** Lets time pass, from deadline to deadline. */
  advance(byMs: number): void {
    const until = this.now + byMs
    this.settle()
    for (let steps = 0; steps < 100_000; steps += 1) {
      const next = this.#deadline()
      if (next > until) break
      this.now = Math.max(this.now, next)
      this.#tick()
      this.settle()
    }
    this.now = until
    this.#tick()
    this.settle()
  }

  /** All streams are over at both ends, and nothing is left of them. */
  get quiet(): boolean {
    const { board } = this
    const ends = this.agents.some(({ lone }) => lone.endpoint.ends.size > 0 || lone.budget.used > 0)
    return !ends && board.switch.routes.size === 0 && board.budget.used === 0
  }

  #dial(agent: PairAgent): void {
    const { link } = agent
    if (agent.offline || link.dialAt() > this.now) return
    link.dialling()
    link.carrierUp(this.now)
    agent.attaches += 1
    const relay = new AgentCarrier({
      switch: this.board.switch,
      identity: `agent/${agent.name}`,
      livenessMs,
      now: this.now,
      wake: () => {},
      end: (code) => this.cut(agent, code),
    })
    agent.carriage = { relay, counts: { 'to relay': 0, 'to agent': 0 } }
  }

  /** One frame each way, if there is one. */
  #exchange(agent: PairAgent): boolean {
    const { carriage, link } = agent
    if (carriage === undefined) return false
    const up = this.#pass(agent, carriage, 'to relay', link, carriage.relay)
    if (agent.carriage !== carriage) return true
    return this.#pass(agent, carriage, 'to agent', carriage.relay, link) || up
  }

  #pass(
    agent: PairAgent,
    carriage: Carriage,
    way: Way,
    from: Speaker,
    to: Pick<Speaker, 'receive'>,
  ): boolean {
    const frame = from.pull(this.now)
    if (frame === undefined) return false
    const bytes = encode(frame)
    from.sent(bytes.length)
    const index = carriage.counts[way]
    carriage.counts[way] += 1
    const passing = { agent: agent.name, attach: agent.attaches, way, index }
    for (const message of this.#tamper(passing, bytes)) {
      if (agent.carriage !== carriage) break
      try {
        to.receive(decode(message.slice()), bytes.length, this.now)
      } catch (fault) {
        if (!(fault instanceof Fault)) throw fault
        this.cut(agent, fault.code)
      }
    }
    return true
  }

  #connectTargets(): void {
    for (const agent of this.agents) {
      for (const end of agent.lone.dials.splice(0)) {
        const application = new Application(1, this.#total)
        application.end = end
        this.applications.push(application)
        end.connected(application)
      }
    }
  }

  #deadline(): number {
    const { board } = this
    let next = board.switch.deadline()
    for (const { lone, link, carriage, offline } of this.agents) {
      next = Math.min(next, lone.endpoint.deadline(), link.deadline())
      next = Math.min(next, carriage?.relay.deadline() ?? Number.POSITIVE_INFINITY)
      if (!offline) next = Math.min(next, link.dialAt())
    }
    return next
  }

  #tick(): void {
    this.board.now = this.now
    this.board.switch.tick(this.now)
    for (const agent of this.agents) {
      agent.lone.endpoint.tick(this.now)
      const { carriage } = agent
      const verdict = agent.link.verdict(this.now) ?? carriage?.relay.verdict(this.now)
      if (verdict !== undefined) this.cut(agent, verdict.code)
    }
  }
}

interface Speaker {
  pull(now: number): Frame | undefined
  sent(bytes: number): void
  receive(frame: Frame, bytes: number, now: number): void
}
