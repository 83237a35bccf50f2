/**
 * The far end of a carrier, for a test that says whatever it wants on it.
 *
 * Invariant: nothing here keeps a rule of the protocol, but that a PING is answered; what comes
 * back is kept until it is taken, and every wait has an end.
 */
import type { WebSocket } from 'ws'
import {
  decode,
  encode,
  type Frame,
  type FrameKind,
  type FrameOf,
} from '../../shared/protocol/frame.ts'
import { within } from './within.ts'

/** How the peer ended a carrier. */
export interface Closing {
  readonly code: number
  readonly reason: string
}

/** One carrier, seen from the side of the test. */
export class FrameSocket implements Disposable {
  /** How the peer ended this carrier. */
  readonly closed: Promise<Closing>
  readonly #ws: WebSocket
  readonly #heard: Frame[] = []
  #closing: Closing | undefined
  #watchers: (() => void)[] = []

  constructor(ws: WebSocket) {
    this.#ws = ws
    this.closed = new Promise((resolve) => {
      ws.once('close', (code, reason) => {
        this.#closing = { code, reason: reason.toString('latin1') }
        this.#wake()
        resolve(this.#closing)
      })
    })
    ws.on('error', () => {})
    ws.on('message', (bytes: Buffer) => {
      const frame = decode(bytes)
      // Liveness is the one thing that it is honest about.
      if (frame.kind === 'ping') {
        return this.send({ kind: 'pong', echo: frame.echo, bytesReceived: 0 })
      }
      this.#heard.push(frame)
      this.#wake()
    })
  }

  /** Says a frame, these bytes, or a text message. */
  send(what: Frame | Uint8Array | string): void {
    if (typeof what === 'string') this.#ws.send(what, { binary: false })
    else this.#ws.send(what instanceof Uint8Array ? what : encode(what))
  }

  /** Reads nothing any more: what the peer says stays in its own hands. */
  stall(): void {
    this.#ws.pause()
  }

  /** Resolves when everything was given to the system. */
  async flushed(): Promise<void> {
    while (this.#closing === undefined && this.#ws.bufferedAmount > 0) {
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  /** Takes the first frame of this kind, and of this stream if one is named. */
  async take<Kind extends FrameKind>(kind: Kind, id?: number): Promise<FrameOf<Kind>> {
    const matches = (frame: Frame): boolean =>
      frame.kind === kind && (id === undefined || ('id' in frame && frame.id === id))
    for (;;) {
      const index = this.#heard.findIndex(matches)
      if (index >= 0) return this.#heard.splice(index, 1)[0] as Frame & FrameOf<Kind>
      if (this.#closing !== undefined) {
        throw new Error(`closed without ${kind}: ${this.#closing.code} ${this.#closing.reason}`)
      }
      const wake = new Promise<void>((resolve) => this.#watchers.push(resolve))
      await within(`${kind} on ${id ?? 'the carrier'}`, wake)
    }
  }

  /** Everything that was heard and not taken. */
  takeAll(): readonly Frame[] {
    return this.#heard.splice(0)
  }

  /** Everything that was said has been handled, and its answers are here. */
  async settled(): Promise<void> {
    // A PONG overtakes other answers, so it is the second one that tells that they are all here.
    for (const echo of [1, 2]) {
      this.send({ kind: 'ping', echo, bytesSent: 0 })
      await this.#takePong(echo)
    }
  }

  /** Ends the carrier without a word. */
  [Symbol.dispose](): void {
    this.#ws.terminate()
  }

  async #takePong(echo: number): Promise<void> {
    while ((await this.take('pong')).echo !== echo);
  }

  #wake(): void {
    const watchers = this.#watchers
    this.#watchers = []
    for (const watcher of watchers) watcher()
  }
}
