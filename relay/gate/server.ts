/**
 * The HTTPS server behind the gate, with every limit that an unknown client can run into.
 *
 * Invariant: HTTP/1.1 over TLS 1.3 and nothing else; no error of a socket is without a listener
 * (CVE-2025-59465), and no wait, header, body or connection is without a bound.
 */
import { STATUS_CODES } from 'node:http'
import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { type Log, logFault } from '../../shared/io/log.ts'
import { statusOf } from '../../shared/io/refusal.ts'
import { relayTls, type TlsCredentials } from '../../shared/io/tls.ts'
import { Fault } from '../../shared/protocol/fault.ts'
import type { PendingConnections } from './pending.ts'

/** Bounds of the server; the bodies of requests come from people who have proved nothing (X1). */
export interface ServerLimits {
  /** The headers of each request, in milliseconds; `PendingConnections` bounds what precedes it. */
  readonly handshakeTimeoutMs: number
  /** Sockets at a time, carriers and consumers together. */
  readonly connectionsMax: number
}

/** The most headers of a request, and the most bytes of them with the request line. */
const headersMax = 100
const headerBytesMax = 8_192
/** The longest body, in bytes: a certificate request has two kilobytes. */
const bodyBytesMax = 16 * 1024
/** How long a request may take from its first byte to its last, if its headers get no longer. */
const requestTimeoutMs = 10_000
/** How long a connection may idle between two requests, in milliseconds. */
const keepAliveTimeoutMs = 5_000
const requestsPerSocketMax = 100

/** A server and the application upon it. */
export interface GateServer {
  readonly app: FastifyInstance
  readonly server: Server
}

/** A server that does not listen yet; `app.server` is node's. */
export function createGateServer(
  credentials: TlsCredentials,
  limits: ServerLimits,
  pending: PendingConnections,
  log: Log,
): GateServer {
  const { handshakeTimeoutMs, connectionsMax } = limits
  // Node refuses a request that may take less time than its headers.
  const requestTimeout = Math.max(requestTimeoutMs, handshakeTimeoutMs)
  const secure = Fastify({
    https: {
      ...relayTls(credentials),
      // No `handshakeTimeout`: with two clocks for one wait the pending connections would not count
      // whom the other has ended a millisecond earlier. Node's own stays, behind it: two minutes.
      headersTimeout: handshakeTimeoutMs,
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: headerBytesMax,
      requestTimeout,
      keepAliveTimeout: keepAliveTimeoutMs,
    },
    requestTimeout,
    keepAliveTimeout: keepAliveTimeoutMs,
    maxRequestsPerSocket: requestsPerSocketMax,
    bodyLimit: bodyBytesMax,
    forceCloseConnections: true,
    // What a header says about addresses is believed from nobody (CVE-2026-3635).
    trustProxy: false,
    clientErrorHandler: (error, socket) => answerClientError(error.code, socket),
  })
  // Plugins need not know that the server is one for HTTPS.
  const app = secure as unknown as FastifyInstance
  answerInCodes(app, log)

  const { server } = secure
  server.maxConnections = connectionsMax
  server.maxHeadersCount = headersMax
  server.on('connection', (socket: Socket) => pending.arrive(socket))
  server.on('drop', (dropped) => pending.shed(dropped?.remoteAddress ?? ''))
  // Without this listener one failed accept, with all descriptors in use, would end the process.
  server.on('error', (error) => {
    if (server.listening) logFault(log, error, { 'error.phase': 'accept' })
  })
  server.on('request', ({ socket }) => pending.settle(socket))
  return { app, server }
}

/** Errors of handlers are answered as refusals are: `{code, message}`. */
function answerInCodes(app: FastifyInstance, log: Log): void {
  app.setNotFoundHandler(async (_, reply) => {
    const { code, message } = new Fault('unknown_service', 'Nothing is served at this path.')
    return await reply.code(404).send({ code, message })
  })
  app.setErrorHandler(async (error: Error & { readonly statusCode?: number }, request, reply) => {
    const { statusCode = 500 } = error
    if (error instanceof Fault && error.code !== 'internal') {
      return await reply
        .code(statusOf(error.code))
        .send({ code: error.code, message: error.message })
    }
    if (statusCode < 500) {
      return await reply.code(statusCode).send({ code: 'message_invalid', message: error.message })
    }
    logFault(log, error, { 'client.address': request.ip, 'http.route': request.routeOptions.url })
    const { code, message } = new Fault('internal')
    return await reply.code(500).send({ code, message })
  })
}

/** Answers what is no HTTP, as far as that is HTTP's business, and ends the connection. */
function answerClientError(reason: string | undefined, socket: Socket): void {
  socket.on('error', () => {})
  if (socket.writable && reason !== undefined && /^(?:HPE|ERR_HTTP)_/.test(reason)) {
    const status =
      reason === 'HPE_HEADER_OVERFLOW' ? 431 : reason === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`)
  }
  socket.destroy()
}
