/**
 * The end that opened a stream: it alone restates the stream by key, on whichever relay it reaches.
 *
 * Invariant: at most one candidate attachment at a time, numbered above every earlier one. The
 * current attachment stays until a candidate is accepted. Once an ACCEPT was seen every further
 * OPEN says `established`, so that nobody dials again.
 */
import { type Attachment, establish } from './attachment.ts'
import { type FaultCode, isRetryable, type WireCode } from './fault.ts'
import type { Frame, FrameOf, StreamFrame } from './frame.ts'
import { HearingEnd } from './hearing.ts'
import type { Attribute } from './layout.ts'
import type { LifeEvent } from './life.ts'
import type { EndOptions, Local } from './stream.ts'

/** What an opener needs beside what every end needs: the ports that are ready to carry an OPEN. */
export interface Paths<Port> {
  /** A ready port to try, other than those to avoid; undefined when there is none. */
  choose(avoid: ReadonlySet<Port>, after: Port | undefined): Port | undefined
  /** A new id on this port that leads to this end. */
  attach(port: Port, end: Opener<Port>): Attachment<Port>
  /** The time now, on the endpoint's clock. */
  now(): number
}

/** Between two OPENs of one stream on one port: quick refusals must not make a hot loop. */
export const seekPauseMs = 250

export interface OpenerOptions<Port> extends EndOptions<Port> {
  readonly paths: Paths<Port>
  readonly local: Local
  readonly attributes: readonly Attribute[]
  /** How long the first candidate may stay unanswered while another relay is ready. */
  readonly candidateMs: number
}

export class Opener<Port> extends HearingEnd<Port> {
  readonly #paths: Paths<Port>
  readonly #attributes: readonly Attribute[]
  readonly #candidateMs: number
  candidate: Attachment<Port> | undefined
  /** Who answered; an established OPEN is for exactly this identity. */
  by = ''
  #sayOpen = false
  #established = false
  #soughtAt = Number.NEGATIVE_INFINITY
  /** A candidate was not answered: the next has twice the time, for answers may take longer. */
  #isPatient = false
  #lastPort: Port | undefined
  /** The ports tried since this stream last had a way, and those of them that refused it. */
  readonly #tried = new Set<Port>()
  readonly #refusedBy = new Set<Port>()

  constructor(options: OpenerOptions<Port>) {
    super(options, 'opening')
    this.local = options.local
    this.#paths = options.paths
    this.#attributes = options.attributes
    this.#candidateMs = options.candidateMs
  }

  get established(): boolean {
    return this.#established
  }

  /** Looks for another way, if this end needs one and there is one. */
  seek(): void {
    if (this.phase === 'closed' || this.settled) return
    if (this.candidate !== undefined && !this.#candidateIsSlow()) return
    const avoid = new Set(this.#established ? [] : this.#refusedBy)
    for (const way of [this.current, this.candidate]) if (way !== undefined) avoid.add(way.port)
    const port = this.#paths.choose(avoid, this.#lastPort)
    if (port === undefined) return
    const sinceLast = this.#paths.now() - this.#soughtAt
    if (this.#tried.has(port) && sinceLast < seekPauseMs) return
    this.#isPatient ||= this.candidate?.ready === true
    this.#dropCandidate()
    this.#soughtAt = this.#paths.now()
    this.#lastPort = port
    this.#tried.add(port)
    this.attachmentNumber += 1
    this.candidate = this.#paths.attach(port, this)
    this.#sayOpen = true
    this.host.hasControl(port, this)
  }

  override handle(attachment: Attachment<Port>, frame: StreamFrame): void {
    if (attachment === this.current) {
      this.handleCurrent(frame)
      if (frame.kind === 'hold' || frame.kind === 'void') this.seek()
    } else if (attachment === this.candidate) {
      this.#handleCandidate(attachment, frame)
    }
  }

  override pullControl(port: Port): Frame | undefined {
    if (this.candidate?.port === port && this.#sayOpen) {
      this.#sayOpen = false
      return this.#open(this.candidate.id)
    }
    if (this.current?.port !== port || !this.current.ready) return undefined
    return this.pullCommon(this.current)
  }

  override restate(): void {
    this.#isPatient = false
    this.say('resume')
    if (this.phase === 'lingering') this.say('close')
  }

  override loseCurrent(): void {
    super.loseCurrent()
    this.seek()
  }

  /** The way of the candidate is gone. */
  loseCandidate(): void {
    if (this.candidate === undefined) return
    this.#forgetCandidate()
    this.seek()
  }

  override fail(code: WireCode, event?: LifeEvent): void {
    const { candidate } = this
    if (candidate !== undefined && this.current === undefined) {
      this.host.lastWord(candidate.port, { kind: 'reset', id: candidate.id, code })
      this.#forgetCandidate()
    }
    super.fail(code, event)
  }

  protected override close(event: LifeEvent, code: FaultCode): void {
    super.close(event, code)
    if (this.phase === 'closed') this.#dropCandidate()
  }

  #handleCandidate(candidate: Attachment<Port>, frame: StreamFrame): void {
    switch (frame.kind) {
      case 'accept':
        return this.#accepted(candidate, frame)
      case 'refuse':
        return this.#refused(candidate.port, frame.code)
      case 'void':
        return this.loseCandidate()
      case 'resync':
        candidate.ready = true
        this.#sayOpen = true
        return this.host.hasControl(candidate.port, this)
      case 'hold':
        candidate.ready = false
        return this.seek()
      case 'reset':
        // Said by authority where no other way is left, or about an opening that was given up.
        if (this.current !== undefined) return this.loseCandidate()
        this.#forgetCandidate()
        return this.close('reset', frame.code)
      case 'data':
      case 'fin':
        // The acceptor has moved and its ACCEPT was lost; before the first ACCEPT nothing counts,
        // for it may come from another connection than the one that will be accepted.
        if (this.#established) this.guard(() => this.receiveBytes(frame))
        return
      case 'credit':
      case 'resume':
      case 'close':
      case 'open':
        return
      default:
        frame satisfies never
    }
  }

  #accepted(candidate: Attachment<Port>, frame: FrameOf<'accept'>): void {
    if (this.current !== undefined) {
      this.giveUp(this.current)
      this.host.detached(this.current)
    }
    this.current = candidate
    this.candidate = undefined
    this.#sayOpen = false
    establish(candidate)
    this.#refusedBy.clear()
    this.#tried.clear()
    this.#lastPort = undefined
    this.by = frame.by
    const { reached, acked } = this.send
    if (frame.consumed < acked && !this.closeSeen) return this.fail('state_lost')
    if (frame.consumed > reached || frame.received > reached) return this.fail('never_sent')
    this.happen('accepted')
    if (!this.#established) this.local?.opened()
    this.#established = true
    this.adoptNumbers({ ...frame, received: Math.max(frame.received, acked) })
    this.restate()
    this.seek()
  }

  #refused(port: Port, code: WireCode): void {
    // A relay that is about to stop will be another one when it is back.
    if (code === 'stale' || code === 'drain') return this.loseCandidate()
    this.#refusedBy.add(port)
    const avoid = new Set(this.#refusedBy)
    if (this.current !== undefined) avoid.add(this.current.port)
    const another = this.#paths.choose(avoid, port) !== undefined
    const waits = isRetryable(code) && (this.#established || another)
    const mayEnd = code !== 'denied_by_policy' || (this.current === undefined && !another)
    if (waits || !mayEnd) return this.loseCandidate()
    // The acceptor ended as it should and is gone: it had taken all of ours, and we all of its.
    if (code === 'end' && this.send.finished && this.receive.done) {
      this.happen(this.phase === 'aborting' ? 'farClose' : 'done')
    }
    this.#forgetCandidate()
    // A way that is held would be kept for an end that is gone.
    if (this.current !== undefined) this.giveUp(this.current)
    this.close('refused', code === 'end' ? 'closed' : code)
  }

  #candidateIsSlow(): boolean {
    if (this.candidate?.ready === false) return true
    return this.#paths.now() - this.#soughtAt >= this.#candidateMs * (this.#isPatient ? 2 : 1)
  }

  /** Gives the candidate up. */
  #dropCandidate(): void {
    if (this.candidate === undefined) return
    this.giveUp(this.candidate)
    this.#forgetCandidate()
  }

  #forgetCandidate(): void {
    if (this.candidate === undefined) return
    this.host.detached(this.candidate)
    this.candidate = undefined
    this.#sayOpen = false
  }

  #open(id: number): FrameOf<'open'> {
    return {
      kind: 'open',
      id,
      key: this.key,
      attachment: this.attachmentNumber,
      established: this.#established,
      ...this.control.standing,
      to: this.to,
      from: this.from,
      attributes: this.#attributes,
    }
  }
}
