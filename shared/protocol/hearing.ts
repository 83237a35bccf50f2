/**
 * What an end hears: what each frame on the current attachment does to it, be it opener or
 * acceptor.
 *
 * Invariant: every frame may come twice and changes nothing the second time (law 1). Whatever a
 * peer says that cannot be true ends this stream with a code, and no other stream.
 */
import { type Attachment, unsync } from './attachment.ts'
import type { Numbers } from './control.ts'
import { Fault, type WireCode } from './fault.ts'
import type { FrameOf, StreamFrame } from './frame.ts'
import { End } from './stream.ts'

export abstract class HearingEnd<Port> extends End<Port> {
  #lastPort: Port | undefined

  /** Where its frames go now, or went last. */
  get via(): Port | undefined {
    return this.current?.port ?? this.#lastPort
  }

  /** It has a way that is there to stay. */
  get settled(): boolean {
    const { current, phase } = this
    // What lingers needs a way for its last word only.
    return current?.ready === true && (!current.leaving || phase === 'lingering')
  }

  override loseCurrent(): void {
    this.#lastPort = this.via
    super.loseCurrent()
  }

  /** Who has waited for the last word for too long leaves its way behind, and says so. */
  override expire(code: WireCode): void {
    if (this.phase === 'lingering' && this.current !== undefined) this.giveUp(this.current)
    super.expire(code)
  }

  /** The relay need not keep this way, or the OPEN that asked for it. */
  protected giveUp({ port, id }: Attachment<Port>): void {
    this.host.lastWord(port, { kind: 'void', id })
  }

  /** A frame on the current attachment. */
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

  /** The numbers of a new attachment: its limit takes the place of the old one's. */
  protected adoptNumbers(numbers: Numbers): void {
    this.send.acknowledge(numbers.consumed)
    this.send.replaceLimit(numbers.limit)
    this.send.rewind(numbers.received)
    this.settle()
  }

  /** The bytes of a DATA or the mark of a FIN; on a candidate too (absolute offsets: law 1). */
  protected receiveBytes(frame: FrameOf<'data'> | FrameOf<'fin'>): void {
    if (frame.kind === 'data') {
      const fresh = this.receive.data(frame.offset, frame.bytes)
      if (fresh === undefined) return
      if (this.phase === 'open') this.local?.deliver(fresh)
      else this.receive.takenAll()
    } else if (this.receive.fin(frame.position, frame.code)) {
      if (frame.code !== 'end') this.happen('farSocketReset')
      else if (this.phase === 'open') this.local?.finish()
      if (this.phase === 'aborting' || this.phase === 'lingering') this.receive.takenAll()
    }
    this.settle()
  }

  #apply(frame: StreamFrame): void {
    switch (frame.kind) {
      case 'data':
      case 'fin':
        return this.receiveBytes(frame)
      case 'credit':
        this.send.acknowledge(frame.consumed)
        this.send.allow(frame.limit)
        return this.settle()
      case 'accept':
      case 'resume':
        return this.#applyNumbers(frame)
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
        // An OPEN that was said again has crossed a newer one: the acceptor has left this way.
        return frame.code === 'stale' ? this.loseCurrent() : this.close('refused', frame.code)
      case 'void':
        return this.loseCurrent()
      case 'open':
        throw new Fault('frame_unexpected', 'OPEN on an id in use')
      default:
        frame satisfies never
    }
  }

  /** RESUME, or an ACCEPT that is said again: stale news is ignored as a whole. */
  #applyNumbers(numbers: Numbers): void {
    if (this.current !== undefined) this.current.synced = true
    if (numbers.consumed < this.send.acked) return
    this.send.checkPosition(numbers.consumed)
    this.send.checkPosition(numbers.received)
    this.send.acknowledge(numbers.consumed)
    this.send.allow(numbers.limit)
    this.send.rewind(numbers.received)
    if (this.phase === 'lingering') this.say('close')
    this.settle()
  }

  #applyClose(consumed: number): void {
    this.send.acknowledge(consumed)
    this.closeSeen = true
    this.settle()
    if (this.phase === 'aborting') this.happen('farClose')
    else if (this.phase === 'lingering' && !this.control.isWaiting('close')) {
      this.close('farClose', 'end')
    } else if (this.phase === 'open') throw new Fault('frame_unexpected', 'CLOSE before the end')
  }
}
