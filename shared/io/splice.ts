/**
 * A splice: one TCP socket joined to one end of a stream.
 *
 * Invariant: the socket is read only while the end has room, but for the one read that is under
 * way; bytes count as taken when the write callback came without an error, and never before. FIN
 * is FIN and RST is RST, in both directions (RFC 9293).
 */
import type { Socket } from 'node:net'
import type { FaultCode } from '../protocol/fault.ts'
import type { Local } from '../protocol/stream.ts'

/** Keeps address translations and balancers from forgetting an idle socket (240 s and more). */
export const keepAliveMs = 60_000

/** What a splice needs of its end. */
export interface SplicedEnd {
  room(): number
  write(bytes: Uint8Array): void
  finish(): void
  abort(): void
  taken(count: number): void
  takenFinish(): void
}

export class Splice implements Local {
  readonly #socket: Socket
  readonly #onClosed: (code: FaultCode) => void
  #end: SplicedEnd | undefined
  /** The last bytes of this turn: they are written when it is over. */
  #held: Uint8Array | undefined
  #over = false
  #written = 0
  #taken = 0
  #finished = false

  /** `onClosed` is called once, with the reason, when the stream is over. */
  constructor(socket: Socket, onClosed: (code: FaultCode) => void) {
    this.#socket = socket
    this.#onClosed = onClosed
    socket.setNoDelay(true)
    socket.setKeepAlive(true, keepAliveMs)
    socket.pause()
    socket.on('error', this.#abort)
    socket.on('close', this.#closedSocket)
  }

  /** The end that this socket belongs to; called once, before anything else can happen. */
  bind(end: SplicedEnd): void {
    this.#end = end
  }

  opened(): void {
    this.#socket.on('data', this.#read)
    this.#socket.on('end', this.#readEnd)
    this.#mayRead()
  }

  deliver(bytes: Uint8Array): void {
    if (this.#socket.destroyed) return
    if (this.#held === undefined) {
      this.#socket.cork()
      setImmediate(this.#flush)
    } else {
      this.#write(this.#held)
    }
    this.#held = bytes
  }

  finish(): void {
    this.#flush()
    this.#socket.end(() => {
      this.#finished = true
      if (!this.#over) this.#end?.takenFinish()
    })
  }

  room(): void {
    if (this.#socket.isPaused()) this.#mayRead()
  }

  reset(): void {
    if (this.#socket.destroyed) return
    const { connecting, writableEnded, writableFinished } = this.#socket
    // While a FIN is on its way the system refuses a reset, and the handle would leak.
    if (connecting || (writableEnded && !writableFinished)) this.#socket.destroy()
    else this.#socket.resetAndDestroy()
  }

  closed(code: FaultCode): void {
    this.#over = true
    // Both directions ended: what is left of the socket goes when its last bytes have gone.
    this.#socket.destroySoon()
    this.#onClosed(code)
  }

  readonly #read = (bytes: Buffer): void => {
    if (this.#over || this.#end === undefined) return
    this.#end.write(bytes)
    if (this.#end.room() === 0) this.#socket.pause()
  }

  readonly #readEnd = (): void => {
    if (!this.#over) this.#end?.finish()
  }

  readonly #abort = (): void => {
    if (!this.#over) this.#end?.abort()
  }

  readonly #closedSocket = (): void => {
    const orderly = this.#finished && this.#socket.readableEnded
    if (!this.#over && !orderly) this.#end?.abort()
  }

  /** Writes come in order, so what is no longer buffered is what was taken. */
  readonly #wrote = (error?: Error | null): void => {
    if (error || this.#over) return
    const taken = this.#written - this.#socket.writableLength
    const fresh = taken - this.#taken
    if (fresh <= 0) return
    this.#taken = taken
    this.#end?.taken(fresh)
  }

  #mayRead(): void {
    if (!this.#over && this.#end !== undefined && this.#end.room() > 0) this.#socket.resume()
  }

  /** All that comes in one turn of the loop goes to the socket in one write, with one callback. */
  readonly #flush = (): void => {
    const held = this.#held
    if (held === undefined) return
    this.#held = undefined
    this.#write(held, this.#wrote)
    this.#socket.uncork()
  }

  #write(bytes: Uint8Array, wrote?: (error?: Error | null) => void): void {
    if (this.#socket.destroyed) return
    this.#written += bytes.length
    this.#socket.write(bytes, wrote)
  }
}
