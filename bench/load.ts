/**
 * Load through one address: so many streams, so many bytes, one direction.
 *
 * Invariant: the time runs from the first byte to the last one taken at the other side, and every
 * byte is counted there.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

export interface Load {
  readonly streams: number
  /** Of all streams together. */
  readonly bytes: number
  /** `up`: the consumer sends; `down`: the target sends. */
  readonly direction: 'up' | 'down'
}

const chunk: Buffer = Buffer.alloc(65_536, 7)

/** The target: it sinks what comes, or sends as many bytes as the first eight bytes ask for. */
export async function openTarget(): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => {})
    socket.once('data', (first: Buffer) => {
      const asked = Number(first.readBigUInt64BE(0))
      if (asked === 0) sink(socket)
      else send(socket, asked)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, server }
}

/** Sends the load through the address; gives the seconds that it took. */
export async function runLoad(port: number, { streams, bytes, direction }: Load): Promise<number> {
  const share = Math.ceil(bytes / streams)
  const begin = performance.now()
  await Promise.all(
    Array.from({ length: streams }, async () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      const head = Buffer.alloc(8)
      head.writeBigUInt64BE(direction === 'down' ? BigInt(share) : 0n)
      socket.write(head)
      if (direction === 'up') send(socket, share)
      await drain(socket, direction === 'up' ? 8 : share)
    }),
  )
  return (performance.now() - begin) / 1_000
}

function sink(socket: Socket): void {
  socket.on('data', () => {})
  // Eight bytes back say that everything has come.
  socket.on('end', () => socket.end(Buffer.alloc(8)))
}

function send(socket: Socket, bytes: number): void {
  let left = bytes
  const write = (): void => {
    while (left > 0) {
      const part = left >= chunk.length ? chunk : chunk.subarray(0, left)
      left -= part.length
      if (!socket.write(part)) return
    }
    socket.off('drain', write)
    socket.end()
  }
  socket.on('drain', write)
  write()
}

async function drain(socket: Socket, expected: number): Promise<void> {
  let taken = 0
  socket.on('data', (bytes: Buffer) => {
    taken += bytes.length
  })
  await once(socket, 'close')
  if (taken !== expected) throw new Error(`${taken} bytes came, ${expected} were sent`)
}
