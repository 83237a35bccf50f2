/**
 * One WebSocket as a carrier: binary messages there and back until it is gone.
 *
 * Invariant: the listener hears messages, then `closed` once, when the socket is gone, and nothing
 * after it; never from within a call of the carrier. No closing handshake is ever waited for longer
 * than `closeTimeoutMs`: on a black-holed path it would never end (superset#6236).
 */
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { type RawData, WebSocket } from 'ws'
import { Fault } from '../protocol/fault.ts'
import { frameBytesMax } from '../protocol/frame.ts'
import { Batch, headerBytes, type Mask, type Write } from './batch.ts'

/** One WebSocket between an agent and a relay. */
export interface Carrier {
  /**
   * A place for one binary message of so many bytes, at most `frameBytesMax`: it is filled at once,
   * and goes out with the next `flush`. Never blocks, see `bufferedBytes`.
   */
  readonly place: (size: number) => Uint8Array
  /** Sends what was placed, in one write. */
  flush(): void
  /** Bytes of messages that are not yet taken by the operating system. */
  readonly bufferedBytes: number
  /** Ends at once, without a word to the peer; `closed` says this fault, or `carrier_lost`. */
  destroy(fault?: Fault): void
  /** Says the WebSocket close code (1000, 1001, 3000 to 4999, …) and a reason, then ends. */
  close(code: number, reason: string): void
}

/** The one who holds a carrier. What it throws ends the carrier: a `Fault` as itself. */
export interface CarrierListener {
  /** One message. The receiver owns these bytes: nobody writes there any more. */
  message(bytes: Uint8Array): void
  /** What was buffered has fallen from above `lowMarkBytes` to it, or below. */
  drained(): void
  /** The carrier is gone: carrier_lost, carrier_silent, message_invalid, internal, … */
  closed(fault: Fault): void
}

/** Where `drained` is said: two full messages keep a socket busy until the next turn. */
export const lowMarkBytes = 2 * frameBytesMax

/** How long the peer has to answer a close, in milliseconds. */
export const closeTimeoutMs = 1_000

/**
 * What both sides give to ws. Compression is never offered nor accepted: a few bytes would unpack
 * to gigabytes (CVE-2026-1526). An honest message comes in one fragment and one or two chunks; a
 * middle box may cut it into segments of 1.4 kB, and nobody into single bytes (CVE-2026-48779).
 */
export const carrierOptions = {
  perMessageDeflate: false,
  maxPayload: frameBytesMax,
  maxFragments: 64,
  maxBufferedChunks: 1_024,
  maxPendingAutoPongs: 16,
  closeTimeout: closeTimeoutMs,
} as const

/**
 * The agent's mask of zeros, for what ws says by itself as for messages (batch.ts): RFC 6455 (5.3)
 * masks against proxies that read plain HTTP, and there are none inside TLS.
 */
export const zeroMask = { generateMask(): void {} } as const

/**
 * Makes the two into a carrier; in the turn in which the WebSocket opened, or while it pauses.
 * `clientMask` is how a client masks its messages; a server never does.
 */
export function wrapCarrier(
  ws: WebSocket,
  socket: Socket,
  listener: CarrierListener,
  clientMask: Mask = 'zeros',
): Carrier {
  if (socket instanceof TLSSocket) alignRecords(ws, socket)
  return new WebSocketCarrier(ws, socket, listener, isClient(ws) ? clientMask : undefined)
}

/** Cuts TLS records where full messages end: a message in two records is copied once more. */
function alignRecords(ws: WebSocket, socket: TLSSocket): void {
  const { masked, unmasked } = headerBytes
  socket.setMaxSendFragment(frameBytesMax + (isClient(ws) ? masked : unmasked))
}

/** Only a client has a URL, and only a client masks. */
function isClient(ws: WebSocket): boolean {
  return Boolean(ws.url)
}

class WebSocketCarrier implements Carrier {
  readonly #ws: WebSocket
  readonly #socket: Socket
  readonly #listener: CarrierListener
  readonly #batch: Batch
  #fault: Fault | undefined
  #ending = false
  #aboveLowMark = false

  constructor(ws: WebSocket, socket: Socket, listener: CarrierListener, mask: Mask | undefined) {
    this.#ws = ws
    this.#socket = socket
    this.#listener = listener
    this.#batch = new Batch(mask, this.#write)
    // Pings and pongs of middle boxes are answered by ws and mean nothing here.
    ws.on('message', (data, isBinary) => this.#receive(data, isBinary))
    ws.on('error', (cause) => this.#blame(invalidMessage(cause)))
    ws.on('close', (code, reason) => this.#closed(code, reason.toString('latin1')))
    socket.on('error', (cause) => this.#blame(lostCarrier(`broke (${cause.message})`, cause)))
    // Whoever ends without a closing message reads no more either.
    socket.on('end', () => socket.destroy())
  }

  get bufferedBytes(): number {
    return this.#socket.writableLength + this.#batch.bytes
  }

  readonly place = (size: number): Uint8Array => this.#batch.place(size)

  flush(): void {
    this.#batch.flush()
  }

  destroy(fault?: Fault): void {
    this.#blame(fault ?? lostCarrier('was ended by this side'))
    this.#ending = true
    this.#ws.terminate()
  }

  close(code: number, reason: string): void {
    this.#end(code, reason, lostCarrier(`was closed by this side (${code} ${reason})`))
  }

  // Straight to the socket, for ws would send each header by itself. It has nothing under way then:
  // without compression it queues nothing.
  readonly #write: Write = (bytes, taken): void => {
    if (this.#ending || this.#ws.readyState !== WebSocket.OPEN) return
    this.#socket.write(bytes, (error) => {
      taken(error)
      this.#written(error)
    })
    if (this.bufferedBytes > lowMarkBytes) this.#aboveLowMark = true
  }

  #written(error?: Error | null): void {
    if (error || !this.#aboveLowMark || this.bufferedBytes > lowMarkBytes) return
    this.#aboveLowMark = false
    if (this.#ending) return
    try {
      this.#listener.drained()
    } catch (cause) {
      this.#fail(cause)
    }
  }

  #receive(data: RawData, isBinary: boolean): void {
    if (this.#ending) return
    if (!isBinary || !(data instanceof Uint8Array)) {
      const text = new Fault('message_invalid', 'A text message came; a carrier takes binary ones.')
      this.#end(1003, text.code, text)
      return
    }
    try {
      this.#listener.message(data)
    } catch (cause) {
      this.#fail(cause)
    }
  }

  #fail(cause: unknown): void {
    if (cause instanceof Fault && cause.code !== 'internal') this.#end(1008, cause.code, cause)
    else this.#end(1011, 'internal', new Fault('internal', undefined, { cause }))
  }

  #end(code: number, reason: string, fault: Fault): void {
    if (this.#ending) return
    this.#blame(fault)
    this.#ending = true
    this.#ws.close(code, printable(reason))
  }

  /** The first fault is the cause, the later ones are its consequences. */
  #blame(fault: Fault): void {
    this.#fault ??= fault
  }

  #closed(code: number, reason: string): void {
    this.#ending = true
    this.#fault ??=
      code === 1006
        ? lostCarrier('ended without a closing message')
        : lostCarrier(`was closed by the peer (${printable(`${code} ${reason}`.trim())})`)
    try {
      this.#listener.closed(this.#fault)
    } catch (cause) {
      // There is no carrier left to close with it, and the process has others to care for.
      process.emitWarning(cause instanceof Error ? cause : String(cause))
    }
  }
}

function lostCarrier(what: string, cause?: Error): Fault {
  return new Fault('carrier_lost', `The carrier ${what}.`, { cause })
}

function invalidMessage(cause: Error): Fault {
  return new Fault('message_invalid', `The peer broke the WebSocket protocol: ${cause.message}.`, {
    cause,
  })
}

/** A reason as RFC 6455 (5.5) allows it, at most 123 bytes, and as a log line bears it. */
function printable(reason: string): string {
  return reason.replace(/[^\x20-\x7e]/g, '?').slice(0, 123)
}
