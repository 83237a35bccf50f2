/**
 * One long conversation through the tunnel in which something is always expected: its pauses are
 * what a user at a keyboard would feel.
 *
 * Invariant: each beat is a number of its own and comes back once, in order; a beat that comes back
 * otherwise is counted as wrong. A conversation that ends is counted, and another one begun.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Place } from './transfers.ts'

const beatEveryMs = 20
const beatBytes = 8
/** Beats that may be under way: two seconds of them. */
const aheadMax = 100
const reconnectMs = 100

/** Somebody who waits for a beat that was sent after his question. */
interface Waiter {
  readonly beat: number
  readonly answer: () => void
}

export class Heartbeat implements Disposable {
  readonly #place: () => Place
  readonly #ended: () => void
  readonly #timer: NodeJS.Timeout
  #socket: Socket | undefined
  #sent = 0
  #heard = 0
  #rest: Buffer = Buffer.alloc(0)
  #quietSince = performance.now()
  #longestPauseMs = 0
  #pauseSinceMarkMs = 0
  #wrong = 0
  #waiters: Waiter[] = []
  #over = false
  /** True while nothing is to be said. */
  rests = false

  /** `ended` is told each time that a conversation is ended by anybody else. */
  constructor(place: () => Place, ended: () => void) {
    this.#place = place
    this.#ended = ended
    this.#connect()
    this.#timer = setInterval(() => this.#beat(), beatEveryMs)
  }

  get wrong(): number {
    return this.#wrong
  }

  /** The longest time in which a beat was under way and none came back, in milliseconds. */
  get longestPauseMs(): number {
    return Math.max(this.#longestPauseMs, this.#pauseMs)
  }

  /** Begins to look for the longest pause anew. */
  mark(): void {
    this.#pauseSinceMarkMs = 0
  }

  /** The longest pause since the mark, in milliseconds. */
  get pauseSinceMarkMs(): number {
    return Math.max(this.#pauseSinceMarkMs, this.#pauseMs)
  }

  /** Waits for a beat that is sent from now on; gives the milliseconds, or undefined in vain. */
  async recovers(deadlineMs: number): Promise<number | undefined> {
    const since = performance.now()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#waiters.push({ beat: this.#sent, answer: resolve })
    const late = new AbortController()
    const inVain = pause(deadlineMs, 'in vain', { signal: late.signal }).catch(() => 'in vain')
    const result = await Promise.race([promise, inVain])
    late.abort()
    return result === 'in vain' ? undefined : performance.now() - since
  }

  [Symbol.dispose](): void {
    this.#over = true
    clearInterval(this.#timer)
    this.#socket?.destroy()
  }

  get #pauseMs(): number {
    return this.#heard < this.#sent ? performance.now() - this.#quietSince : 0
  }

  #connect(): void {
    const socket = connect({ ...this.#place(), noDelay: true })
    this.#socket = socket
    this.#rest = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => this.#hear(bytes))
    let connected = false
    socket.once('connect', () => {
      connected = true
    })
    socket.once('close', () => {
      if (this.#over) return
      if (connected) this.#ended()
      // What was under way is gone with the conversation: the next one begins where this one stood.
      this.#heard = this.#sent
      setTimeout(() => this.#over || this.#connect(), reconnectMs)
    })
  }

  #beat(): void {
    if (this.rests || this.#socket?.writable !== true || this.#sent - this.#heard >= aheadMax)
      return
    if (this.#sent === this.#heard) this.#quietSince = performance.now()
    const beat = Buffer.alloc(beatBytes)
    beat.writeBigUInt64BE(BigInt(this.#sent))
    this.#sent += 1
    this.#socket.write(beat)
  }

  #hear(bytes: Buffer): void {
    let rest = Buffer.concat([this.#rest, bytes])
    for (; rest.length >= beatBytes; rest = rest.subarray(beatBytes)) {
      if (rest.readBigUInt64BE() !== BigInt(this.#heard)) this.#wrong += 1
      this.#heard += 1
    }
    this.#rest = rest
    const pauseMs = performance.now() - this.#quietSince
    this.#longestPauseMs = Math.max(this.#longestPauseMs, pauseMs)
    this.#pauseSinceMarkMs = Math.max(this.#pauseSinceMarkMs, pauseMs)
    this.#quietSince = performance.now()
    const heard = this.#waiters.filter(({ beat }) => beat < this.#heard)
    this.#waiters = this.#waiters.filter(({ beat }) => beat >= this.#heard)
    for (const { answer } of heard) answer()
  }
}
