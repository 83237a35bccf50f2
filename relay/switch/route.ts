/**
 * A route: the two legs of one stream through the switch.
 *
 * Invariant: what a leg has to say is a flag, made into a frame when it is pulled, one of each at
 * most; the word of the switch (RESYNC, HOLD) comes before what the far end says.
 */
import type { Budget } from '../../shared/protocol/budget.ts'
import type { FaultCode } from '../../shared/protocol/fault.ts'
import type { Frame, FrameOf } from '../../shared/protocol/frame.ts'
import type { Admitted } from '../admission.ts'
import { Direction } from './direction.ts'
import type { SwitchPort } from './port.ts'

/** What the legs of a route that ends hear as its last word. */
export type LastWord = 'reset' | 'refuse' | 'void'

/** What becomes of streams, as the relay is told for its log and its status. */
export type RoutingNotice =
  | { readonly kind: 'routed'; readonly route: Route }
  | {
      readonly kind: 'refused'
      readonly open: FrameOf<'open'>
      readonly code: FaultCode
      readonly reason: string
    }
  | { readonly kind: 'ended'; readonly route: Route; readonly code: FaultCode }

/** One side of a route: an id on a port. */
export class Leg {
  readonly route: Route
  readonly port: SwitchPort
  readonly id: number
  /** Bytes from this leg. */
  readonly incoming: Direction
  /** Bytes to this leg. */
  readonly outgoing: Direction
  /** What is to be said here. */
  readonly say: {
    word: 'resync' | 'hold' | undefined
    open: FrameOf<'open'> | undefined
    acceptedBy: string | undefined
    resume: boolean
    credit: boolean
    close: number | undefined
  } = {
    word: undefined,
    open: undefined,
    acceptedBy: undefined,
    resume: false,
    credit: false,
    close: undefined,
  }
  /**
   * False until its first OPEN was said: whoever is behind this leg knows nothing of the id yet.
   */
  named = true
  /** What the last CLOSE that came from this leg said as consumed. */
  closeSeen: number | undefined

  constructor(
    route: Route,
    port: SwitchPort,
    id: number,
    incoming: Direction,
    outgoing: Direction,
  ) {
    this.route = route
    this.port = port
    this.id = id
    this.incoming = incoming
    this.outgoing = outgoing
    port.legs.set(id, this)
  }

  get far(): Leg | undefined {
    return this.route.opener === this ? this.route.acceptor : this.route.opener
  }

  /** There is control to say. */
  speak(): void {
    if (this.port.up) this.port.voice.hasControl(this)
  }

  /** There are bytes to send. */
  offer(): void {
    if (this.port.up && this.outgoing.hasNext()) this.port.voice.hasData(this)
  }

  pullControl(): Frame | undefined {
    const { id, say } = this
    if (say.word !== undefined) {
      const kind = say.word
      say.word = undefined
      return { kind, id }
    }
    if (say.open !== undefined) {
      const open = say.open
      say.open = undefined
      this.named = true
      // Whoever opened it may have gone since: its target may be dialled, and is told to wait.
      if (this.far?.port.up !== true) say.word = 'hold'
      return { ...open, id, ...this.incoming.numbers() }
    }
    if (say.acceptedBy !== undefined) {
      const by = say.acceptedBy
      say.acceptedBy = undefined
      say.resume = false
      say.credit = false
      return { kind: 'accept', id, ...this.incoming.numbers(), by }
    }
    if (say.resume) {
      say.resume = false
      say.credit = false
      return { kind: 'resume', id, ...this.incoming.numbers() }
    }
    if (say.credit) {
      say.credit = false
      const { consumed, limit } = this.incoming.numbers()
      return { kind: 'credit', id, consumed, limit }
    }
    if (say.close === undefined) return undefined
    const consumed = say.close
    say.close = undefined
    return { kind: 'close', id, consumed }
  }

  pullData(): Frame | undefined {
    const next = this.outgoing.next()
    const { far } = this
    if (far !== undefined && this.outgoing.creditDue()) {
      far.say.credit = true
      far.speak()
    }
    this.route.payDebts()
    if (next === undefined) return undefined
    if ('bytes' in next) {
      return { kind: 'data', id: this.id, offset: next.offset, bytes: next.bytes }
    }
    return { kind: 'fin', id: this.id, ...next }
  }

  /** The port is down: nothing waits for it, and what it will need it will be told anew. */
  hush(): void {
    const { say } = this
    say.word = undefined
    // An OPEN that is said again would be old news by then, and the opener will be asked anew.
    if (this.named) say.open = undefined
    say.acceptedBy = undefined
    say.resume = false
    say.credit = false
    say.close = undefined
    this.outgoing.clear()
  }
}

export class Route {
  readonly key: string
  readonly admitted: Admitted
  readonly opener: Leg
  readonly #toAcceptor: Direction
  readonly #toOpener: Direction
  /** Absent while the OPEN is parked. */
  acceptor: Leg | undefined
  /** The OPEN as it goes on to the acceptor: `from` is who the opener is proved to be. */
  open: FrameOf<'open'>
  /** When a parked OPEN is given up. */
  parkedUntil = Number.POSITIVE_INFINITY

  constructor(options: {
    readonly admitted: Admitted
    readonly open: FrameOf<'open'>
    readonly port: SwitchPort
    readonly windowBytes: number
    readonly budget: Budget
  }) {
    this.key = options.open.key
    this.admitted = options.admitted
    this.open = options.open
    this.#toAcceptor = new Direction(options.windowBytes, options.budget)
    this.#toOpener = new Direction(options.windowBytes, options.budget)
    this.opener = new Leg(this, options.port, options.open.id, this.#toAcceptor, this.#toOpener)
    this.#toOpener.adopt(options.open)
  }

  get legs(): readonly Leg[] {
    return this.acceptor === undefined ? [this.opener] : [this.opener, this.acceptor]
  }

  /** Leads the route to the port where the service is, and passes the OPEN on. */
  lead(port: SwitchPort): void {
    this.parkedUntil = Number.POSITIVE_INFINITY
    this.acceptor = new Leg(this, port, port.newId(), this.#toOpener, this.#toAcceptor)
    this.acceptor.named = false
    this.acceptor.say.open = this.open
    this.acceptor.speak()
  }

  /** Has both ends restate themselves, or tells the one that is up to hold (law 8). */
  resync(): void {
    const bothUp = this.acceptor?.port.up === true && this.opener.port.up
    for (const leg of this.legs) {
      // An OPEN that is still to be said names its id itself.
      if (leg.named) leg.say.word = bothUp ? 'resync' : 'hold'
      leg.speak()
    }
    this.#toAcceptor.paid()
    this.#toOpener.paid()
  }

  /** Pays with a RESYNC for what was dropped, once what was kept is on its way. */
  payDebts(): void {
    const due = this.#toAcceptor.debtDue || this.#toOpener.debtDue
    if (due && this.acceptor?.port.up === true && this.opener.port.up) this.resync()
  }

  /** Takes the route out of both ports. */
  end(): void {
    for (const leg of this.legs) {
      leg.port.legs.delete(leg.id)
      leg.port.voice.delete(leg)
      leg.outgoing.release()
    }
    this.#toAcceptor.release()
  }
}
