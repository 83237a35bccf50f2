/** Promise: the relay speaks TLS 1.3 and nothing older, with a certificate of its own authority. */
import { once } from 'node:events'
import { type ConnectionOptions, connect } from 'node:tls'
import { Fault } from '../../shared/protocol/fault.ts'
import { relayName } from '../certificates.ts'
import { waitFor } from '../waiting.ts'

const withinMs = 30_000

/** Knocks with each version; gives the name of the one that was agreed on. */
export async function onlyTls13(
  port: number,
  authority: string,
  signal: AbortSignal,
): Promise<string> {
  const newest = await versionAgreed(port, { ca: authority }, signal)
  if (newest !== 'TLSv1.3') throw new Fault('promise_broken', `The relay agreed on ${newest}.`)
  const older: ConnectionOptions = { ca: authority, minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }
  const oldest = await versionAgreed(port, older, signal)
  if (oldest !== undefined) throw new Fault('promise_broken', `The relay agreed on ${oldest} too.`)
  return 'TLS 1.3 only'
}

/** The version of a verified connection, or undefined when the relay refuses these options. */
async function versionAgreed(
  port: number,
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<string | undefined> {
  const socket = connect({ host: '127.0.0.1', servername: relayName, port, ...options })
  const answer = once(socket, 'secureConnect').then(
    () => socket.getProtocol() ?? undefined,
    (error: unknown) => {
      if (isVersionRefused(error)) return undefined
      throw error
    },
  )
  try {
    return await waitFor('a TLS handshake with the relay', { withinMs, signal }, answer)
  } finally {
    socket.destroy()
  }
}

function isVersionRefused(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION'
  )
}
