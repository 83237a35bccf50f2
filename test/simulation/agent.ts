/**
 * An agent of a world: the product's own endpoint, with links to every relay.
 *
 * Invariant: a restart leaves nothing: the new life has a new epoch and a new endpoint, and the
 * sockets of the old one have died.
 */
import { AgentCarrier } from '../../relay/switch/carrier.ts'
import { Budget } from '../../shared/protocol/budget.ts'
import type { Endpoint } from '../../shared/protocol/endpoint.ts'
import { Lanes } from '../../shared/protocol/lanes.ts'
import type { Link } from '../../shared/protocol/link.ts'
import type { EndpointPort } from '../../shared/protocol/port.ts'
import { greetLate, loseWelcome } from './greetings.ts'
import { Carrier, type Party } from './network.ts'
import { guaranteedBytes, type Relay } from './relay.ts'
import { services } from './services.ts'
import type { World } from './world.ts'

interface Life {
  readonly epoch: string
  readonly endpoint: Endpoint
  readonly budget: Budget
  /** Every link to every relay, with the relay that it leads to. */
  readonly links: Map<Link, Relay>
  readonly carriers: Map<Link, Carrier>
}

export class Agent {
  readonly name: string
  readonly #world: World
  #life: Life
  #armedFor = Number.POSITIVE_INFINITY

  constructor(world: World, name: string) {
    this.#world = world
    this.name = name
    this.#life = this.#begin()
    this.wake()
  }

  get identity(): string {
    return `agent/${this.name}`
  }

  /** The name of its present life. */
  get epoch(): string {
    return this.#life.epoch
  }

  get endpoint(): Endpoint {
    return this.#life.endpoint
  }

  get budget(): Budget {
    return this.#life.budget
  }

  get links(): readonly Link[] {
    return [...this.#life.links.keys()]
  }

  /** The links to this relay, by their lanes. */
  linksTo(relay: Relay): readonly Link[] {
    return this.links.filter((link) => this.#life.links.get(link) === relay)
  }

  /** The link behind a port of its endpoint. */
  linkOf(port: EndpointPort): Link | undefined {
    return this.links.find((link) => link.port === port)
  }

  /** The process dies and a new life begins; `untold`: no relay learns of it by a closed socket. */
  restart(untold: boolean): void {
    const { carriers, endpoint } = this.#life
    this.#loseGreetings()
    for (const carrier of carriers.values()) {
      if (untold) carrier.untold = true
      carrier.agent.end()
    }
    this.#world.died(endpoint)
    this.#armedFor = Number.POSITIVE_INFINITY
    this.#life = this.#begin()
    this.wake()
  }

  /** How long the best of its links to a relay has been good. */
  steadyMs(relay: Relay): number {
    return Math.max(...this.linksTo(relay).map((link) => this.linkSteadyMs(link)))
  }

  /** How long all of its links to a relay have been good. */
  allSteadyMs(relay: Relay): number {
    return Math.min(...this.linksTo(relay).map((link) => this.linkSteadyMs(link)))
  }

  /** How long this link has been good. */
  linkSteadyMs(link: Link | undefined): number {
    return link === undefined ? 0 : (this.#life.carriers.get(link)?.steadyMs ?? 0)
  }

  wake = (): void => {
    this.#world.dirty.add(this.pump)
  }

  pump = (): void => {
    const { clock } = this.#world
    for (const [link, relay] of this.#life.links) {
      if (link.dialAt() <= clock.now) this.#dial(link, relay)
      this.#life.carriers.get(link)?.agent.wake()
    }
    this.#arm()
  }

  /**
   * The first HELLO of a life that is dead already would be taken for that of a newer one:
   * nothing in it could tell. So it dies with its process, as most do.
   */
  #loseGreetings(): void {
    for (const { agent, from, to } of this.#world.carriers) {
      const isKnown = to.switch.linksOf(this.identity)[0]?.epoch === this.epoch
      if (from === this && !isKnown) agent.loseAll()
    }
  }

  #begin(): Life {
    const { chance, clock, options, relays } = this.#world
    const budget = new Budget(options.agentBudgetBytes, guaranteedBytes)
    const endpoint = this.#world.makeEndpoint(this.identity, budget, this.wake)
    const epoch = chance.hex(8)
    const carriers = new Map<Link, Carrier>()
    const links = new Map<Link, Relay>()
    const { livenessMs, lanes } = options
    for (const relay of relays) {
      const shared = { name: relay.name, endpoint, epoch, services, livenessMs }
      const made: Lanes = new Lanes(lanes, { ...shared, chance: () => chance.next() }, (lane) => ({
        wake: this.wake,
        ready: () => {
          const carrier = carriers.get(made.links[lane] as Link)
          if (carrier !== undefined) carrier.steadySince = clock.now
        },
        goaway: () => this.#world.report.count('goaway'),
      }))
      for (const link of made.links) links.set(link, relay)
    }
    return { epoch, endpoint, budget, links, carriers }
  }

  #dial(link: Link, relay: Relay): void {
    const { clock, chance, options } = this.#world
    const life = this.#life
    link.dialling()
    clock.after(chance.between(options.delayMsMin, 2 * options.delayMsMax), () => {
      if (life !== this.#life) return
      if (!relay.up || this.#world.isPartitioned(this, relay, link.lane)) {
        link.dialFailed(clock.now)
        return
      }
      link.carrierUp(clock.now)
      const carrier = new Carrier(this.#world, this, relay, (made) => [
        this.#ownParty(link, made),
        relayParty(this.#world, this.identity, made),
      ])
      carrier.lane = link.lane
      life.carriers.set(link, carrier)
      this.#world.carriers.add(carrier)
      greetLate(this.#world, carrier)
      carrier.agent.wake()
      carrier.relay.wake()
    })
  }

  #ownParty(link: Link, carrier: Carrier): Party {
    const { clock, witness, tracer } = this.#world
    const life = this.#life
    return {
      speaker: link,
      hearsLate: false,
      onLost: () => {
        witness.down(link.port)
        if (life.carriers.get(link) !== carrier) return
        life.carriers.delete(link)
        link.carrierLost(clock.now)
      },
      said: (frames) => {
        witness.said(link.port, frames)
        tracer?.frames(`${this.name} > ${carrier.to.name}`, link.port.session, frames)
      },
      heard: (frame) => {
        witness.heard(link.port, frame)
        tracer?.frames(`${this.name} < ${carrier.to.name}`, link.port.session, [frame])
      },
    }
  }

  #arm(): void {
    const { clock } = this.#world
    const life = this.#life
    const dials = [...life.links.keys()].map((link) => link.dialAt())
    const deadline = Math.max(clock.now, Math.min(life.endpoint.deadline(), ...dials))
    if (deadline >= this.#armedFor) return
    this.#armedFor = deadline
    clock.at(deadline, () => {
      if (life !== this.#life) return
      this.#armedFor = Number.POSITIVE_INFINITY
      life.endpoint.tick(clock.now)
      this.wake()
    })
  }
}

/** The relay's side of a carrier of this proved identity. */
export function relayParty(world: World, identity: string, carrier: Carrier): Party {
  const { clock, options, witness } = world
  const theSwitch = carrier.to.switch
  const speaker: AgentCarrier = new AgentCarrier({
    switch: theSwitch,
    identity,
    livenessMs: options.livenessMs,
    now: clock.now,
    wake: () => carrier.relay.wake(),
    end: () => {
      carrier.relay.pump()
      carrier.relay.end()
    },
  })
  return {
    speaker,
    hearsLate: true,
    onLost: () => {
      speaker.lost(clock.now)
      world.dirty.add(carrier.to.pump)
    },
    said: (frames) => {
      witness.saidBySwitch(speaker.link?.session, frames)
      if (frames[0]?.kind === 'welcome') loseWelcome(world, carrier)
      if (options.hostile) world.capturedRelay.said(carrier, frames)
    },
    heard: () => {
      theSwitch.listenTo(speaker)
      // The relay's timers follow whatever the frame changes.
      world.dirty.add(carrier.to.pump)
    },
  }
}
