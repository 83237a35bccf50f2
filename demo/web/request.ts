/**
 * Whether a request was meant for a page of this machine, and came from one.
 *
 * Invariant: a name that is no loopback is not answered, whatever it resolves to (DNS rebinding,
 * A1); what changes something is done for this server's own pages only (W11).
 */
import type { IncomingHttpHeaders } from 'node:http'

/** True when the browser was led here by a loopback address or by `localhost`, and by no name. */
export function isLoopbackHost({ host }: IncomingHttpHeaders): boolean {
  const name = host?.replace(/:\d+$/, '')
  return name === 'localhost' || name === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(name ?? '')
}

/** True when the page that asks came from the address that it asks; absent is not the same. */
export function isSameOrigin({ host, origin }: IncomingHttpHeaders): boolean {
  return origin !== undefined && origin === `http://${host}`
}
