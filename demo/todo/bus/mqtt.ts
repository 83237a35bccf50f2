/**
 * The bus over MQTT: from a page over a WebSocket to any broker. Browsers load this file as it is.
 *
 * Invariant: what comes is one of the contract's messages, or is passed over.
 */
import { addressed, topics } from '../contract.ts'
import type { Bus, BusOptions } from './bus.ts'
import { Ears } from './ears.ts'
import { MqttSession } from './mqtt-session.ts'

/** Begins to connect. */
export function connectMqtt({ url, clientId, authority }: BusOptions): Bus {
  const ears = new Ears(clientId)
  const session = new MqttSession({
    url,
    clientId,
    authority,
    subscriptions: [topics.todo, addressed(topics.todo, clientId)],
    isPresent: true,
    isKept: false,
    hear: (_topic, payload, done) => {
      ears.hear(payload)
      done()
    },
    onState: (state, reason) => ears.become(state, reason),
  })
  return {
    clientId,
    get state() {
      return session.state
    },
    async send(command) {
      await session.publish(topics.todo, JSON.stringify({ ...command, clientId }))
    },
    onCommand: (hear) => ears.onCommand(hear),
    onState: (hear) => ears.onState(hear),
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}
