/**
 * The facade over Socket.IO itself: the reference that the other transports are held to.
 *
 * Invariant: a client has one socket: a newer one with its id ends the older. Pages of other sites
 * are refused.
 */
import type { IncomingMessage } from 'node:http'
import { Server, type Socket } from 'socket.io'
import type { Log } from '../../../shared/io/log.ts'
import { clientIdSchema, limits, serverId } from '../contract.ts'
import {
  assertEvent,
  type Emitter,
  type Event,
  type Facade,
  type FacadeMessage,
  type FacadeOptions,
  type FacadeSocket,
  type Hear,
} from './facade.ts'

/** Serves Socket.IO at `/socket.io` of the HTTP server. */
export function connect({ http, log }: FacadeOptions): Facade {
  const server = new Server(http, {
    serveClient: false,
    maxHttpBufferSize: limits.messageBytesMax,
    pingInterval: 10_000,
    pingTimeout: 10_000,
    allowRequest: (request, answer) => answer(null, isOwnPage(request)),
  })
  const listening = Promise.withResolvers<void>()
  server.use((socket, next) => {
    const { clientId } = socket.handshake.auth
    const isName = clientIdSchema.safeParse(clientId).success && clientId !== serverId
    const isFull = server.sockets.sockets.size > limits.clientsMax
    // Whoever was let in before anybody listens would never be heard.
    if (isName && !isFull) return void listening.promise.then(() => next())
    const reason = isName ? 'there are too many clients' : 'no clientId'
    log.warn('client ignored', { reason, 'client.address': socket.handshake.address })
    next(new Error(reason))
  })
  return {
    on(event: string, hear: never) {
      if (event === 'connection') {
        server.on('connection', welcomed(server, log, hear))
        listening.resolve()
      } else if (event !== 'connect') throw new TypeError(`There is no event ${event}.`)
    },
    emit: (event, message) => emitterOf(server).emit(event, message),
    to: (clientId) => emitterOf(server.to(clientId)),
    async [Symbol.asyncDispose]() {
      await server.close()
    },
  }
}

function welcomed(
  server: Server,
  log: Log,
  hear: (socket: FacadeSocket) => void,
): (socket: Socket) => void {
  return (socket) => {
    const clientId = String(socket.handshake.auth.clientId)
    for (const older of server.sockets.adapter.rooms.get(clientId) ?? []) {
      log.info('client displaced by a newer one', { 'client.id': clientId })
      server.sockets.sockets.get(older)?.disconnect(true)
    }
    void socket.join(clientId)
    hear(facadeOf(socket, clientId, log))
  }
}

function facadeOf(socket: Socket, clientId: string, log: Log): FacadeSocket {
  return {
    clientId,
    on(event: Event | 'disconnect', hear: Hear | (() => void)) {
      if (event === 'disconnect') {
        socket.on(event, () => (hear as () => void)())
        return
      }
      assertEvent(event)
      socket.on(event, (message: unknown, answer: unknown) => {
        const acknowledge = (): void => {
          if (typeof answer === 'function') answer()
        }
        if (isMessageOf(clientId, message)) return hear(message, acknowledge)
        const reason = 'not an object with the clientId of its author'
        log.warn('message ignored', { 'client.id': clientId, topic: event, reason })
        acknowledge()
      })
    },
    emit: (event, message) => emitterOf(socket).emit(event, message),
    broadcast: emitterOf(socket.broadcast),
  }
}

interface Speaker {
  emit(event: string, message: FacadeMessage): unknown
}

function emitterOf(speaker: Speaker): Emitter {
  return {
    emit(event, message) {
      assertEvent(event)
      speaker.emit(event, message)
    },
  }
}

function isMessageOf(clientId: string, message: unknown): message is FacadeMessage {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return false
  return 'clientId' in message && message.clientId === clientId
}

/** A page of the same authority, or a program that is no page. */
function isOwnPage({ headers: { origin, host } }: IncomingMessage): boolean {
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)
}
