/**
 * What becomes of each OPEN that comes: it is refused, it moves an end that is known, or it is the
 * first of a new one.
 *
 * Invariant: one key has one acceptor at most. An OPEN of a stream that was established, or is
 * over, never makes another (protocol rules 4 and 6): nothing is dialled twice.
 */
import type { Acceptor } from './acceptor.ts'
import { type Attachment, establish } from './attachment.ts'
import type { WireCode } from './fault.ts'
import type { FrameOf } from './frame.ts'
import type { EndpointPort } from './port.ts'
import { Tombstones } from './tombstones.ts'

type PortAcceptor = Acceptor<EndpointPort>

export interface ReceptionOptions {
  /** How long a key is remembered after its end. */
  readonly tombstoneMs: number
  readonly tombstonesMax: number
  /** True while no further end may be made. */
  readonly isFull: () => boolean
  /** Makes the end of a stream that is new here. */
  readonly make: (port: EndpointPort, open: FrameOf<'open'>) => PortAcceptor
  /** The new end is attached: its target may be dialled. */
  readonly made: (end: PortAcceptor, open: FrameOf<'open'>) => void
}

export class Reception {
  readonly #options: ReceptionOptions
  readonly #acceptors = new Map<string, PortAcceptor>()
  readonly #tombstones: Tombstones

  constructor(options: ReceptionOptions) {
    this.#options = options
    this.#tombstones = new Tombstones(options.tombstoneMs, options.tombstonesMax)
  }

  /** The keys of streams that are over and are remembered. */
  get tombstones(): number {
    return this.#tombstones.size
  }

  /** An OPEN that came by this port. */
  receive(port: EndpointPort, open: FrameOf<'open'>): void {
    const refusal = this.#admit(port, open)
    if (refusal !== undefined) {
      port.voice.sayLast({ kind: 'refuse', id: open.id, code: refusal })
    }
  }

  /** An acceptor is over: it is remembered while a first OPEN of it may still wander about. */
  forget(end: PortAcceptor, code: WireCode, now: number): void {
    if (this.#acceptors.get(end.key) !== end) return
    this.#acceptors.delete(end.key)
    if (end.attachmentNumber > 1 || !end.closeSeen) this.#tombstones.add(end.key, code, now)
  }

  /**
   * Streams that a relay itself opened die with that relay: their opener is gone. The first lane
   * that is back says so for those that are still away.
   */
  closeOrphans(port: EndpointPort): void {
    for (const end of [...this.#acceptors.values()]) {
      const { via, relayLife } = end
      const isIts = via === port || (via?.name === port.name && !via.ready)
      if (isIts && relayLife !== undefined && relayLife !== port.life) end.expire('relay_restarted')
    }
  }

  deadline(): number {
    return this.#tombstones.deadline()
  }

  tick(now: number): void {
    this.#tombstones.bury(now)
  }

  /** Gives the code of the refusal, or undefined when the OPEN was followed. */
  #admit(port: EndpointPort, open: FrameOf<'open'>): WireCode | undefined {
    const known = this.#acceptors.get(open.key)
    const found = port.find(open.id)
    // An even id is one of our own: it may be given to another stream at any time.
    if (open.id % 2 === 0) return 'frame_unexpected'
    if (found !== undefined && found.end !== known) return 'frame_unexpected'
    if (known !== undefined) return this.#follow(known, port, open, found?.attachment)
    const tombstone = this.#tombstones.get(open.key)
    if (tombstone !== undefined) return tombstone
    if (open.established) return 'unknown_stream'
    // Nothing was said to it yet, and what is not true of a stream must not end the carrier (R3).
    if (open.consumed > 0 || open.received > 0) return 'never_sent'
    if (this.#options.isFull()) return 'overloaded'
    const end = this.#options.make(port, open)
    this.#acceptors.set(open.key, end)
    end.moveTo(port.attach(open.id, end), open)
    this.#options.made(end, open)
    return undefined
  }

  #follow(
    known: PortAcceptor,
    port: EndpointPort,
    open: FrameOf<'open'>,
    attachment: Attachment<EndpointPort> | undefined,
  ): WireCode | undefined {
    // What a relay has opened itself dies with it: no other life of it can go on with that.
    if (known.relayLife !== undefined && known.relayLife !== port.life) return 'stale'
    const isCurrent = attachment !== undefined && attachment === known.current
    const objection = known.objection(open, isCurrent)
    if (objection !== undefined) return objection
    if (isCurrent && open.attachment === known.attachmentNumber) {
      establish(attachment)
      known.restate()
    } else {
      known.moveTo(port.attach(open.id, known), open)
    }
    return undefined
  }
}
