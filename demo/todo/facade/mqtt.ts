/**
 * The facade over MQTT: the same events as topics of any broker.
 *
 * Invariant: the server has one session at the broker, in which the broker keeps what comes while
 * the server is away; each message is acknowledged when it was dealt with.
 */
import type { BusState } from '../bus/bus.ts'
import { MqttSession } from '../bus/mqtt-session.ts'
import { addressed, clientIdSchema, topics } from '../contract.ts'
import { Clients } from './clients.ts'
import { assertEvent, type Event, type Facade, type FacadeOptions } from './facade.ts'

/** Begins to connect to the broker. */
export function connect({ url, log }: FacadeOptions): Facade {
  const clients = new Clients(
    (clientId, event, message) => publish(addressed(event, clientId), event, message),
    log,
    silenceMs,
  )

  const session = new MqttSession({
    url,
    clientId: sessionName,
    subscriptions: [topics.todo, topics.deviceStatus, addressed(topics.presence, '+')],
    isPresent: false,
    isKept: true,
    hear: (topic, payload, done) => {
      if (topic === topics.todo || topic === topics.deviceStatus) clients.hear(topic, payload, done)
      else {
        hearPresence(clients, topic, new TextDecoder().decode(payload))
        done()
      }
    },
    onState: (state: BusState, reason) => {
      log.info('broker', { url: place(url), state, ...(reason !== undefined && { reason }) })
      if (state !== 'connected') return
      clients.doubt()
      clients.connected()
    },
  })

  const publish = (topic: string, event: Event, message: object): void => {
    // The last command for a device waits for it at the broker.
    const retain = event === topics.deviceCommand && topic !== event
    session.publish(topic, JSON.stringify(message), retain).catch((error: unknown) => {
      log.debug('not said', { topic, reason: String(error) })
    })
  }

  return {
    on: (event: string, hear: never) => clients.on(event, hear),
    emit(event, message) {
      assertEvent(event)
      publish(event, event, message)
    },
    to: (clientId) => ({
      emit(event, message) {
        assertEvent(event)
        publish(addressed(event, clientId), event, message)
      },
    }),
    async [Symbol.asyncDispose]() {
      clients[Symbol.dispose]()
      await session[Symbol.asyncDispose]()
    },
  }
}

/** The name of the server's session; a second server with the same name would end the first. */
const sessionName = 'todo-server'

/** Who is not announced, or was announced before the broker was lost, must be heard of in time. */
const silenceMs = 15_000

function hearPresence(clients: Clients, topic: string, state: string): void {
  const clientId = topic.slice(topics.presence.length + 1)
  if (!clientIdSchema.safeParse(clientId).success) return
  if (state === 'online') clients.online(clientId, 'gone')
  else clients.offline(clientId)
}

/** A URL without the password that may be in it. */
function place(url: string): string {
  return new URL(url).host
}
