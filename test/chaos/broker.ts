/** An MQTT broker in this process, on a port of its own. */
import { Aedes } from 'aedes'
import { startTarget } from '../support/tcp.ts'

export interface Broker extends AsyncDisposable {
  readonly port: number
}

/** Starts the broker. */
export async function startBroker(host: string): Promise<Broker> {
  const broker = await Aedes.createBroker()
  const target = await startTarget((socket) => void broker.handle(socket), host)
  return {
    port: target.port,
    async [Symbol.asyncDispose]() {
      await target[Symbol.asyncDispose]()
      await new Promise<void>((resolve) => broker.close(resolve))
    },
  }
}
