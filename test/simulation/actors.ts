/**
 * The actors of a world: agents and relays, made of the product's own core and nothing else.
 *
 * Invariant: a restart leaves nothing: the new life has a new epoch, a new endpoint or switch, and the
 * sockets of the old one have died.
 */
import { Admission } from '../../relay/admission.ts'
import { AgentCarrier } from '../../relay/switch/carrier.ts'
import type { SwitchPort } from '../../relay/switch/port.ts'
import { Switch } from '../../relay/switch/switch.ts'
import { Budget } from '../../shared/protocol/budget.ts'
import type { Endpoint } from '../../shared/protocol/endpoint.ts'
import { isStreamFrame } from '../../shared/protocol/frame.ts'
import { Link } from '../../shared/protocol/link.ts'
import type { EndpointPort } from '../../shared/protocol/port.ts'
import { Carrier } from './network.ts'
import type { World } from './world.ts'

/** The services that every agent of a world exposes; `deaf` refuses, `slow` takes its time. */
export const services = ['echo', 'slow', 'deaf'] as const

/** A relay: a switch with the endpoint of its ingress beside it. */
export class Relay {
  readonly name: string
  readonly #world: World
  switch: Switch
  endpoint: Endpoint
  budget: Budget
  admission: Admission
  up = true
  #local: { readonly port: SwitchPort; readonly end: EndpointPort }
  #armedFor = Number.POSITIVE_INFINITY

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
    const life = this.#live()
    this.switch = life.switch
    this.endpoint = life.endpoint
    this.budget = life.budget
    this.admission = life.admission
    this.#local = life.local
  }

  /** Dies and begins anew, at once or when `start` is called. */
  kill(): void {
    this.up = false
    for (const carrier of this.#world.carriers) {
      if (carrier.relay.owner === this && carrier.alive) this.#world.cut(carrier)
    }
    this.#world.dropSockets(this.endpoint)
  }

  start(): void {
    const life = this.#live()
    this.switch = life.switch
    this.endpoint = life.endpoint
    this.budget = life.budget
    this.admission = life.admission
    this.#local = life.local
    this.#armedFor = Number.POSITIVE_INFINITY
    this.up = true
  }

  #live() {
    const { chance, clock, options } = this.#world
    const budget = new Budget(options.relayBudgetBytes, 4_096)
    const admission = new Admission(this.#world.policy)
    const wake = () => this.#world.dirty.add(this.pump)
    const life = new Switch({
      limits: {
        streamsMax: 100,
        windowBytes: options.relayWindowBytes,
        resumeWindowMs: options.resumeWindowMs,
        livenessMs: options.livenessMs,
        parkMs: 3_000,
      },
      budget,
      life: chance.hex(8),
      mintSession: () => chance.hex(8),
      admission,
      notice: (notice) => {
        if (notice.kind === 'displaced') this.#world.report.count('displaced')
      },
    })
    const endpoint = this.#world.makeEndpoint('relay', budget)
    const port = life.addLocalPort(wake)
    const end = endpoint.addPort('switch', wake)
    const session = chance.hex(8)
    const { resumeWindowMs } = options
    endpoint.portUp(
      end,
      { session, life: session, resumed: false, routes: 0, resumeWindowMs },
      clock.now,
    )
    return { switch: life, endpoint, budget, admission, local: { port, end } }
  }

  /** The local port is drained both ways until it is quiet, then the timers are set. */
  pump = (): void => {
    if (!this.up) return
    const { clock } = this.#world
    const { port, end } = this.#local
    for (;;) {
      const out = this.endpoint.pull(end, true)
      if (out !== undefined && isStreamFrame(out)) this.switch.receive(port, out, clock.now)
      const back = port.pull(true)
      if (back !== undefined && isStreamFrame(back)) this.endpoint.receive(end, back, clock.now)
      if (out === undefined && back === undefined) break
    }
    this.#arm()
  }

  #arm(): void {
    const { clock } = this.#world
    const deadline = Math.max(clock.now, Math.min(this.switch.deadline(), this.endpoint.deadline()))
    if (deadline >= this.#armedFor) return
    this.#armedFor = deadline
    const life = this.switch
    clock.at(deadline, () => {
      if (life !== this.switch || !this.up) return
      this.#armedFor = Number.POSITIVE_INFINITY
      this.switch.tick(clock.now)
      this.endpoint.tick(clock.now)
      this.#world.dirty.add(this.pump)
    })
  }
}

/** An agent: an endpoint with a link to every relay. */
export class Agent {
  readonly name: string
  readonly #world: World
  endpoint: Endpoint
  budget: Budget
  links: readonly Link[] = []
  carriers: (Carrier | undefined)[] = []
  restarts = 0
  #life = 0
  #armedFor = Number.POSITIVE_INFINITY

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
    this.budget = new Budget(1_000_000, 4_096)
    this.endpoint = world.makeEndpoint(`agent/${name}`, this.budget)
    this.#live()
  }

  /** The process dies and a new life begins at once. */
  restart(): void {
    this.restarts += 1
    for (const carrier of this.carriers) if (carrier?.alive === true) this.#world.cut(carrier)
    this.#world.dropSockets(this.endpoint)
    this.budget = new Budget(1_000_000, 4_096)
    this.endpoint = this.#world.makeEndpoint(`agent/${this.name}`, this.budget)
    this.#live()
  }

  #live(): void {
    const { chance, options, relays } = this.#world
    this.#life += 1
    this.#armedFor = Number.POSITIVE_INFINITY
    const epoch = chance.hex(8)
    this.carriers = relays.map(() => undefined)
    this.links = relays.map(
      (relay) =>
        new Link({
          name: relay.name,
          endpoint: this.endpoint,
          epoch,
          services,
          livenessMs: options.livenessMs,
          chance: () => chance.next(),
          wake: this.wake,
          ready: () => {},
          goaway: () => {},
        }),
    )
    this.wake()
  }

  wake = (): void => {
    this.#world.dirty.add(this.pump)
  }

  pump = (): void => {
    const { clock, relays } = this.#world
    for (const [index, link] of this.links.entries()) {
      if (link.dialAt() <= clock.now) this.#dial(link, index, relays[index] as Relay)
      this.carriers[index]?.agent.wake()
    }
    this.#arm()
  }

  #dial(link: Link, index: number, relay: Relay): void {
    const { clock, chance, options } = this.#world
    const life = this.#life
    link.dialling()
    clock.after(chance.between(options.delayMsMin, 2 * options.delayMsMax), () => {
      if (life !== this.#life) return
      if (!relay.up || this.#world.isPartitioned(this, relay)) {
        link.dialFailed(clock.now)
        return
      }
      link.carrierUp(clock.now)
      this.carriers[index] = this.#connect(link, index, relay)
    })
  }

  #connect(link: Link, index: number, relay: Relay): Carrier {
    const { clock, options } = this.#world
    const carrier: Carrier = new Carrier(
      this.#world,
      {
        owner: this,
        hearsLate: false,
        speaker: link,
        onLost: () => {
          if (this.carriers[index] !== carrier) return
          this.carriers[index] = undefined
          link.carrierLost(clock.now)
        },
      },
      () => {
        const speaker = new AgentCarrier({
          switch: relay.switch,
          identity: `agent/${this.name}`,
          livenessMs: options.livenessMs,
          now: clock.now,
          wake: () => carrier.relay.wake(),
          end: () => {
            carrier.relay.pump()
            carrier.relay.end()
          },
        })
        return { owner: relay, speaker, hearsLate: true, onLost: () => speaker.lost(clock.now) }
      },
    )
    this.#world.carriers.add(carrier)
    carrier.agent.wake()
    carrier.relay.wake()
    return carrier
  }

  #arm(): void {
    const { clock } = this.#world
    const dials = this.links.map((link) => link.dialAt())
    const deadline = Math.max(clock.now, Math.min(this.endpoint.deadline(), ...dials))
    if (deadline >= this.#armedFor) return
    this.#armedFor = deadline
    const life = this.#life
    clock.at(deadline, () => {
      if (life !== this.#life) return
      this.#armedFor = Number.POSITIVE_INFINITY
      this.endpoint.tick(clock.now)
      this.wake()
    })
  }
}
