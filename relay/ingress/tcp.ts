/**
 * Ingress `tcp`: a port of the relay that leads to one service, for unmodified clients.
 *
 * Invariant: who comes is known by the address of the socket and nothing else; the policy decides
 * before any byte is read, and a refusal is a reset, never a silence.
 */
import { formatAddress, parseAddress } from '../../shared/address.ts'
import type { HostPort } from '../../shared/io/config/values.ts'
import { type Listener, openListener } from '../../shared/io/listener.ts'
import { Splice } from '../../shared/io/splice.ts'
import { Fault } from '../../shared/protocol/fault.ts'
import type { Consumers } from './index.ts'

/** Listens for the consumers of a service. */
export async function openTcpIngress(
  consumers: Consumers,
  service: string,
  listen: HostPort,
): Promise<Listener> {
  return await openListener({
    listen,
    connectionsMax: consumers.connectionsMax,
    onSocket: (socket) => {
      const parsed = parseAddress(socket.remoteAddress ?? '')
      // A consumer may be gone before it was looked at.
      if (parsed === undefined) return void socket.destroy()
      const address = formatAddress(parsed)
      const client = { address, port: socket.remotePort ?? 0 }
      try {
        const splice = new Splice(socket, () => consumers.left())
        splice.bind(consumers.enter({ service, from: `address/${address}`, client, local: splice }))
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        consumers.turnedAway(service, client, error)
        socket.resetAndDestroy()
      }
    },
  })
}
