/**
 * The simulated network: carriers that deliver in order, stall, say a frame twice, and die in the
 * ways real ones die.
 *
 * Invariant: like TCP, a channel loses nothing while it lives, but in a world that is lossy on
 * purpose; when it dies, what is on the way is lost or comes late, and each side learns of it on
 * its own, late, or never.
 */
import { decode, encode, type Frame } from '../../shared/protocol/frame.ts'
import type { Agent } from './agent.ts'
import type { Relay } from './relay.ts'
import type { World } from './world.ts'

/** What speaks on one side of a carrier: the agent's link, or the relay's side of it. */
export interface Speaker {
  receive(frame: Frame, bytes: number, now: number): void
  pull(now: number): Frame | undefined
  sent(bytes: number): void
  verdict(now: number): Error | undefined
  deadline(): number
}

/** Who is on one side of a carrier. */
export interface Party {
  readonly speaker: Speaker
  readonly onLost: () => void
  /** Frames that its process has read already are still handled when the socket is gone. */
  readonly hearsLate: boolean
  /** Frames that one pump pulled, for whoever watches. */
  readonly said: (frames: readonly Frame[]) => void
  /** A frame is about to be handled. */
  readonly heard: (frame: Frame) => void
}

/** The frames that a lossy hop may lose: those that an end which is attached will ask for again. */
const losable: ReadonlySet<Frame['kind']> = new Set([
  'accept',
  'data',
  'credit',
  'fin',
  'close',
  'resume',
])

/** One side of a simulated carrier. */
export class Side {
  readonly #world: World
  readonly #carrier: Carrier
  readonly #party: Party
  /** This side still believes in the carrier. */
  alive = true
  far: Side | undefined
  /** Nothing that this side says gets through, and nobody is told. */
  black = false
  /** Frames to the far side, with the time at which they arrive. */
  readonly #underWay: {
    readonly at: number
    readonly bytes: Uint8Array
    readonly last: boolean
  }[] = []
  #underWayBytes = 0
  #lastArrival = 0
  #armedFor = Number.POSITIVE_INFINITY

  constructor(world: World, carrier: Carrier, party: Party) {
    this.#world = world
    this.#carrier = carrier
    this.#party = party
  }

  /** Says whatever is to be said, as far as the socket takes it, and minds the deadline. */
  pump = (): void => {
    const { clock, options } = this.#world
    const frames: Frame[] = []
    while (this.alive && this.#underWayBytes < options.socketBytes) {
      const frame = this.#party.speaker.pull(clock.now)
      if (frame === undefined) break
      frames.push(frame)
      const bytes = encode(frame)
      this.#party.speaker.sent(bytes.length)
      this.#transmit(frame.kind, bytes)
    }
    if (frames.length > 0) this.#party.said(frames)
    this.#arm()
  }

  wake = (): void => {
    this.#world.dirty.add(this.pump)
  }

  /** This side gives the carrier up; the far side learns of it unless the path is black. */
  end(): void {
    if (!this.alive) return
    this.alive = false
    this.#party.onLost()
    const { far } = this
    if (far === undefined || this.black || this.#carrier.untold) return
    this.#world.clock.after(this.#carrier.delayMs, () => far.end())
  }

  /** Delivers what has arrived by now, in order; a stalled path holds it back as TCP does. */
  deliver = (): void => {
    while (!this.#carrier.stalled) {
      const first = this.#underWay[0]
      if (first === undefined || first.at > this.#world.clock.now) return
      this.#underWay.shift()
      this.#arrive(first.bytes, first.last)
    }
  }

  /** What is under way from here is lost. */
  loseAll(): void {
    this.#underWay.length = 0
    this.#underWayBytes = 0
  }

  /** Puts a frame on the way that nobody here has said just now. */
  inject(bytes: Uint8Array): void {
    const { clock } = this.#world
    this.#lastArrival = Math.max(clock.now + this.#carrier.delayMs, this.#lastArrival)
    this.#underWay.push({ at: this.#lastArrival, bytes, last: false })
    clock.at(this.#lastArrival, this.deliver)
  }

  #transmit(kind: Frame['kind'], bytes: Uint8Array): void {
    const { clock, chance, options, report } = this.#world
    // ACCEPT is rare, and its loss is a story of its own.
    const loss = kind === 'accept' ? 10 * options.loss : options.loss
    if (options.loss > 0 && losable.has(kind) && chance.happens(loss)) {
      report.count('lost without a cut')
      return
    }
    if (options.sayTwice > 0 && chance.happens(options.sayTwice)) {
      report.count('said twice')
      this.inject(bytes)
    }
    this.#underWayBytes += bytes.length
    this.#lastArrival = Math.max(clock.now + this.#carrier.delayMs, this.#lastArrival)
    this.#underWay.push({ at: this.#lastArrival, bytes, last: true })
    clock.at(this.#lastArrival, this.deliver)
  }

  #arrive(bytes: Uint8Array, last: boolean): void {
    if (last) this.#underWayBytes -= bytes.length
    const { far } = this
    if (far === undefined || this.black || !(far.alive || far.#party.hearsLate)) {
      this.#world.report.droppedFrames += 1
      return
    }
    if (!far.alive) this.#world.report.count('late frame')
    far.#hear(bytes, last ? bytes.length : 0)
    this.wake()
  }

  /** `counted` is 0 for what TCP delivered once and the world says twice. */
  #hear(bytes: Uint8Array, counted: number): void {
    const frame = decode(bytes.slice())
    this.#party.heard(frame)
    try {
      this.#party.speaker.receive(frame, counted, this.#world.clock.now)
    } catch (fault) {
      this.#world.carrierFault(fault)
      this.end()
    }
    this.wake()
  }

  #arm(): void {
    if (!this.alive) return
    const { clock } = this.#world
    // A PING that is due waits while the socket is full: look again soon, not at once.
    const deadline = Math.max(this.#party.speaker.deadline(), clock.now + 20)
    if (deadline >= this.#armedFor || deadline === Number.POSITIVE_INFINITY) return
    this.#armedFor = deadline
    clock.at(deadline, () => {
      this.#armedFor = Number.POSITIVE_INFINITY
      if (this.#party.speaker.verdict(clock.now) !== undefined) this.end()
      this.wake()
    })
  }
}

/** One simulated WebSocket between an agent and a relay. */
export class Carrier {
  readonly #world: World
  readonly from: Agent
  readonly to: Relay
  readonly agent: Side
  readonly relay: Side
  readonly delayMs: number
  /** Which of the links between the two it serves. */
  lane = 0
  /** A side that gives up does not tell the other. */
  untold = false
  /** Since when frames pass both ways and the session is up; infinite while they do not. */
  steadySince = Number.POSITIVE_INFINITY
  #stalledUntil = 0

  constructor(world: World, from: Agent, to: Relay, parties: (carrier: Carrier) => [Party, Party]) {
    this.#world = world
    this.from = from
    this.to = to
    this.delayMs = world.chance.between(world.options.delayMsMin, world.options.delayMsMax)
    const [agent, relay] = parties(this)
    this.agent = new Side(world, this, agent)
    this.relay = new Side(world, this, relay)
    this.agent.far = this.relay
    this.relay.far = this.agent
  }

  /** A side still believes in it. */
  get alive(): boolean {
    return this.agent.alive || this.relay.alive
  }

  /** How long it has carried frames both ways without a pause. */
  get steadyMs(): number {
    const { agent, relay } = this
    const carries = agent.alive && relay.alive && !agent.black && !relay.black && !this.stalled
    return carries ? Math.max(0, this.#world.clock.now - this.steadySince) : 0
  }

  /** Nothing gets through for a while; then all of it comes, in order. */
  get stalled(): boolean {
    return this.#world.clock.now < this.#stalledUntil
  }

  stall(forMs: number): void {
    const { clock } = this.#world
    this.#stalledUntil = Math.max(this.#stalledUntil, clock.now + forMs)
    clock.at(this.#stalledUntil, () => {
      if (this.stalled) return
      if (this.steadySince !== Number.POSITIVE_INFINITY) this.steadySince = clock.now
      this.agent.deliver()
      this.relay.deliver()
    })
  }

  /** Both sides learn that it is over, the one from the other at the latest. */
  cut(): void {
    this.agent.end()
    this.relay.end()
  }
}
