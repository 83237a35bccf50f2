/**
 * A TCP listener for consumers: an ingress of the relay, or a forward of an agent.
 *
 * Invariant: every socket is handed over paused and half-open, so that not a byte is read before
 * its stream is open and a FIN in one direction ends only that direction.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { HostPort } from './config/values.ts'
import { listenFault } from './network-fault.ts'

export interface Listener extends AsyncDisposable {
  /** Where it listens, with the port that the system chose for port 0. */
  readonly address: HostPort
  /** Takes nobody in any more; who is in stays. */
  close(): void
}

export interface ListenerOptions {
  readonly listen: HostPort
  /** Sockets at once; the system's queue holds what comes beyond it. */
  readonly connectionsMax: number
  readonly onSocket: (socket: Socket) => void
}

/** Listens. Throws `port_in_use` or `address_unavailable`, naming the address. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { listen, onSocket } = options
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    sockets.add(socket)
    // A socket may break before anybody has taken it over.
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    onSocket(socket)
  })
  server.maxConnections = options.connectionsMax
  try {
    server.listen({ host: listen.host, port: listen.port })
    await once(server, 'listening')
  } catch (error) {
    throw listenFault(error, listen)
  }
  const { port } = server.address() as AddressInfo
  return {
    address: { host: listen.host, port },
    close: () => void server.close(),
    async [Symbol.asyncDispose](): Promise<void> {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
