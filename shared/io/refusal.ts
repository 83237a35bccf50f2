/**
 * A refusal in HTTP, as the relay writes it and the agent reads it: `{"code":…,"message":…}`.
 *
 * Invariant: a refusal is one short answer, and then the socket is gone: nothing of what a refused
 * client sends is kept.
 */
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { Fault, type FaultCode, faults } from '../protocol/fault.ts'

/** The longest body of a refusal that is read, in bytes. */
export const refusalBytesMax = 1_024

/** The status of each code that a client may be refused with; any other is 400. */
const statuses: Partial<Record<FaultCode, number>> = {
  certificate_missing: 401,
  certificate_invalid: 401,
  certificate_expired: 401,
  clock_wrong: 401,
  identity_invalid: 403,
  role_wrong: 403,
  revoked: 403,
  origin_denied: 403,
  denied_by_policy: 403,
  unknown_service: 404,
  internal: 500,
  no_agent: 503,
  overloaded: 503,
  shutdown: 503,
  drain: 503,
}

/** The HTTP status with which this code is refused. */
export function statusOf(code: FaultCode): number {
  return statuses[code] ?? 400
}

/** The body of the refusal, one line; what went wrong inside stays inside. */
export function refusalBody({ code, message }: Fault): string {
  const told = code === 'internal' ? faults.internal.says : message
  return `${JSON.stringify({ code, message: told })}\n`
}

/** Answers an upgrade request with the refusal and ends its socket. */
export function refuseUpgrade(socket: Duplex, fault: Fault): void {
  const status = statusOf(fault.code)
  const body = refusalBody(fault)
  socket.once('finish', () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n` +
      'Connection: close\r\n' +
      'Content-Type: application/json\r\n' +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

/**
 * The refusal in an answer of this status. Its code is `carrier_refused`, whoever answered; when a
 * relay did, the `cause` is the fault that it gave.
 */
export function readRefusal(status: number, body: string, relay: string): Fault {
  const cause = parseBody(body)
  if (cause === undefined) {
    const answer = `${status} ${STATUS_CODES[status] ?? ''}`.trim()
    return new Fault(
      'carrier_refused',
      `${relay} answered "${answer}" and not as a relay does. Does a proxy stand before it that ` +
        'passes no WebSocket?',
    )
  }
  return new Fault('carrier_refused', `${relay} refused (${cause.code}): ${cause.message}`, {
    cause,
  })
}

function parseBody(body: string): Fault | undefined {
  let parsed: unknown
  try {
    parsed = JSON.parse(body)
  } catch {
    return undefined
  }
  if (typeof parsed !== 'object' || parsed === null) return undefined
  const { code, message } = parsed as { readonly code?: unknown; readonly message?: unknown }
  if (typeof code !== 'string' || typeof message !== 'string') return undefined
  if (!Object.hasOwn(faults, code)) return undefined
  // Whoever prints it prints it to a terminal.
  return new Fault(code as FaultCode, message.replace(/\p{Cc}/gu, '?'))
}
