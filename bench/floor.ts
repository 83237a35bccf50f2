/**
 * The floor of a tunnel in Node: two processes that pipe TCP into TLS and TLS into TCP, and nothing
 * else. No frames, no credit, no identity, one TLS connection a stream.
 *
 * Invariant: started as `node bench/floor.ts near|far`, with its settings as JSON in the first
 * argument behind; it prints the port that it listens on.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'

/** What both processes need. */
export interface FloorSettings {
  readonly certificate: string
  readonly key: string
  readonly authority: string
  /** Where the process connects to. */
  readonly port: number
}

const [, , role, json] = process.argv
if (role === 'near' || role === 'far') serve(role, JSON.parse(json ?? '{}') as FloorSettings)

function serve(side: 'near' | 'far', settings: FloorSettings): void {
  const { certificate: cert, key, authority: ca, port } = settings
  const tls = { cert, key, ca, minVersion: 'TLSv1.3', allowHalfOpen: true } as const
  const server =
    side === 'near'
      ? createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
          const far = connectTls({ ...tls, port, host: '127.0.0.1', servername: 'localhost' })
          join(socket, far)
        })
      : createTlsServer({ ...tls, requestCert: true, noDelay: true }, (socket) => {
          join(socket, connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }))
        })
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
  })
}

function join(one: Socket, other: Socket): void {
  one.on('error', () => other.destroy())
  other.on('error', () => one.destroy())
  one.pipe(other)
  other.pipe(one)
}
