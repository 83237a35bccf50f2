/**
 * Plain TCP ends for tests: a target that hands its connections to the test, a consumer, and how a
 * conversation ended.
 *
 * Invariant: both are half-open at will and nothing is read before the test asks, so that what a
 * test sees of FIN and RST is what really came.
 */
import { once } from 'node:events'
import {
  type AddressInfo,
  connect,
  createServer,
  type Socket,
  type TcpNetConnectOpts,
} from 'node:net'
import { within } from './within.ts'

/** A listening target. */
export interface TcpTarget extends AsyncDisposable {
  readonly port: number
  /** How many connections came so far. */
  readonly accepted: number
  /** The next connection that nobody has taken yet. */
  next(deadlineMs?: number): Promise<Socket>
}

/** Starts a target on a port, by default of loopback; `serve`, if given, meets each connection. */
export async function startTarget(
  serve?: (socket: Socket) => void,
  host = '127.0.0.1',
): Promise<TcpTarget> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: serve === undefined })
  const open = new Set<Socket>()
  const waiting: Socket[] = []
  const takers: ((socket: Socket) => void)[] = []
  let accepted = 0
  server.on('connection', (socket) => {
    accepted += 1
    open.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => open.delete(socket))
    if (serve !== undefined) return serve(socket)
    const take = takers.shift()
    if (take === undefined) waiting.push(socket)
    else take(socket)
  })
  server.listen(0, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    get accepted() {
      return accepted
    },
    async next(deadlineMs) {
      const first = waiting.shift()
      if (first !== undefined) return first
      const taken = new Promise<Socket>((resolve) => takers.push(resolve))
      return await within('connection to the target', taken, deadlineMs)
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A target that gives back every byte, and closes its side when the other one does. */
export async function startEcho(host?: string): Promise<TcpTarget> {
  return await startTarget((socket) => void socket.pipe(socket), host)
}

/** A consumer's socket, connected, or reset at once; it ends with the scope of `using`. */
export async function consumerOf(port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  return await consumerAt({ port, host: '127.0.0.1', localAddress })
}

/** The same, of any place. */
export async function consumerAt(place: TcpNetConnectOpts): Promise<Socket> {
  const socket = connect({ ...place, allowHalfOpen: true })
  socket.on('error', () => {})
  socket.pause()
  const { promise: settled, resolve } = Promise.withResolvers<void>()
  socket.once('connect', resolve).once('close', () => resolve())
  await within(`connection to port ${place.port}`, settled)
  return socket
}

/** All that a socket received, and whether a FIN or an RST came behind it. */
export interface Ending {
  readonly bytes: Buffer
  readonly by: 'fin' | 'reset'
}

/** Reads until the other side ends the conversation. */
export async function readToEnd(socket: Socket, deadlineMs?: number): Promise<Ending> {
  const pieces: Buffer[] = []
  const ending = new Promise<Ending['by']>((resolve) => {
    if (socket.closed) resolve('reset')
    socket.on('data', (piece: Buffer) => pieces.push(piece))
    socket.once('end', () => resolve('fin'))
    socket.once('close', () => resolve('reset'))
  })
  socket.resume()
  const by = await within('end of the conversation', ending, deadlineMs)
  return { bytes: Buffer.concat(pieces), by }
}

/** Reads exactly this many bytes and leaves the rest unread. */
export async function read(socket: Socket, count: number, deadlineMs?: number): Promise<Buffer> {
  let heard = Buffer.alloc(0)
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const hear = (piece: Buffer): void => {
    heard = Buffer.concat([heard, piece])
    if (heard.length >= count) resolve(heard.subarray(0, count))
  }
  const fail = (): void => reject(new Error(`${heard.length} of ${count} bytes came`))
  socket.on('data', hear).once('end', fail).once('close', fail)
  socket.resume()
  try {
    return await within(`${count} bytes`, promise, deadlineMs)
  } finally {
    socket.off('data', hear).off('end', fail).off('close', fail)
    socket.pause()
    if (heard.length > count) socket.unshift(heard.subarray(count))
  }
}

/** Says something and reads it back from an echo. */
export async function echoes(socket: Socket, text: string, deadlineMs?: number): Promise<boolean> {
  socket.write(text)
  const bytes = await read(socket, Buffer.byteLength(text), deadlineMs)
  return bytes.toString() === text
}
