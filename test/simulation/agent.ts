/**
 * An agent of a world: the product's own endpoint, with a link to every relay.
 *
 * Invariant: a restart leaves nothing: the new life has a new epoch and a new endpoint, and the
 * sockets of the old one have died.
 */
import { AgentCarrier } from '../../relay/switch/carrier.ts'
import { Budget } from '../../shared/protocol/budget.ts'
import type { Endpoint } from '../../shared/protocol/endpoint.ts'
import { Link } from '../../shared/protocol/link.ts'
import { greetLate, loseWelcome } from './greetings.ts'
import { Carrier, type Party } from './network.ts'
import { guaranteedBytes, type Relay } from './relay.ts'
import { services } from './services.ts'
import type { World } from './world.ts'

interface Life {
  readonly epoch: string
  readonly endpoint: Endpoint
  readonly budget: Budget
  /** A link to each relay of the world, in its order. */
  readonly links: readonly Link[]
  readonly carriers: (Carrier | undefined)[]
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
    return this.#life.links
  }

  /** The process dies and a new life begins; `untold`: no relay learns of it by a closed socket. */
  restart(untold: boolean): void {
    const { carriers, endpoint } = this.#life
    this.#loseGreetings()
    for (const carrier of carriers) {
      if (carrier === undefined) continue
      if (untold) carrier.untold = true
      carrier.agent.end()
    }
    this.#world.died(endpoint)
    this.#armedFor = Number.POSITIVE_INFINITY
    this.#life = this.#begin()
    this.wake()
  }

  /** How long this agent's link to a relay has been good. */
  steadyMs(relay: Relay): number {
    return this.#life.carriers[this.#world.relays.indexOf(relay)]?.steadyMs ?? 0
  }

  wake = (): void => {
    this.#world.dirty.add(this.pump)
  }

  pump = (): void => {
    const { clock, relays } = this.#world
    for (const [index, link] of this.links.entries()) {
      if (link.dialAt() <= clock.now) this.#dial(link, index, relays[index] as Relay)
      this.#life.carriers[index]?.agent.wake()
    }
    this.#arm()
  }

  /**
   * The first HELLO of a life that is dead already would be taken for that of a newer one:
   * nothing in it could tell. So it dies with its process, as most do.
   */
  #loseGreetings(): void {
    for (const { agent, from, to } of this.#world.carriers) {
      const isKnown = to.switch.links.get(this.identity)?.epoch === this.epoch
      if (from === this && !isKnown) agent.loseAll()
    }
  }

  #begin(): Life {
    const { chance, clock, options, relays } = this.#world
    const budget = new Budget(options.agentBudgetBytes, guaranteedBytes)
    const endpoint = this.#world.makeEndpoint(this.identity, budget, this.wake)
    const epoch = chance.hex(8)
    const carriers: (Carrier | undefined)[] = relays.map(() => undefined)
    const links = relays.map(
      ({ name }, index) =>
        new Link({
          name,
          endpoint,
          epoch,
          services,
          livenessMs: options.livenessMs,
          chance: () => chance.next(),
          wake: this.wake,
          ready: () => {
            const carrier = carriers[index]
            if (carrier !== undefined) carrier.steadySince = clock.now
          },
          goaway: () => this.#world.report.count('goaway'),
        }),
    )
    return { epoch, endpoint, budget, links, carriers }
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
      const carrier = new Carrier(this.#world, this, relay, (made) => [
        this.#ownParty(link, index, made),
        relayParty(this.#world, this.identity, made),
      ])
      life.carriers[index] = carrier
      this.#world.carriers.add(carrier)
      greetLate(this.#world, carrier)
      carrier.agent.wake()
      carrier.relay.wake()
    })
  }

  #ownParty(link: Link, index: number, carrier: Carrier): Party {
    const { clock, witness, tracer } = this.#world
    const life = this.#life
    return {
      speaker: link,
      hearsLate: false,
      onLost: () => {
        witness.down(link.port)
        if (life.carriers[index] !== carrier) return
        life.carriers[index] = undefined
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
    const dials = life.links.map((link) => link.dialAt())
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
