/**
 * Promises: who has no certificate, which service nobody has declared, and which page is not
 * listed: each is refused, with a code that the log has too.
 */
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { WebSocket } from 'ws'
import { readRefusal } from '../../shared/io/refusal.ts'
import { Fault, type FaultCode } from '../../shared/protocol/fault.ts'
import { subprotocol } from '../../shared/protocol/frame.ts'
import type { Office } from '../agents.ts'
import type { Child } from '../child.ts'
import type { WebSocketPlace } from '../clients.ts'
import type { Cloud } from '../cloud.ts'
import { waitFor } from '../waiting.ts'

const withinMs = 30_000

/** A client without a certificate knocks where agents do. */
export async function strangerIsRefused(
  cloud: Cloud,
  authority: string,
  signal: AbortSignal,
): Promise<string> {
  const after = cloud.process.here
  const url = `wss://localhost:${cloud.listenPort}/sallyport`
  const socket = new WebSocket(url, subprotocol, { ca: authority })
  await expectRefusal(socket, 401, 'certificate_missing', signal)
  await logged(cloud.process, 'certificate_missing', after)
  return 'no certificate: refused, 401 certificate_missing'
}

/** A page of another origin asks for the service of the listed one. */
export async function foreignPageIsRefused(
  cloud: Cloud,
  { url, authority }: WebSocketPlace,
  signal: AbortSignal,
): Promise<string> {
  const after = cloud.process.here
  const origin = 'https://elsewhere.example'
  const socket = new WebSocket(url, ['mqtt'], { ca: authority, origin })
  await expectRefusal(socket, 403, 'origin_denied', signal)
  await logged(cloud.process, 'origin_denied', after)
  return `page of ${origin}: refused, 403 origin_denied`
}

/** The office asks for a service that no rule allows. */
export async function unlistedServiceIsRefused(
  cloud: Cloud,
  office: Office,
  signal: AbortSignal,
): Promise<string> {
  const relayAfter = cloud.process.here
  const officeAfter = office.process.here
  const socket = connect(office.sshPort, '127.0.0.1')
  socket.on('error', () => {})
  let bytes = 0
  socket.on('data', (piece) => {
    bytes += piece.length
  })
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await waitFor('the end of a connection to plant-1/ssh', { withinMs, signal }, closed)
  if (bytes > 0) throw new Fault('promise_broken', `plant-1/ssh said ${bytes} bytes.`)
  await logged(cloud.process, 'denied_by_policy', relayAfter)
  await logged(office.process, 'denied_by_policy', officeAfter)
  return 'unlisted service plant-1/ssh: refused, denied_by_policy in both logs'
}

async function expectRefusal(
  socket: WebSocket,
  status: number,
  code: FaultCode,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  socket.on('error', reject)
  socket.once('open', () => reject(new Fault('promise_broken', `${socket.url} let it in.`)))
  socket.once('unexpected-response', (_, response) => resolve(response))
  try {
    const what = `a refusal by ${socket.url}`
    const response = await waitFor(what, { withinMs, signal }, promise)
    const body = await waitFor(what, { withinMs, signal }, text(response))
    const { cause } = readRefusal(response.statusCode ?? 0, body, socket.url)
    if (response.statusCode === status && cause instanceof Fault && cause.code === code) return
    const message = `${socket.url} answered ${response.statusCode} ${body.trim()}`
    throw new Fault('promise_broken', `${message}, not ${status} ${code}.`)
  } finally {
    socket.terminate()
  }
}

async function logged(process: Child, code: FaultCode, after: number): Promise<void> {
  await process.said(`a line with ${code}`, (record) => record.code === code, { after, withinMs })
}
