/**
 * The applications at both sockets of a stream: what they write, how fast they read, how they end.
 *
 * Invariant: a socket checks every byte it is given against what the one far application wrote: the
 * byte at a position follows from the stream and the direction alone, so that a byte of another
 * stream, or of another place, is found at once.
 */
import assert from 'node:assert'
import type { EndpointEnd } from '../../shared/protocol/endpoint.ts'
import type { FaultCode } from '../../shared/protocol/fault.ts'
import type { Local } from '../../shared/protocol/stream.ts'
import type { World } from './world.ts'

/** What one application means to do. */
export interface Plan {
  readonly bytes: number
  readonly chunkBytesMax: number
  readonly thinkMs: number
  readonly readMs: number
  /** Writes only after it has read this many bytes: a server that waits for its request. */
  readonly writesAfter: number
  /** Resets its socket after it has written this many bytes; undefined: never. */
  readonly resetsAfter: number | undefined
}

/** How a socket ended. */
export type Outcome = { readonly code: FaultCode; readonly at: number }

const patternLength = 4_099

/** The bytes that flow in one direction of one stream: a pattern with a period of a prime. */
function makePattern(salt: number): Uint8Array {
  const bytes = new Uint8Array(patternLength)
  let state = Math.imul(salt + 1, 0x9e3779b1) >>> 0
  for (let index = 0; index < patternLength; index += 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    bytes[index] = state >>> 24
  }
  return bytes
}

export class Socket implements Local {
  readonly #world: World
  readonly #plan: Plan
  readonly #written: Uint8Array
  readonly #expected: Uint8Array
  end: EndpointEnd | undefined
  /** Bytes given to the far application so far, and taken from it. */
  wrote = 0
  read = 0
  taken = 0
  outcome: Outcome | undefined
  finished = false
  farFinished = false
  /** This application reset its socket. */
  didReset = false
  /** The process that held the socket died. */
  died = false
  #opened = false
  #writing = false
  #pendingTakes = 0
  #farFinishDue = false

  /** `salt` names the stream; `side` 0 is the opener's application, 1 the target. */
  constructor(world: World, plan: Plan, salt: number, side: 0 | 1) {
    this.#world = world
    this.#plan = plan
    this.#written = makePattern(salt * 2 + side)
    this.#expected = makePattern(salt * 2 + 1 - side)
  }

  get over(): boolean {
    return this.outcome !== undefined || this.died
  }

  opened(): void {
    this.#opened = true
    this.#plan_()
  }

  room(): void {
    this.#plan_()
  }

  deliver(bytes: Uint8Array): void {
    for (let index = 0; index < bytes.length; index += 1) {
      const at = (this.read + index) % patternLength
      assert.ok(bytes[index] === this.#expected[at], `a wrong byte at ${this.read + index}`)
    }
    this.read += bytes.length
    this.#pendingTakes += 1
    this.#world.clock.after(this.#world.chance.between(0, this.#plan.readMs), () => {
      this.#pendingTakes -= 1
      if (this.#gone) return
      this.taken += bytes.length
      this.end?.taken(bytes.length)
      this.#tellFinish()
      this.#plan_()
    })
  }

  finish(): void {
    assert.ok(!this.farFinished, 'the far end finished twice')
    this.farFinished = true
    this.#farFinishDue = true
    this.#tellFinish()
    this.#plan_()
  }

  reset(code: FaultCode): void {
    this.outcome ??= { code, at: this.#world.clock.now }
  }

  closed(code: FaultCode): void {
    this.outcome ??= { code, at: this.#world.clock.now }
  }

  #tellFinish(): void {
    if (!this.#farFinishDue || this.#pendingTakes > 0) return
    this.#farFinishDue = false
    this.#world.clock.after(0, () => {
      if (!this.#gone) this.end?.takenFinish()
    })
  }

  get #gone(): boolean {
    return this.died || this.outcome !== undefined || this.didReset
  }

  #plan_(): void {
    if (this.#writing || !this.#opened || this.#gone || this.finished) return
    const mayWrite = this.read >= this.#plan.writesAfter || this.farFinished
    if (!mayWrite || (this.end?.room() === 0 && this.wrote < this.#plan.bytes)) return
    this.#writing = true
    this.#world.clock.after(this.#world.chance.between(0, this.#plan.thinkMs), this.#write)
  }

  #write = (): void => {
    this.#writing = false
    const { end } = this
    if (this.#gone || this.finished || end === undefined) return
    const { chance } = this.#world
    if (this.#plan.resetsAfter !== undefined && this.wrote >= this.#plan.resetsAfter) {
      this.didReset = true
      this.#world.report.hit('socket reset', [end.phase])
      end.abort()
      return
    }
    const left = this.#plan.bytes - this.wrote
    if (left === 0) {
      this.finished = true
      end.finish()
      return
    }
    const count = Math.min(end.room(), left, chance.between(1, this.#plan.chunkBytesMax))
    if (count > 0) {
      end.write(this.#take(count))
      this.wrote += count
    }
    this.#plan_()
  }

  #take(count: number): Uint8Array {
    const bytes = new Uint8Array(count)
    for (let index = 0; index < count; index += 1) {
      bytes[index] = this.#written[(this.wrote + index) % patternLength] as number
    }
    return bytes
  }
}
