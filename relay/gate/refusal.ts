/**
 * How the gate refuses: one line in the log, and an answer with the code.
 *
 * Invariant: whoever is refused is told why, and so is the operator.
 */
import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { type Log, logFault } from '../../shared/io/log.ts'
import { refuseUpgrade } from '../../shared/io/refusal.ts'
import type { Fault } from '../../shared/protocol/fault.ts'
import { originOf, pathOf } from './request.ts'

/** Refuses an upgrade request. */
export function refuseRequest(
  log: Log,
  request: IncomingMessage,
  socket: TLSSocket,
  fault: Fault,
): void {
  const { address, port } = originOf(socket)
  const fields = { 'client.address': address, 'client.port': port, 'url.path': pathOf(request) }
  logFault(log, fault, fields)
  refuseUpgrade(socket, fault)
}
