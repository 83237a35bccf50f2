/**
 * One end of a stream: what opener and acceptor have in common. It joins a socket (by `Local`) to the
 * frames of its current attachment.
 *
 * Invariant: the phase changes by the table of life.ts alone. Control is said by flags on this state,
 * one of each at most, and made into frames when they are pulled: nothing here queues frames. Frames
 * are said only on an attachment that is ready; a cut stops them, and RESYNC has them said again.
 */
import type { Budget } from './budget.ts'
import { Fault, type FaultCode, type WireCode } from './fault.ts'
import type { Frame, FrameOf, StreamFrame } from './frame.ts'
import { type LifeEvent, type Phase, phaseAfter } from './life.ts'
import { ReceiveHalf } from './receive.ts'
import { SendHalf } from './send.ts'

/** The socket's side of an end. None of its methods may call back into the end at once. */
export interface Local {
  /** The far target is connected: reading may begin. */
  opened(): void
  /** Bytes for the socket; `End.taken` says when it took them. */
  deliver(bytes: Uint8Array): void
  /** The far socket ended its direction; `End.takenFinish` says when the socket took that. */
  finish(): void
  /** There is room to write again. */
  room(): void
  /** The stream is broken: reset the socket. */
  reset(code: FaultCode): void
  /** The end is forgotten, for this reason; nothing follows. */
  closed(code: FaultCode): void
}

/** A place where frames of an end can be said: one id of one session of one port. */
export interface Attachment<Port> {
  readonly port: Port
  readonly id: number
  /** False after a cut or HOLD, until RESYNC. */
  ready: boolean
  /** False from then on until the far end has restated itself: bytes sent earlier would be lost. */
  synced: boolean
}

/** What an end needs of the endpoint that holds it. */
export interface Host<Port> {
  readonly windowBytes: number
  readonly budget: Budget
  /** The end has control frames to say on this port. */
  hasControl(port: Port, end: End<Port>): void
  /** The end has bytes to send on this port. */
  hasData(port: Port, end: End<Port>): void
  /** The end has consumed a little, and CREDIT for it may wait a moment. */
  owesCredit(end: End<Port>): void
  /** A frame about an id that has no end, or has one no longer. */
  lastWord(port: Port, frame: StreamFrame): void
  /** The attachment leads here no longer. */
  detached(attachment: Attachment<Port>): void
  /** The end is over. */
  forget(end: End<Port>, code: FaultCode): void
}

export interface EndOptions<Port> {
  readonly host: Host<Port>
  /** The stream's public name: 16 bytes in hexadecimal. */
  readonly key: string
  /** The service, `plant-1/mqtt`. */
  readonly to: string
  /** Who opened it. */
  readonly from: string
}

type Numbers = Pick<FrameOf<'resume'>, 'received' | 'consumed' | 'limit'>

export abstract class End<Port> {
  readonly key: string
  readonly to: string
  readonly from: string
  readonly send: SendHalf
  readonly receive: ReceiveHalf
  protected readonly host: Host<Port>
  protected local: Local | undefined
  /** The number of the latest attachment. */
  attachmentNumber = 0
  current: Attachment<Port> | undefined
  /** Flags: what is to be said on the current attachment. */
  protected readonly say = { resume: false, credit: false, close: false, resync: false }
  #phase: Phase
  #closeSeen = false
  #outcome: FaultCode = 'end'
  /** What the last CREDIT, RESUME, ACCEPT, OPEN or CLOSE said as consumed. */
  #saidConsumed = 0

  constructor(options: EndOptions<Port>, phase: Phase) {
    this.host = options.host
    this.key = options.key
    this.to = options.to
    this.from = options.from
    this.send = new SendHalf(options.host.windowBytes, options.host.budget)
    this.receive = new ReceiveHalf(options.host.windowBytes)
    this.#phase = phase
  }

  get phase(): Phase {
    return this.#phase
  }

  /** The far end has said its last word: it needs nothing more. */
  get closeSeen(): boolean {
    return this.#closeSeen
  }

  // What the socket does.

  /** How many bytes the socket may give now. */
  room(): number {
    return this.#phase === 'open' ? this.send.room() : 0
  }

  /** Bytes that the socket gave, at most `room()` of them; the caller gives them away. */
  write(bytes: Uint8Array): void {
    if (this.#phase !== 'open') return
    this.send.write(bytes)
    this.#offerData()
  }

  /** The socket ended its direction. */
  finish(): void {
    if (this.#phase !== 'open') return
    this.send.finish('end')
    this.#settle()
  }

  /** The socket was reset, or broke. Bytes it gave before are still sent (RFC 9293 §3.10.7). */
  abort(): void {
    if (this.#phase === 'opening') return this.fail('connection_reset')
    if (this.#phase === 'open') {
      this.send.finish('connection_reset')
      this.receive.takenAll()
      this.happen('socketReset')
    } else if (this.#phase === 'aborted') {
      this.receive.takenAll()
    }
    this.#settle()
  }

  /** The socket took bytes that were delivered: its write callback came without an error. */
  taken(count: number): void {
    if (this.#phase !== 'open' && this.#phase !== 'aborted') return
    this.receive.taken(count)
    this.#settle()
  }

  /** The socket took the end of the far direction. */
  takenFinish(): void {
    if (this.#phase !== 'open') return
    this.receive.takenAll()
    this.#settle()
  }

  // What the endpoint does.

  /** A frame on this end's id. A fault of the peer ends the stream, and only the stream. */
  abstract handle(attachment: Attachment<Port>, frame: StreamFrame): void

  /** The next control frame for this port, or undefined. */
  abstract pullControl(port: Port): Frame | undefined

  /** True when `pullData` would give a frame on this port. */
  hasDataFor(port: Port): boolean {
    const { current } = this
    if (current?.port !== port || !current.ready || !current.synced) return false
    return (this.#phase === 'open' || this.#phase === 'aborting') && this.send.hasNext()
  }

  /** One frame's worth of bytes, or the FIN. */
  pullData(): Frame | undefined {
    const next = this.current === undefined ? undefined : this.send.next()
    if (next === undefined || this.current === undefined) return undefined
    return { ...next, id: this.current.id }
  }

  /** A moment has passed in which the socket took a little: CREDIT is due (protocol rule 20). */
  sayOwedCredit(): void {
    if (this.receive.consumed > this.#saidConsumed) this.sayCredit()
  }

  /** Restates everything on the current attachment, after RESYNC. */
  abstract restate(): void

  /** The way of the current attachment is gone; the stream lives on. */
  loseCurrent(): void {
    if (this.current === undefined) return
    this.host.detached(this.current)
    this.current = undefined
  }

  /** Asks both ends to restate themselves: nothing has moved for long although it should. */
  sayResync(): void {
    this.say.resync = true
    this.#offerControl()
  }

  /** A time of this phase ran out. */
  expire(code: WireCode): void {
    if (this.#phase === 'lingering') return this.close('expired', code)
    if (this.#phase === 'aborted') {
      this.receive.takenAll()
      return this.#settle()
    }
    this.fail(code, 'expired')
  }

  /** Ends the stream at once and says why: RESET, as the last word on its attachments. */
  fail(code: WireCode, event: LifeEvent = 'reset'): void {
    const attachment = this.current
    if (attachment !== undefined) {
      this.host.lastWord(attachment.port, { kind: 'reset', id: attachment.id, code })
    }
    this.close(event, code)
  }

  // What opener and acceptor share.

  protected happen(event: LifeEvent): void {
    const next = phaseAfter(this.#phase, event)
    if (next === undefined || next === this.#phase) return
    this.#phase = next
    if (next !== 'lingering') return
    this.#outcome =
      this.send.finished && this.receive.finCode === 'end' ? 'end' : 'connection_reset'
    this.say.credit = false
    this.sayClose()
  }

  /**
   * An event that ends this phase for good: the end is forgotten. A lingering one has done its work, so
   * that whatever ends it then is a clean end.
   */
  protected close(event: LifeEvent, code: FaultCode): void {
    if (phaseAfter(this.#phase, event) !== 'closed') return
    const wasClean = this.#phase === 'lingering'
    const outcome = wasClean ? this.#outcome : code
    this.#phase = 'closed'
    this.send.release()
    if (!wasClean) this.local?.reset(outcome)
    this.loseCurrent()
    this.host.forget(this, outcome)
    this.local?.closed(outcome)
  }

  /** A frame on the current attachment that means the same at both ends. */
  protected handleCurrent(frame: StreamFrame): void {
    this.guard(() => this.#apply(frame))
  }

  /** A fault that a peer's frame brings to light ends this stream, and no other. */
  protected guard(action: () => void): void {
    try {
      action()
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault
      this.fail(fault.code as WireCode)
    }
  }

  /** RESUME, or an ACCEPT that is said again: stale news is ignored as a whole. */
  protected applyNumbers(numbers: Numbers): void {
    if (this.current !== undefined) this.current.synced = true
    if (numbers.consumed < this.send.acked) return
    this.send.checkPosition(numbers.consumed)
    this.send.checkPosition(numbers.received)
    this.send.acknowledge(numbers.consumed)
    this.send.allow(numbers.limit)
    this.send.rewind(numbers.received)
    if (this.#phase === 'lingering') this.sayClose()
    this.#settle()
  }

  /** The numbers of a new attachment: its limit takes the place of the old one's. */
  protected adoptNumbers(numbers: Numbers): void {
    this.send.acknowledge(numbers.consumed)
    this.send.replaceLimit(numbers.limit)
    this.send.rewind(numbers.received)
    this.#settle()
  }

  protected numbers(): Numbers {
    this.#saidConsumed = this.receive.consumed
    const { received, consumed, limit } = this.receive
    return { received, consumed, limit }
  }

  /** The bytes of a DATA or the mark of a FIN; on a candidate too (absolute offsets: law 1). */
  protected receiveBytes(frame: FrameOf<'data'> | FrameOf<'fin'>): void {
    if (frame.kind === 'data') {
      const fresh = this.receive.data(frame.offset, frame.bytes)
      if (fresh === undefined) return
      if (this.#phase === 'open') this.local?.deliver(fresh)
      else this.receive.takenAll()
    } else if (this.receive.fin(frame.position, frame.code)) {
      if (frame.code !== 'end') this.happen('farSocketReset')
      else if (this.#phase === 'open') this.local?.finish()
      if (this.#phase === 'aborting' || this.#phase === 'lingering') this.receive.takenAll()
    }
    this.#settle()
  }

  protected sayCredit(): void {
    if (this.#phase === 'lingering' || this.#phase === 'closed') return
    this.say.credit = true
    this.#offerControl()
  }

  protected sayResume(): void {
    this.say.resume = true
    this.#offerControl()
  }

  protected sayClose(): void {
    this.say.close = true
    this.#offerControl()
  }

  /** The common control frames, in the order in which they must be heard. */
  protected pullCommon(attachment: Attachment<Port>): Frame | undefined {
    const { id } = attachment
    if (this.say.resume) {
      this.say.resume = false
      this.say.credit = false
      return { kind: 'resume', id, ...this.numbers() }
    }
    if (this.say.credit) {
      this.say.credit = false
      const { consumed, limit } = this.numbers()
      return { kind: 'credit', id, consumed, limit }
    }
    if (this.say.resync) {
      this.say.resync = false
      return { kind: 'resync', id }
    }
    if (!this.say.close) return undefined
    this.say.close = false
    const { consumed } = this.numbers()
    if (this.#closeSeen) this.close('farClose', 'end')
    return { kind: 'close', id, consumed }
  }

  #apply(frame: StreamFrame): void {
    switch (frame.kind) {
      case 'data':
      case 'fin':
        return this.receiveBytes(frame)
      case 'credit':
        this.send.acknowledge(frame.consumed)
        this.send.allow(frame.limit)
        return this.#settle()
      case 'accept':
      case 'resume':
        return this.applyNumbers(frame)
      case 'close':
        return this.#applyClose(frame.consumed)
      case 'resync':
        unsync(this.current, true)
        return this.restate()
      case 'hold':
        return unsync(this.current, false)
      case 'reset':
        return this.close('reset', frame.code)
      case 'refuse':
        return this.close('refused', frame.code)
      case 'void':
        return this.loseCurrent()
      case 'open':
        throw new Fault('frame_unexpected', 'OPEN on an id in use')
      default:
        frame satisfies never
    }
  }

  #applyClose(consumed: number): void {
    this.send.acknowledge(consumed)
    this.#closeSeen = true
    this.#settle()
    if (this.#phase === 'aborting') this.happen('farClose')
    else if (this.#phase === 'lingering' && !this.say.close) this.close('farClose', 'end')
    else if (this.#phase === 'open') throw new Fault('frame_unexpected', 'CLOSE before the end')
  }

  /** After any change: what follows from where the halves stand now. */
  #settle(): void {
    if (this.#phase === 'aborted' && this.receive.drained) {
      this.receive.takenAll()
      this.local?.reset('connection_reset')
      this.happen('delivered')
    }
    if (this.#phase === 'open' && this.send.done && this.receive.done) this.happen('done')
    this.#considerCredit()
    if (this.#phase !== 'open') return this.#offerData()
    this.#offerData()
    if (this.send.room() > 0) this.local?.room()
  }

  #considerCredit(): void {
    const owed = this.receive.consumed - this.#saidConsumed
    if (owed === 0) return
    if (owed * 4 >= this.host.windowBytes || this.receive.done) this.sayCredit()
    else this.host.owesCredit(this)
  }

  #offerControl(): void {
    if (this.current !== undefined) this.host.hasControl(this.current.port, this)
  }

  #offerData(): void {
    const { current } = this
    if (current !== undefined && this.hasDataFor(current.port))
      this.host.hasData(current.port, this)
  }
}

/** What is said on an attachment begins anew: both ends restate themselves before bytes flow. */
export function unsync<Port>(attachment: Attachment<Port> | undefined, ready: boolean): void {
  if (attachment === undefined) return
  attachment.ready = ready
  attachment.synced = false
}
