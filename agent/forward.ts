/**
 * A forward: a local listener that leads to a service at another agent, through the relay.
 *
 * Invariant: each connection is one stream, opened in this agent's own name; the relay decides by
 * the certificate, never by what is said here.
 */
import type { Socket } from 'node:net'
import { monotonicNow } from '../shared/io/alarm.ts'
import { type Listener, openListener } from '../shared/io/listener.ts'
import type { Log } from '../shared/io/log.ts'
import { Splice } from '../shared/io/splice.ts'
import type { Endpoint } from '../shared/protocol/endpoint.ts'
import { Fault, faults } from '../shared/protocol/fault.ts'
import type { Forward } from './config.ts'
import { journeyOf } from './connect.ts'

export interface ForwardOptions {
  readonly forward: Forward
  readonly endpoint: Endpoint
  /** Who opens: `agent/plant-1`. */
  readonly from: string
  readonly streamsMax: number
  readonly log: Log
}

/** Listens and opens a stream for each connection. */
export async function openForward(options: ForwardOptions): Promise<Listener> {
  const { forward, streamsMax } = options
  return await openListener({
    listen: forward.listen,
    connectionsMax: streamsMax,
    onSocket: (socket) => openStream(options, socket),
  })
}

function openStream({ forward, endpoint, from, log }: ForwardOptions, socket: Socket): void {
  const { service: to } = forward
  const client = { 'client.address': socket.remoteAddress, 'client.port': socket.remotePort }
  try {
    const splice = new Splice(socket, (code) => {
      const fields = { service: to, ...client, stream: end.key, code, ...journeyOf(end) }
      if (code === 'end' || code === 'connection_reset') log.info('stream ended', fields)
      else log.warn(`${to}: ${faults[code].says}`, fields)
    })
    const end = endpoint.open({ to, from, attributes: [], local: splice }, monotonicNow())
    splice.bind(end)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    log.warn(`${to}: ${error.message}`, { ...client, code: error.code })
    socket.resetAndDestroy()
  }
}
