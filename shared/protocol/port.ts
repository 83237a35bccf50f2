/**
 * One port of an endpoint: where its ends meet one link, or the switch beside it.
 *
 * Invariant: an id leads to at most one attachment, and ids are never reused within a session: the
 * endpoint takes the even ones, the switch the odd ones. After a resumption, an attachment that is
 * not named again by the switch leads nowhere.
 */
import { type Attachment, attached, unsync } from './attachment.ts'
import { type Frame, noSession } from './frame.ts'
import type { End } from './stream.ts'
import { Voice } from './voice.ts'

/** An end and the attachment by which an id leads to it. */
export interface Lead {
  readonly end: End<EndpointPort>
  readonly attachment: Attachment<EndpointPort>
}

/** What WELCOME says of the session that a port has. */
export interface PortSession {
  readonly session: string
  readonly life: string
  readonly resumed: boolean
  /** How many ways will be named by RESYNC or HOLD. */
  readonly routes: number
  readonly resumeWindowMs: number
}

/** What is known of the ids of a resumed session while some are still to be named. */
interface Naming {
  /** How many ids are to be named. */
  readonly count: number
  readonly named: Set<number>
  /** Attached since the resumption: the switch could not count them. */
  readonly fresh: Set<number>
}

export class EndpointPort {
  readonly name: string
  /** What this port has to say. */
  readonly voice: Voice<End<EndpointPort>>
  /** The last round trip that was measured on its carrier; absent before the first one. */
  roundTripMs: number | undefined
  /** Whoever is behind this port may have something to do. */
  readonly wake: () => void
  readonly #leads = new Map<number, Lead>()
  #ready = false
  #leaving = false
  #session = noSession
  #life = noSession
  #nextId = 2
  #naming: Naming | undefined

  constructor(name: string, wake: () => void) {
    this.name = name
    this.wake = wake
    this.voice = new Voice({
      control: (end) => end.pullControl(this),
      hasData: (end) => end.hasDataFor(this),
      data: (end) => end.pullData(),
      wake,
    })
  }

  /** True while a session is up: an OPEN may be said here. */
  get ready(): boolean {
    return this.#ready
  }

  /** True while the relay behind it is about to stop: nothing is opened there. */
  get leaving(): boolean {
    return this.#leaving
  }

  get session(): string {
    return this.#session
  }

  /** The life of the relay behind this port. */
  get life(): string {
    return this.#life
  }

  /** How many ways lead through it. */
  get size(): number {
    return this.#leads.size
  }

  find(id: number): Lead | undefined {
    return this.#leads.get(id)
  }

  newId(): number {
    const id = this.#nextId
    this.#nextId += 2
    return id
  }

  attach(id: number, end: End<EndpointPort>): Attachment<EndpointPort> {
    const attachment = attached<EndpointPort>(this, id)
    this.#leads.set(id, { end, attachment })
    this.#naming?.fresh.add(id)
    return attachment
  }

  detach(attachment: Attachment<EndpointPort>): void {
    const lead = this.#leads.get(attachment.id)
    if (lead?.attachment === attachment) this.#leads.delete(attachment.id)
  }

  /** The relay behind it is about to stop. Gives what is attached to it. */
  leave(): readonly Lead[] {
    this.#leaving = true
    const leads = [...this.#leads.values()]
    for (const { attachment } of leads) attachment.leaving = true
    return leads
  }

  /** The next frame to say, while a session is up. */
  pull(dataAllowed: boolean): Frame | undefined {
    return this.#ready ? this.voice.pull(dataAllowed) : undefined
  }

  /** A new session: every id of the old one leads nowhere. Gives what was attached by them. */
  restart({ session, life }: PortSession): readonly Lead[] {
    const lost = [...this.#leads.values()]
    this.#leads.clear()
    this.voice.forget()
    this.#session = session
    this.#life = life
    this.#nextId = 2
    this.#ready = true
    this.#leaving = false
    this.#naming = undefined
    this.wake()
    return lost
  }

  /**
   * The same session on a new carrier; `routes` ids will be named by RESYNC, HOLD or a last word.
   */
  resume(routes: number): readonly Lead[] {
    this.#ready = true
    this.#naming = { count: routes, named: new Set(), fresh: new Set() }
    this.wake()
    return this.#unnamed()
  }

  /** A frame named this id. Once all are named, gives what was attached by the others. */
  named(id: number): readonly Lead[] {
    if (this.#naming === undefined || this.#naming.fresh.has(id)) return []
    this.#naming.named.add(id)
    return this.#unnamed()
  }

  /** The carrier is lost: nothing is said until the session is up again. */
  down(): void {
    this.#ready = false
    this.roundTripMs = undefined
    this.#naming = undefined
    this.voice.hush()
    for (const { attachment } of this.#leads.values()) unsync(attachment, false)
  }

  #unnamed(): readonly Lead[] {
    const naming = this.#naming
    if (naming === undefined || naming.named.size < naming.count) return []
    this.#naming = undefined
    return [...this.#leads.values()].filter(
      ({ attachment: { id } }) => !naming.fresh.has(id) && !naming.named.has(id),
    )
  }
}
