/**
 * The bus that the settings ask for; its library is loaded with it, and no other.
 *
 * Invariant: everything goes to where the page came from.
 */
import type { Bus } from '../bus/bus.ts'
import type { Transport } from './settings.ts'

/** Begins to connect. */
export async function connect(transport: Transport, clientId: string): Promise<Bus> {
  const webSockets = location.origin.replace(/^http/, 'ws')
  switch (transport) {
    case 'socket.io': {
      const { connectSocketIo } = await import('../bus/socket-io.ts')
      return connectSocketIo({ url: location.origin, clientId })
    }
    case 'mqtt': {
      const { connectMqtt } = await import('../bus/mqtt.ts')
      return connectMqtt({ url: `${webSockets}/mqtt`, clientId })
    }
    case 'amqp': {
      const { connectAmqp } = await import('../bus/amqp.ts')
      return connectAmqp({ url: `${webSockets}/amqp`, clientId })
    }
    default:
      return transport satisfies never
  }
}
