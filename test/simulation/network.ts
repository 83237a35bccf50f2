/**
 * The simulated network: carriers that deliver in order, stall, say a frame twice, and die in the ways
 * real ones die.
 *
 * Invariant: like TCP, a channel loses nothing while it lives; when it dies, what is on the way is
 * lost, and each side learns of it on its own, late, or never.
 */
import { decode, encode, type Frame } from '../../shared/protocol/frame.ts'
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
  readonly owner: object
  readonly speaker: Speaker
  readonly onLost: () => void
  /** Frames that its process has read already are still handled when the socket is gone. */
  readonly hearsLate: boolean
}

/** How much a socket takes before it is full. */
const socketBytes = 24_000

/** One side of a simulated carrier. */
export class Side {
  readonly #world: World
  readonly #carrier: Carrier
  readonly #speaker: Speaker
  readonly #onLost: () => void
  readonly #hearsLate: boolean
  /** The actor that speaks here. */
  readonly owner: object
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
    this.#speaker = party.speaker
    this.#onLost = party.onLost
    this.owner = party.owner
    this.#hearsLate = party.hearsLate
  }

  /** Says whatever is to be said, as far as the socket takes it, and minds the deadline. */
  pump = (): void => {
    const { clock } = this.#world
    while (this.alive && this.#underWayBytes < socketBytes) {
      const frame = this.#speaker.pull(clock.now)
      if (frame === undefined) break
      const bytes = encode(frame)
      this.#speaker.sent(bytes.length)
      this.#transmit(bytes)
    }
    this.#arm()
  }

  wake = (): void => {
    this.#world.dirty.add(this.pump)
  }

  /** This side gives the carrier up; the far side learns of it unless the path is black. */
  end(): void {
    if (!this.alive) return
    this.alive = false
    this.#onLost()
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

  #transmit(bytes: Uint8Array): void {
    const { clock, chance, options, report } = this.#world
    this.#underWayBytes += bytes.length
    this.#lastArrival = Math.max(clock.now + this.#carrier.delayMs, this.#lastArrival)
    const twice = chance.happens(options.sayTwice)
    if (twice) {
      report.count('said twice')
      this.#underWay.push({ at: this.#lastArrival, bytes, last: false })
    }
    this.#underWay.push({ at: this.#lastArrival, bytes, last: true })
    clock.at(this.#lastArrival, this.deliver)
  }

  #arrive(bytes: Uint8Array, last: boolean): void {
    if (last) this.#underWayBytes -= bytes.length
    const { far } = this
    if (far === undefined || this.black || !(far.alive || far.#hearsLate)) {
      this.#world.report.droppedFrames += 1
      return
    }
    far.#hear(bytes, last ? bytes.length : 0)
    this.wake()
  }

  /** `counted` is 0 for what TCP delivered once and the world says twice. */
  #hear(bytes: Uint8Array, counted: number): void {
    // What a process has already read may be handled after the socket is gone.
    try {
      this.#speaker.receive(decode(bytes.slice()), counted, this.#world.clock.now)
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
    const deadline = Math.max(this.#speaker.deadline(), clock.now + 20)
    if (deadline >= this.#armedFor || deadline === Number.POSITIVE_INFINITY) return
    this.#armedFor = deadline
    clock.at(deadline, () => {
      this.#armedFor = Number.POSITIVE_INFINITY
      if (this.#speaker.verdict(clock.now) !== undefined) this.end()
      this.wake()
    })
  }
}

/** One simulated WebSocket. */
export class Carrier {
  readonly agent: Side
  readonly relay: Side
  readonly delayMs: number
  /** A side that gives up does not tell the other. */
  untold = false
  #stalled = false

  constructor(world: World, agent: Party, makeRelay: () => Party) {
    this.delayMs = world.chance.between(world.options.delayMsMin, world.options.delayMsMax)
    this.agent = new Side(world, this, agent)
    this.relay = new Side(world, this, makeRelay())
    this.agent.far = this.relay
    this.relay.far = this.agent
  }

  get alive(): boolean {
    return this.agent.alive || this.relay.alive
  }

  /** Nothing gets through for a while; then all of it comes, in order. */
  get stalled(): boolean {
    return this.#stalled
  }

  stall(forMs: number, world: World): void {
    this.#stalled = true
    world.clock.after(forMs, () => {
      this.#stalled = false
      this.agent.deliver()
      this.relay.deliver()
    })
  }
}
