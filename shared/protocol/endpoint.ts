/**
 * The ends of one process: finds the end of each frame, gives each end its turn on each port, and
 * has all of them restated after a cut.
 *
 * Invariant: an id of a port leads to at most one end. A frame whose id leads nowhere is answered
 * by VOID, once, and never when it was VOID, RESET or REFUSE itself. Time is handed in (law 4).
 */
import { Acceptor } from './acceptor.ts'
import type { Attachment } from './attachment.ts'
import type { Budget } from './budget.ts'
import { Fault, type FaultCode, type WireCode } from './fault.ts'
import type { Frame, FrameOf, StreamFrame } from './frame.ts'
import type { Attribute } from './layout.ts'
import { Opener, type Paths } from './opener.ts'
import type { EndpointPort, Lead, PortSession } from './port.ts'
import { Ports } from './ports.ts'
import { Reception } from './reception.ts'
import type { End, Host, Local } from './stream.ts'
import { Watch } from './watch.ts'

export type EndpointEnd = End<EndpointPort>
export type EndpointAcceptor = Acceptor<EndpointPort>

export interface EndpointLimits {
  /** Ends that live at once; one more is refused as `overloaded`. */
  readonly streamsMax: number
  /** What one direction of one stream keeps, and grants. */
  readonly windowBytes: number
  /** How long a stream waits for a way. */
  readonly resumeWindowMs: number
  /** How long an opening stream waits for its answer. */
  readonly openTimeoutMs: number
  /** How long the first candidate may stay unanswered while another relay is ready. */
  readonly candidateMs: number
}

export interface EndpointOptions {
  readonly limits: EndpointLimits
  readonly budget: Budget
  /** The identity that ACCEPT says. */
  readonly identity: string
  /** A fresh random key: 16 bytes in hexadecimal. */
  readonly mintKey: () => string
  /** `deadline` may have come nearer. */
  readonly wake: () => void
  /** A stream was opened to here: connect its target, then `connected` or `refuse`. */
  readonly dial: (end: EndpointAcceptor, attributes: readonly Attribute[]) => void
  /** An end is over; a dial for it that still runs is to be ended. */
  readonly ended: (end: EndpointEnd, code: FaultCode) => void
}

export class Endpoint implements Host<EndpointPort>, Paths<EndpointPort> {
  readonly budget: Budget
  readonly windowBytes: number
  readonly #options: EndpointOptions
  readonly #ports = new Ports()
  readonly #ends = new Set<EndpointEnd>()
  readonly #reception: Reception
  readonly #watch: Watch<EndpointPort>
  #now = 0

  constructor(options: EndpointOptions) {
    this.#options = options
    this.budget = options.budget
    this.windowBytes = options.limits.windowBytes
    const { resumeWindowMs, streamsMax } = options.limits
    this.#reception = new Reception({
      tombstoneMs: 2 * resumeWindowMs,
      tombstonesMax: 2 * streamsMax,
      isFull: () => this.#ends.size >= streamsMax,
      make: (port, open) => this.#makeAcceptor(port, open),
      made: (end, open) => options.dial(end, open.attributes),
    })
    this.#watch = new Watch(options.limits)
  }

  /** The ends that live, for status and tests. */
  get ends(): ReadonlySet<EndpointEnd> {
    return this.#ends
  }

  get tombstones(): number {
    return this.#reception.tombstones
  }

  /** How often a stream was made to restate itself because nothing moved. */
  get stalls(): number {
    return this.#watch.stalls
  }

  /** A new port to the relay of this name; `wake` is called when it may have something to send. */
  addPort(name: string, wake: () => void): EndpointPort {
    return this.#ports.add(name, wake)
  }

  /** Opens a stream, whose waits count from `now`. Throws `overloaded` when too many live. */
  open(
    options: {
      readonly to: string
      readonly from: string
      readonly attributes: readonly Attribute[]
      readonly local: Local
    },
    now: number,
  ): Opener<EndpointPort> {
    this.#now = now
    if (this.#ends.size >= this.#options.limits.streamsMax) {
      throw new Fault('overloaded', `${this.#options.limits.streamsMax} streams are open already`)
    }
    const { candidateMs } = this.#options.limits
    const key = this.#options.mintKey()
    const end = new Opener({ ...options, host: this, paths: this, key, candidateMs })
    this.#add(end)
    end.seek()
    return end
  }

  /** A frame that came by this port. */
  receive(port: EndpointPort, frame: StreamFrame, now: number): void {
    this.#now = now
    if (frame.kind === 'open') return this.#reception.receive(port, frame)
    const found = port.find(frame.id)
    if (found !== undefined) found.end.handle(found.attachment, frame)
    else if (frame.kind !== 'void' && frame.kind !== 'reset' && frame.kind !== 'refuse') {
      port.voice.sayLast({ kind: 'void', id: frame.id })
    }
    this.#detachAll(port.named(frame.id))
  }

  /**
   * The next frame for this port; `dataAllowed` is false while its carrier has enough in flight.
   */
  pull(port: EndpointPort, dataAllowed: boolean): Frame | undefined {
    return port.pull(dataAllowed)
  }

  /** The port's session is up: a new one, or the old one on a new carrier. */
  portUp(port: EndpointPort, session: PortSession, now: number): void {
    this.#now = now
    this.#watch.narrowWindow(this.#ports.narrow(port, session.resumeWindowMs))
    if (!session.resumed) {
      this.#detachAll(port.restart(session))
      this.#reception.closeOrphans(port)
    } else {
      this.#detachAll(port.resume(session.routes))
    }
    for (const end of this.#ends) if (end instanceof Opener) end.seek()
  }

  /** The port's carrier is lost; its session may come back. */
  portDown(port: EndpointPort, now: number): void {
    this.#now = now
    port.down()
    if (this.#watch.beginsToWait()) this.#ports.wakeAll()
    for (const end of this.#ends) if (end instanceof Opener) end.seek()
  }

  /** The relay behind the port is about to stop: streams go to another one, if there is one. */
  portLeaves(port: EndpointPort, now: number): void {
    this.#now = now
    // All links to it are told, one after the other: none of them is a way out.
    const leads = this.#ports.to(port.name).flatMap((one) => one.leave())
    for (const { end } of leads) if (end instanceof Opener) end.seek()
  }

  /** Ends every stream with this code, as its last word. */
  endAll(code: WireCode): void {
    for (const end of [...this.#ends]) end.fail(code)
  }

  /** When `tick` wants to be called next. */
  deadline(): number {
    return Math.min(this.#watch.deadline(), this.#reception.deadline())
  }

  tick(now: number): void {
    this.#now = now
    this.#reception.tick(now)
    this.#watch.tick(now)
    if (this.#watch.beginsToWait()) this.#ports.wakeAll()
  }

  now(): number {
    return this.#now
  }

  /** Some stream has no way on which it could speak now. */
  get waits(): boolean {
    return this.#watch.waits
  }

  choose(avoid: ReadonlySet<EndpointPort>, after?: EndpointPort): EndpointPort | undefined {
    return this.#ports.choose(avoid, after)
  }

  attach(port: EndpointPort, end: EndpointEnd): Attachment<EndpointPort> {
    return port.attach(port.newId(), end)
  }

  hasControl(port: EndpointPort, end: EndpointEnd): void {
    port.voice.hasControl(end)
  }

  hasData(port: EndpointPort, end: EndpointEnd): void {
    port.voice.hasData(end)
  }

  owesCredit(end: EndpointEnd): void {
    if (this.#watch.owesCredit(end, this.#now)) this.#options.wake()
  }

  lastWord(port: EndpointPort, frame: StreamFrame): void {
    port.voice.sayLast(frame)
  }

  detached(attachment: Attachment<EndpointPort>): void {
    attachment.port.detach(attachment)
  }

  forget(end: EndpointEnd, code: FaultCode): void {
    this.#ends.delete(end)
    this.#watch.delete(end)
    if (end instanceof Acceptor) this.#reception.forget(end, code as WireCode, this.#now)
    this.#options.ended(end, code)
  }

  #makeAcceptor(port: EndpointPort, open: FrameOf<'open'>): EndpointAcceptor {
    const { key, to, from } = open
    // Only agents have names of their own here: any other opener is an ingress of the relay itself.
    const relayLife = from.startsWith('agent/') ? undefined : port.life
    const by = this.#options.identity
    const end = new Acceptor<EndpointPort>({ host: this, key, to, from, by, relayLife })
    this.#add(end)
    return end
  }

  #add(end: EndpointEnd): void {
    this.#ends.add(end)
    this.#watch.add(end, this.#now)
    this.#options.wake()
  }

  #detachAll(lost: readonly Lead[]): void {
    for (const { end, attachment } of lost) {
      if (end.current === attachment) end.loseCurrent()
      else if (end instanceof Opener && end.candidate === attachment) end.loseCandidate()
    }
  }
}
