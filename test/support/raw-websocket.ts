/**
 * WebSocket by hand (RFC 6455), for peers that break its rules.
 *
 * Invariant: nothing here checks anything; what a test asks for is what goes out.
 */
import { createHash } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import { within } from './within.ts'

/** One frame as a test wants it. */
export interface RawFrame {
  /** 0 continuation, 1 text, 2 binary (default), 8 close, 9 ping, 10 pong. */
  readonly opcode?: number
  readonly payload?: Uint8Array
  readonly fin?: boolean
  readonly rsv1?: boolean
  /** The length that the header claims, in its 64-bit form, whatever the payload is. */
  readonly claimedLength?: bigint
}

/** The bytes of a frame; `masked`, as a client must, means with a mask of zeros. */
export function rawFrame(frame: RawFrame, masked: boolean): Buffer {
  const { opcode = 2, payload = new Uint8Array(), fin = true, rsv1 = false, claimedLength } = frame
  const first = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode
  const maskBit = masked ? 0x80 : 0
  let length: Buffer
  if (claimedLength !== undefined) {
    length = Buffer.alloc(9, maskBit | 127)
    length.writeBigUInt64BE(claimedLength, 1)
  } else if (payload.length > 125) {
    length = Buffer.alloc(3, maskBit | 126)
    length.writeUInt16BE(payload.length, 1)
  } else {
    length = Buffer.from([maskBit | payload.length])
  }
  return Buffer.concat([Buffer.from([first]), length, Buffer.alloc(masked ? 4 : 0), payload])
}

/** The request of a client that wants to speak WebSocket; `headers` replace or add lines. */
export function upgradeRequest(
  path: string,
  headers: Readonly<Record<string, string | undefined>> = {},
): string {
  const lines = {
    Host: 'relay.test',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Protocol': 'sallyport.v1',
    ...headers,
  }
  const present = Object.entries(lines)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}: ${value}\r\n`)
  return `GET ${path} HTTP/1.1\r\n${present.join('')}\r\n`
}

/** The answer of a server that agrees, to a request as text. */
export function upgradeAnswer(request: string, moreLines = ''): string {
  const key = /sec-websocket-key: *(\S+)/i.exec(request)?.[1] ?? ''
  const accept = createHash('sha1')
    .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')
  return (
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
    `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: sallyport.v1\r\n${moreLines}\r\n`
  )
}

/** A socket that keeps what it hears, so that a test can wait for it. */
export class Eavesdropper {
  readonly socket: TLSSocket
  /** Resolves when the socket is gone, however it went. */
  readonly gone: Promise<void>
  #heard = Buffer.alloc(0)
  #watchers: (() => void)[] = []

  constructor(socket: TLSSocket) {
    this.socket = socket
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      this.#heard = Buffer.concat([this.#heard, bytes])
      this.#wake()
    })
    this.gone = new Promise((resolve) => {
      socket.once('close', () => {
        this.#wake()
        resolve()
      })
    })
  }

  /** All bytes heard and not yet taken. */
  get heard(): Buffer {
    return this.#heard
  }

  /** Takes what was heard up to and with this text; throws when it does not come. */
  async take(text: string): Promise<string> {
    await this.#until(`"${text}"`, () => this.#heard.includes(text))
    const end = this.#heard.indexOf(text) + text.length
    const taken = this.#heard.subarray(0, end).toString('latin1')
    this.#heard = this.#heard.subarray(end)
    return taken
  }

  /** Takes the next frame of an unmasked sender, or of a client whose mask is zeros. */
  async takeFrame(): Promise<{ readonly opcode: number; readonly payload: Buffer }> {
    await this.#until('frame', () => this.#frameEnd() !== undefined)
    const [start, end] = this.#frameEnd() ?? [0, 0]
    const opcode = (this.#heard[0] ?? 0) & 0x0f
    const payload = this.#heard.subarray(start, end)
    this.#heard = this.#heard.subarray(end)
    return { opcode, payload }
  }

  /** Takes frames up to the closing one: its code and reason. */
  async takeClose(): Promise<{ readonly code: number; readonly reason: string }> {
    for (;;) {
      const { opcode, payload } = await this.takeFrame()
      if (opcode !== 8) continue
      return { code: payload.readUInt16BE(0), reason: payload.subarray(2).toString('latin1') }
    }
  }

  async #until(what: string, condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.socket.closed) throw new Error(`no ${what}, only ${this.#heard.toString('latin1')}`)
      await within(what, new Promise<void>((resolve) => this.#watchers.push(resolve)))
    }
  }

  #wake(): void {
    const watchers = this.#watchers
    this.#watchers = []
    for (const watcher of watchers) watcher()
  }

  #frameEnd(): readonly [start: number, end: number] | undefined {
    const second = this.#heard[1] ?? 0
    const maskBytes = second & 0x80 ? 4 : 0
    const short = second & 0x7f
    if (this.#heard.length < (short === 126 ? 4 : 2)) return undefined
    const start = (short === 126 ? 4 : 2) + maskBytes
    const end = start + (short === 126 ? this.#heard.readUInt16BE(2) : short)
    return this.#heard.length >= end ? [start, end] : undefined
  }
}
