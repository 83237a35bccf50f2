/**
 * What the errors of sockets and TLS mean to a person, and what he can do about them.
 *
 * Invariant: every message names the place as it was configured, and what to do next; the error
 * itself is the `cause`.
 */
import type { X509Certificate } from 'node:crypto'
import { Fault, type FaultCode } from '../protocol/fault.ts'
import type { HostPort } from './config/values.ts'

/** `relay.example.com:443`, `[::1]:443`. */
export function placeText({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** What dialling came to know before it failed. */
export interface Evidence {
  /** The certificate that the other side showed, good or not. */
  readonly shown?: X509Certificate | undefined
  /** What the judge's clock says. */
  readonly now?: Date
  /** Who judges, as the reader of the message would call it; `this machine` by default. */
  readonly judge?: string
}

/** The fault of an agent whose connection to the relay failed with this error. */
export function dialFault(error: unknown, relay: HostPort, evidence: Evidence = {}): Fault {
  if (error instanceof Fault) return error
  const reason = codeOf(error)
  return (
    certificateFault(reason, `The certificate for ${relay.host}`, evidence, error) ??
    new Fault('carrier_unreachable', unreachable(reason, error, relay), { cause: error })
  )
}

/** The fault of a process that could not listen where it was told to. */
export function listenFault(error: unknown, place: HostPort): Fault {
  const where = placeText(place)
  const fault = (code: FaultCode, message: string): Fault =>
    new Fault(code, message, { cause: error })
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return fault(
        'port_in_use',
        `Another process listens on ${where}. Which: ss -ltnp 'sport = :${place.port}'`,
      )
    case 'EACCES':
      return fault(
        'address_unavailable',
        `This user may not listen on ${where}: ports below 1024 need CAP_NET_BIND_SERVICE.`,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return fault(
        'address_unavailable',
        `This machine has no address ${place.host}, so it cannot listen on ${where}.`,
      )
    default:
      return fault('address_unavailable', `It is impossible to listen on ${where}: ${text(error)}.`)
  }
}

/**
 * The fault of a certificate that OpenSSL refused for this reason, such as `CERT_HAS_EXPIRED`, or
 * undefined when that is no reason against a certificate. `whose` begins the sentence.
 */
export function certificateFault(
  reason: string,
  whose: string,
  { shown, now = new Date(), judge = 'this machine' }: Evidence = {},
  cause?: unknown,
): Fault | undefined {
  const fault = (code: FaultCode, message: string): Fault => new Fault(code, message, { cause })
  const begins = shown?.validFromDate
  const ends = shown?.validToDate
  switch (reason) {
    case 'CERT_NOT_YET_VALID':
      return fault('clock_wrong', clockMessage(whose, begins, now, judge))
    case 'CERT_HAS_EXPIRED':
      // An authority above may have ended by a clock that runs ahead of the leaf's beginning.
      if (begins !== undefined && now < begins) {
        return fault('clock_wrong', clockMessage(whose, begins, now, judge))
      }
      return fault(
        'certificate_expired',
        `${whose} ended ${ends === undefined ? '' : `${day(ends)} `}by the clock of ${judge}, ` +
          `which says ${day(now)}. If the clock is wrong: timedatectl`,
      )
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'CERT_UNTRUSTED':
      return fault(
        'tls_intercepted',
        `${whose} comes from ${issuerText(shown)}, not from the authority that is trusted here. ` +
          'Either somebody between reads TLS, or the authority is another one.',
      )
    default:
      return isAgainstCertificate(reason)
        ? fault('certificate_invalid', `${whose} does not verify (${reason}).`)
        : undefined
  }
}

function unreachable(reason: string, error: unknown, relay: HostPort): string {
  const where = placeText(relay)
  switch (reason) {
    case 'ENOTFOUND':
      return `The name ${relay.host} does not resolve. Check: getent hosts ${relay.host}`
    case 'EAI_AGAIN':
      return `No name server answers for ${relay.host}. Check this machine's DNS.`
    case 'ECONNREFUSED':
      return `${where} refused the connection: nothing listens there. Does the relay run?`
    case 'ETIMEDOUT':
      return `${where} does not answer: a firewall drops it. Ask for outbound TCP ${relay.port}.`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `No route leads from this machine to ${where}. Check: ip route`
    case 'ECONNRESET':
    case 'EPIPE':
      return `The connection to ${where} was cut: a firewall, or a relay that restarts.`
    default:
      break
  }
  if (/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|HANDSHAKE_FAILURE/.test(reason)) {
    return `${where} answers, but not with TLS 1.3: it is no relay, or a device between is too old.`
  }
  if (reason.startsWith('ERR_SSL_') || reason === 'EPROTO') {
    return `${where} answers, but not with TLS: it is no relay, or a proxy stands between.`
  }
  return `${where} cannot be reached: ${text(error)}.`
}

function clockMessage(whose: string, begins: Date | undefined, now: Date, judge: string): string {
  const from = begins === undefined ? 'later' : day(begins)
  return `${whose} begins ${from}, but the clock of ${judge} says ${day(now)}. Check: timedatectl`
}

/** The reasons of OpenSSL (X509_V_ERR_…) and node that are about a certificate. */
function isAgainstCertificate(reason: string): boolean {
  return (
    reason === 'ERR_TLS_CERT_ALTNAME_INVALID' ||
    /^(?:CERT|CRL|INVALID|PATH_LENGTH|ERROR_IN|UNABLE_TO|HOSTNAME)_|^UNSPECIFIED$/.test(reason)
  )
}

function issuerText(shown: X509Certificate | undefined): string {
  const names = shown?.issuer.split('\n') ?? []
  const name = names.find((part) => /^(?:CN|O)=/.test(part))?.replace(/^\w+=/, '')
  return name === undefined ? 'an unknown issuer' : JSON.stringify(name.slice(0, 100))
}

function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function day(date: Date): string {
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
