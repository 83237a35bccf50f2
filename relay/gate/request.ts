/**
 * What an upgrade request must look like before anybody asks who sent it; where it comes from.
 *
 * Invariant: nothing is decoded or repaired. A path is compared as it was sent, and a body beside
 * an upgrade is refused and never skipped (CVE-2026-33555).
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { formatAddress, parseAddress } from '../../shared/address.ts'
import { Fault } from '../../shared/protocol/fault.ts'

/** The path of a request, as it was sent, without its query. */
export function pathOf({ url = '' }: IncomingMessage): string {
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}

/** Why this is no request for a WebSocket, or undefined when it is one. */
export function upgradeFault(request: IncomingMessage): Fault | undefined {
  const { headers, method } = request
  if (method !== 'GET' || headers.upgrade?.toLowerCase() !== 'websocket') {
    return new Fault('carrier_refused', 'Only WebSocket is spoken here: GET, Upgrade: websocket.')
  }
  const length = headers['content-length']
  if (headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')) {
    return new Fault('carrier_refused', 'An upgrade request has no body.')
  }
  return undefined
}

/** True when the request offers this sub-protocol, among others or alone. */
export function offersProtocol({ headers }: IncomingMessage, protocol: string): boolean {
  const offered = headers['sec-websocket-protocol'] ?? ''
  return offered.split(',').some((name) => name.trim() === protocol)
}

/** Where a connection comes from: its socket's word and no header's. */
export interface Origin {
  /** In canonical spelling; an IPv4 address as such, also on a socket for both families. */
  readonly address: string
  readonly port: number
}

/** Where this connection comes from. */
export function originOf({ remoteAddress = '', remotePort = 0 }: Socket): Origin {
  const address = parseAddress(remoteAddress)
  return { address: address ? formatAddress(address) : remoteAddress, port: remotePort }
}
