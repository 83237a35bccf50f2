/** Promise: unmodified MQTT clients meet at the on-prem broker, over TCP and over WebSocket. */
import { Fault } from '../../shared/protocol/fault.ts'
import { BrokerClient, type WebSocketPlace } from '../clients.ts'
import { waitFor } from '../waiting.ts'

const withinMs = 30_000

/** A message crosses from the TCP port to the WebSocket, and one the other way. */
export async function messagesCross(
  tcpPort: number,
  place: WebSocketPlace,
  signal: AbortSignal,
): Promise<string> {
  await using tcp = await BrokerClient.overTcp(tcpPort, signal)
  const { client, subprotocol } = await BrokerClient.overWebSocket(place, signal)
  await using webSocket = client
  if (subprotocol !== 'mqtt') {
    const message = `The relay answered the sub-protocol "${subprotocol}", not "mqtt".`
    throw new Fault('promise_broken', message)
  }
  await cross(tcp, webSocket, 'demo/there', signal)
  await cross(webSocket, tcp, 'demo/back', signal)
  return `MQTT by TCP ${tcpPort} and by ${place.url}, a message each way`
}

async function cross(
  from: BrokerClient,
  to: BrokerClient,
  topic: string,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<string>()
  await to.subscribe(topic, resolve)
  from.publish(topic, topic)
  await waitFor(`the message on ${topic}`, { withinMs, signal }, promise)
}
