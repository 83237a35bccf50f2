/**
 * The applications at both sockets of a stream: what they write, how fast they read, how they end.
 *
 * Invariant: a socket checks every byte it is given against what the one far application wrote: the
 * byte at a position follows from the connection and the direction alone, so that a byte of another
 * connection, or of another place, is found at once.
 */
import type { EndpointEnd } from '../../shared/protocol/endpoint.ts'
import type { FaultCode } from '../../shared/protocol/fault.ts'
import type { Phase } from '../../shared/protocol/life.ts'
import type { Local } from '../../shared/protocol/stream.ts'
import { demand } from './demand.ts'
import { patternOf, patternPeriod } from './pattern.ts'
import type { Plan } from './plan.ts'
import type { World } from './world.ts'

/** How a socket ended. */
export interface Outcome {
  readonly code: FaultCode
  readonly at: number
}

/** A socket of one connection; `far` gives the bytes that it must read, once some have come. */
export class Socket implements Local {
  readonly #world: World
  readonly #plan: Plan
  readonly written: Uint8Array
  readonly #expected: (first: number) => Uint8Array
  readonly #ended: (code: FaultCode) => void
  #expects: Uint8Array | undefined
  end: EndpointEnd | undefined
  /** Bytes given to the far application so far, handed over by the end, and taken. */
  wrote = 0
  read = 0
  taken = 0
  outcome: Outcome | undefined
  finished = false
  farFinished = false
  /** The socket took the end of the far direction. */
  farFinishTaken = false
  /** The phase of the end when this application reset its socket. */
  resetIn: Phase | undefined
  /** When this application reset its socket. */
  resetAt = Number.POSITIVE_INFINITY
  /** The process that held the socket died. */
  died = false
  #tookAt = 0
  #opened = false
  #writing = false
  readonly #unread: number[] = []
  #reading = false
  #hasPaused = false

  constructor(options: {
    readonly world: World
    readonly plan: Plan
    /** Names the connection, and its side. */
    readonly salt: number
    /** What the far application writes, given the first byte of it. */
    readonly expected: (first: number) => Uint8Array
    /** The socket was told how its stream ended. */
    readonly ended: (code: FaultCode) => void
  }) {
    this.#world = options.world
    this.#plan = options.plan
    this.written = patternOf(options.salt)
    this.#expected = options.expected
    this.#ended = options.ended
    const { hangsUpAfterMs } = options.plan
    if (hangsUpAfterMs !== undefined) this.#world.clock.after(hangsUpAfterMs, () => this.hangUp())
  }

  get over(): boolean {
    return this.outcome !== undefined || this.died
  }

  get didReset(): boolean {
    return this.resetIn !== undefined
  }

  /** Since when the application has read everything; infinite while it has still to read. */
  get caughtUpAt(): number {
    const isBehind = this.read > this.taken || (this.farFinished && !this.farFinishTaken)
    return isBehind ? Number.POSITIVE_INFINITY : this.#tookAt
  }

  /** It reads nothing, for it has still to write. */
  get isDeaf(): boolean {
    return this.#plan.readsLast && !this.finished
  }

  /** The application resets its socket, whatever else was under way. */
  hangUp(): void {
    const { end } = this
    if (this.#gone || end === undefined || end.phase === 'closed') return
    this.resetIn = end.phase
    this.resetAt = this.#world.clock.now
    this.#world.report.hit('socket reset', [end.phase])
    end.abort()
  }

  opened(): void {
    this.#opened = true
    this.#considerWriting()
  }

  room(): void {
    this.#considerWriting()
  }

  deliver(bytes: Uint8Array): void {
    this.#expects ??= this.#expected(bytes[0] as number)
    for (let index = 0; index < bytes.length; index += 1) {
      const at = (this.read + index) % patternPeriod
      if (bytes[index] !== this.#expects[at])
        demand(false, `2: a wrong byte at ${this.read + index}`)
    }
    this.read += bytes.length
    this.#unread.push(bytes.length)
    this.#considerReading()
  }

  finish(): void {
    demand(!this.farFinished, '2: the far end finished twice')
    this.farFinished = true
    this.#considerReading()
    this.#considerWriting()
  }

  reset(code: FaultCode): void {
    this.#end(code)
  }

  closed(code: FaultCode): void {
    this.#end(code)
  }

  get #gone(): boolean {
    return this.over || this.didReset
  }

  #end(code: FaultCode): void {
    if (this.outcome !== undefined) return
    this.outcome = { code, at: this.#world.clock.now }
    this.#ended(code)
  }

  /** One piece after the other, and the end of the direction behind the last one. */
  #considerReading(): void {
    if (this.#reading || this.#gone || this.isDeaf) return
    const count = this.#unread[0]
    if (count === undefined && (!this.farFinished || this.farFinishTaken)) return
    this.#reading = true
    this.#world.clock.after(this.#readDelayMs(), () => {
      this.#reading = false
      if (this.#gone) return
      this.#tookAt = this.#world.clock.now
      if (count === undefined) {
        this.farFinishTaken = true
        this.end?.takenFinish()
      } else {
        this.#unread.shift()
        this.taken += count
        this.end?.taken(count)
      }
      this.#considerReading()
      this.#considerWriting()
    })
  }

  #readDelayMs(): number {
    const { chance, report } = this.#world
    const { pausesAfter, pauseMs, readMs } = this.#plan
    if (this.#hasPaused || pausesAfter === undefined || this.taken < pausesAfter) {
      return chance.between(0, readMs)
    }
    this.#hasPaused = true
    report.hit('slow reader', this.end === undefined ? [] : [this.end.phase])
    return pauseMs
  }

  #considerWriting(): void {
    if (this.#writing || !this.#opened || this.#gone || this.finished) return
    const { bytes, writesAfter } = this.#plan
    const mayWrite = this.read >= writesAfter || this.farFinished
    if (!mayWrite || (this.end?.room() === 0 && this.wrote < bytes)) return
    this.#writing = true
    this.#world.clock.after(this.#thinkDelayMs(), this.#write)
  }

  #thinkDelayMs(): number {
    const { chance, clock, report } = this.#world
    const { idlesAfter, idlesUntilMs, thinkMs } = this.#plan
    const idlesMs = idlesUntilMs - clock.now
    if (idlesAfter === undefined || this.wrote < idlesAfter || idlesMs <= 0) {
      return chance.between(0, thinkMs)
    }
    report.count('idle application')
    return idlesMs
  }

  #write = (): void => {
    this.#writing = false
    const { end } = this
    if (this.#gone || this.finished || end === undefined) return
    const { chance, clock } = this.#world
    const { bytes, chunkBytesMax, resetsAfter, idlesAfter, idlesUntilMs } = this.#plan
    if (resetsAfter !== undefined && this.wrote >= resetsAfter) return this.hangUp()
    const left = bytes - this.wrote
    if (left === 0) {
      this.finished = true
      end.finish()
      this.#considerReading()
      return
    }
    // A pause is kept to the byte, so that what was written before it stands alone on the wire.
    const idles = idlesAfter !== undefined && this.wrote < idlesAfter && clock.now < idlesUntilMs
    const most = idles ? Math.min(left, idlesAfter - this.wrote) : left
    const count = Math.min(end.room(), most, chance.between(1, chunkBytesMax))
    if (count > 0) {
      end.write(this.#take(count))
      this.wrote += count
    }
    this.#considerWriting()
  }

  #take(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    for (let index = 0; index < count; index += 1) {
      bytes[index] = this.written[(this.wrote + index) % patternPeriod] as number
    }
    return bytes
  }
}
