/** Promise: a stream survives the loss of its carrier, and its clients do not notice. */
import { Fault } from '../../shared/protocol/fault.ts'
import { linkReady } from '../agents.ts'
import type { Child } from '../child.ts'
import { BrokerClient, type WebSocketPlace } from '../clients.ts'
import { countText, type Progress, secondsText } from '../narration.ts'
import type { Network } from '../network.ts'
import { Sequence } from '../sequence.ts'

export const messagesTotal = 10_000
export const cutsTotal = 5

/** Messages under way: enough that each cut strikes many of them. */
const aheadMax = 500
/** For all messages between two cuts: far more than any machine needs. */
const withinMs = 30_000

/** What the promise is about. */
export interface CutsStage {
  readonly tcpPort: number
  readonly place: WebSocketPlace
  readonly network: Network
  /** The agent whose carrier is cut. */
  readonly agent: Child
  readonly signal: AbortSignal
}

/** QoS 1 messages, in at the TCP port and out at the WebSocket, while the carrier is cut. */
export async function messagesSurviveCuts(
  { tcpPort, place, network, agent, signal }: CutsStage,
  progress: Progress,
): Promise<string> {
  await using from = await BrokerClient.overTcp(tcpPort, signal)
  const { client } = await BrokerClient.overWebSocket(place, signal)
  await using to = client
  const plan = { from, to, topic: 'demo/sequence', word: 'message', aheadMax }
  const sequence = await Sequence.open(plan)
  sequence.send(messagesTotal)
  for (let cuts = 1; cuts <= cutsTotal; cuts += 1) {
    const place = Math.round((cuts * messagesTotal) / (cutsTotal + 1))
    await sequence.reaches(place, { withinMs, signal })
    await cutOnce(network, agent)
    progress(`${countText(sequence.heard)} of ${countText(messagesTotal)}, ${cuts} cuts`)
  }
  await sequence.settles({ withinMs, signal })
  const { doubled, disordered, longestPauseMs } = sequence
  const lost = messagesTotal - sequence.heard
  const closes = from.closes + to.closes
  const account = `${lost} lost, ${doubled} doubled, ${disordered} out of order`
  if (lost + doubled + disordered + closes > 0) {
    throw new Fault('promise_broken', `${account}; the clients' connections ended ${closes} times.`)
  }
  const pause = `longest pause ${secondsText(longestPauseMs)}`
  const what = `${countText(messagesTotal)} QoS 1 messages, ${cutsTotal} cuts`
  return `${what}: 0 lost, 0 doubled, in order; ${pause}`
}

/** Resets the carrier and waits until the link has another one, and is still the same link. */
async function cutOnce(network: Network, agent: Child): Promise<void> {
  const after = agent.here
  if (network.cut() === 0) throw new Fault('promise_broken', 'There was no connection to cut.')
  const { resumed } = await linkReady(agent, after)
  if (resumed !== true)
    throw new Fault('promise_broken', 'The link was not resumed, but made anew.')
}
