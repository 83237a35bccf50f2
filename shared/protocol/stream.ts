/**
 * One end of a stream: its life between a socket (`Local`) and the attachment where it speaks.
 *
 * Invariant: the phase changes by the table of life.ts alone. Frames are said only on an attachment
 * that is ready; a cut stops them, and RESYNC has them said again. What frames do to an end that
 * hears them is in hearing.ts; opener.ts and acceptor.ts tell the two kinds of end apart.
 */
import type { Attachment } from './attachment.ts'
import type { Budget } from './budget.ts'
import { Control, type ControlWord } from './control.ts'
import type { FaultCode, WireCode } from './fault.ts'
import type { Frame, StreamFrame } from './frame.ts'
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
  /** The far end has said its last word: it needs nothing more. */
  closeSeen = false
  /** What is to be said on the current attachment. */
  protected readonly control: Control
  #phase: Phase
  #outcome: FaultCode = 'end'

  constructor(options: EndOptions<Port>, phase: Phase) {
    this.host = options.host
    this.key = options.key
    this.to = options.to
    this.from = options.from
    const { windowBytes, budget } = options.host
    this.send = new SendHalf(windowBytes, budget)
    this.receive = new ReceiveHalf(windowBytes)
    this.control = new Control(this.receive)
    this.#phase = phase
  }

  get phase(): Phase {
    return this.#phase
  }

  /** How many bytes the socket may give now. */
  room(): number {
    return this.#phase === 'open' ? this.send.room() : 0
  }

  /** Bytes that the socket gave, at most `room()` of them; the caller gives them away. */
  write(bytes: Uint8Array): void {
    if (this.#phase !== 'open') return
    if (!this.send.write(bytes)) return this.fail('exhausted')
    this.#offerData()
  }

  /** The socket ended its direction. */
  finish(): void {
    if (this.#phase !== 'open') return
    this.send.finish('end')
    this.settle()
  }

  /** The socket was reset, or broke. Bytes it gave before are still sent (RFC 9293 §3.10.7). */
  abort(): void {
    if (this.#phase === 'opening') return this.fail('connection_reset')
    if (this.#phase === 'open') this.send.finish('connection_reset')
    else if (this.#phase !== 'aborted') return
    this.receive.takenAll()
    this.happen('socketReset')
    this.settle()
  }

  /** The socket took bytes that were delivered: its write callback came without an error. */
  taken(count: number): void {
    if (this.#phase !== 'open' && this.#phase !== 'aborted') return
    this.receive.taken(count)
    this.settle()
  }

  /** The socket took the end of the far direction. */
  takenFinish(): void {
    if (this.#phase !== 'open') return
    this.receive.takenAll()
    this.settle()
  }

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
    if (this.current === undefined) return undefined
    const next = this.send.next()
    return next === undefined ? undefined : { ...next, id: this.current.id }
  }

  /** A moment has passed in which the socket took a little: CREDIT is due (protocol rule 20). */
  sayOwedCredit(): void {
    const isOver = this.#phase === 'lingering' || this.#phase === 'closed'
    if (this.control.unsaidBytes > 0 && !isOver) this.say('credit')
  }

  /** Restates everything on the current attachment, after RESYNC. */
  abstract restate(): void

  /** The way of the current attachment is gone; the stream lives on. */
  loseCurrent(): void {
    if (this.current === undefined) return
    this.host.detached(this.current)
    this.current = undefined
  }

  /** Has a word said on the current attachment; `resync` asks both ends to restate themselves. */
  say(word: ControlWord): void {
    this.control.say(word)
    if (this.current !== undefined) this.host.hasControl(this.current.port, this)
  }

  /** A time of this phase ran out. */
  expire(code: WireCode): void {
    if (this.#phase === 'lingering') return this.close('expired', code)
    if (this.#phase !== 'aborted') return this.fail(code, 'expired')
    this.receive.takenAll()
    this.settle()
  }

  /** Ends the stream at once and says why: RESET, as the last word on its attachments. */
  fail(code: WireCode, event: LifeEvent = 'reset'): void {
    const { current } = this
    if (current !== undefined) {
      this.host.lastWord(current.port, { kind: 'reset', id: current.id, code })
    }
    this.close(event, code)
  }

  protected happen(event: LifeEvent): void {
    const next = phaseAfter(this.#phase, event)
    if (next === undefined || next === this.#phase) return
    this.#phase = next
    if (next !== 'lingering') return
    this.#outcome =
      this.send.finished && this.receive.finCode === 'end' ? 'end' : 'connection_reset'
    this.control.drop('credit')
    this.say('close')
  }

  /** The end is forgotten. A lingering one has done its work: whatever ends it is a clean end. */
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

  /** The next control frame on the current attachment. */
  protected pullCommon(attachment: Attachment<Port>): Frame | undefined {
    const frame = this.control.pull(attachment.id)
    if (frame?.kind === 'close' && this.closeSeen) this.close('farClose', 'end')
    return frame
  }

  /** After any change: what follows from where the halves stand now. */
  protected settle(): void {
    if (this.#phase === 'aborted' && this.receive.drained) {
      this.receive.takenAll()
      this.local?.reset('connection_reset')
      this.happen('delivered')
    }
    if (this.#phase === 'open' && this.send.done && this.receive.done) this.happen('done')
    const { unsaidBytes } = this.control
    if (unsaidBytes * 4 >= this.host.windowBytes || this.receive.done) this.sayOwedCredit()
    else if (unsaidBytes > 0) this.host.owesCredit(this)
    this.#offerData()
    if (this.room() > 0) this.local?.room()
  }

  #offerData(): void {
    const { current } = this
    if (current !== undefined && this.hasDataFor(current.port))
      this.host.hasData(current.port, this)
  }
}
