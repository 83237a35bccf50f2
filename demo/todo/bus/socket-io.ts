/**
 * The bus over Socket.IO: the reference transport. Browsers load this file as it is.
 *
 * Invariant: what comes is one of the contract's messages, or is passed over.
 */
import { io } from 'socket.io-client'
import { topics } from '../contract.ts'
import type { Bus, BusOptions, BusState } from './bus.ts'
import { Ears } from './ears.ts'

/** Begins to connect. */
export function connectSocketIo({ url, clientId }: BusOptions): Bus {
  const ears = new Ears(clientId)
  const socket = io(url, {
    auth: { clientId },
    transports: ['websocket'],
    forceNew: true,
    reconnectionDelay: 500,
    reconnectionDelayMax: 3_000,
  })
  let state: BusState = 'connecting'
  let comeBack: ReturnType<typeof setTimeout> | undefined
  const become = (next: BusState, reason?: string): void => {
    if (next === state) return
    state = next
    ears.become(next, reason)
  }
  socket.on('connect', () => become('connected'))
  socket.on('disconnect', (reason) => {
    become('lost', reason)
    // The server has sent this one away, to stop or for a newer one: Socket.IO would stay away.
    if (reason === 'io server disconnect') comeBack = setTimeout(() => socket.connect(), comeBackMs)
  })
  socket.on('connect_error', ({ message }) => become('lost', message))
  socket.on(topics.todo, (said: unknown) => ears.hear(said))
  return {
    clientId,
    get state() {
      return state
    },
    async send(command) {
      if (!socket.connected) throw new Error('There is no connection to the server.')
      await socket.timeout(answerWithinMs).emitWithAck(topics.todo, { ...command, clientId })
    },
    onCommand: (hear) => ears.onCommand(hear),
    onState: (hear) => ears.onState(hear),
    async [Symbol.asyncDispose]() {
      clearTimeout(comeBack)
      socket.disconnect()
    },
  }
}

const answerWithinMs = 10_000
const comeBackMs = 1_000
