/**
 * The end that a stream was opened to: it dials the target once, and follows its opener.
 *
 * Invariant: the attachment number never falls, only the identity that opened the stream moves it,
 * and `connected` happens at most once in its life: no OPEN, however often it is said, dials again.
 */
import type { Attachment } from './attachment.ts'
import type { WireCode } from './fault.ts'
import type { Frame, FrameOf, StreamFrame } from './frame.ts'
import { HearingEnd } from './hearing.ts'
import type { LifeEvent } from './life.ts'
import type { EndOptions, Local } from './stream.ts'

export interface AcceptorOptions<Port> extends EndOptions<Port> {
  /** The identity that answers, said in ACCEPT. */
  readonly by: string
  /** The life of the relay that opened this stream itself; undefined when an agent did. */
  readonly relayLife: string | undefined
}

export class Acceptor<Port> extends HearingEnd<Port> {
  readonly relayLife: string | undefined
  readonly #by: string
  #sayAccept = false
  /** The opener is known to have heard ACCEPT: it has said something that only follows it. */
  #heard = false

  constructor(options: AcceptorOptions<Port>) {
    super(options, 'dialling')
    this.#by = options.by
    this.relayLife = options.relayLife
  }

  /** The target is connected. */
  connected(local: Local): void {
    if (this.phase !== 'dialling') return local.reset('closed')
    this.local = local
    this.happen('connected')
    local.opened()
    this.#accept()
  }

  /** The target could not be connected, or may not be. */
  refuse(code: WireCode): void {
    if (this.phase !== 'dialling') return
    if (this.current !== undefined) {
      this.host.lastWord(this.current.port, { kind: 'refuse', id: this.current.id, code })
    }
    this.close('failed', code)
  }

  /** Why this OPEN of a known key may not move the end, or undefined when it may. */
  objection(open: FrameOf<'open'>, sameAttachment: boolean): WireCode | undefined {
    if (open.from !== this.from) return 'identity_mismatch'
    const { reached } = this.send
    if (open.consumed > reached || open.received > reached) return 'never_sent'
    if (open.attachment > this.attachmentNumber) return undefined
    return sameAttachment && open.attachment === this.attachmentNumber ? undefined : 'stale'
  }

  /** Follows the opener to a newer attachment. */
  moveTo(attachment: Attachment<Port>, open: FrameOf<'open'>): void {
    const old = this.current
    if (old !== undefined) {
      this.giveUp(old)
      this.host.detached(old)
    }
    this.current = attachment
    this.attachmentNumber = open.attachment
    this.#heard = false
    // What travels on the old path is newer than the numbers of an OPEN: the maximum holds.
    const { acked } = this.send
    this.adoptNumbers({
      limit: open.limit,
      consumed: Math.max(acked, open.consumed),
      received: Math.max(acked, open.received),
    })
    this.restate()
  }

  override handle(attachment: Attachment<Port>, frame: StreamFrame): void {
    if (attachment !== this.current) return
    const { kind } = frame
    if (kind === 'data' || kind === 'credit' || kind === 'fin' || kind === 'resume') {
      if (this.phase === 'dialling') return
      // CREDIT proves nothing: the switch gives it too, by itself, as it forwards.
      if (kind !== 'credit') this.#heard = true
    }
    if (frame.kind === 'accept' || frame.kind === 'refuse') return
    if (frame.kind === 'close' && this.phase === 'dialling') return
    this.handleCurrent(frame)
  }

  override pullControl(port: Port): Frame | undefined {
    const { current } = this
    if (current?.port !== port || !current.ready) return undefined
    if (this.#sayAccept) {
      this.#sayAccept = false
      return { kind: 'accept', id: current.id, ...this.control.restatement(), by: this.#by }
    }
    return this.pullCommon(current)
  }

  override restate(): void {
    if (this.phase === 'dialling') return
    if (this.#heard) this.say('resume')
    else this.#accept()
    if (this.phase === 'lingering') this.say('close')
  }

  override loseCurrent(): void {
    super.loseCurrent()
    this.close('voided', 'end')
  }

  /** Who begins to linger without a way has nobody to wait for, as one that loses it then. */
  protected override happen(event: LifeEvent): void {
    super.happen(event)
    if (this.current === undefined) this.close('voided', 'end')
  }

  #accept(): void {
    this.#sayAccept = true
    if (this.current !== undefined) this.host.hasControl(this.current.port, this)
  }
}
