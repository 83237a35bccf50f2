/** Promise: with an agent at both ends, a stream survives the loss of the relay itself. */
import { Fault } from '../../shared/protocol/fault.ts'
import { nextLinks, type Office } from '../agents.ts'
import type { Child } from '../child.ts'
import { BrokerClient } from '../clients.ts'
import type { Cloud } from '../cloud.ts'
import { countText, type Progress, secondsText } from '../narration.ts'
import { Sequence } from '../sequence.ts'

/** How many messages pass before the relay is killed, and how many must pass after it is back. */
const messagesEachSide = 500
const aheadMax = 50
const withinMs = 30_000

/** What the promise is about. */
export interface RelayLossStage {
  readonly cloud: Cloud
  readonly plant: Child
  readonly office: Office
  readonly signal: AbortSignal
}

/**
 * QoS 1 messages by the office's forward, while the relay's process is killed and started again.
 */
export async function forwardSurvivesRelay(
  { cloud, plant, office, signal }: RelayLossStage,
  progress: Progress,
): Promise<string> {
  await using client = await BrokerClient.overTcp(office.mqttPort, signal)
  const plan = { from: client, to: client, topic: 'demo/forward', word: 'message', aheadMax }
  const sequence = await Sequence.open(plan)
  sequence.send(Number.POSITIVE_INFINITY)
  await sequence.reaches(messagesEachSide, { withinMs, signal })
  const links = nextLinks([plant, office.process])
  await cloud.kill()
  progress('killed')
  await cloud.start()
  progress('back')
  await links()
  await sequence.reaches(sequence.heard + messagesEachSide, { withinMs, signal })
  sequence.stop()
  await sequence.settles({ withinMs, signal })
  const { sent, heard, doubled, disordered, longestPauseMs } = sequence
  const lost = sent - heard
  if (lost + doubled + disordered + client.closes > 0) {
    const account = `${lost} lost, ${doubled} doubled, ${disordered} out of order`
    const ends = `the client's connection ended ${client.closes} times`
    throw new Fault('promise_broken', `${account} of ${countText(sent)} messages; ${ends}.`)
  }
  return (
    `relay killed, restarted: a forward's stream goes on, ${lost} lost; ` +
    `pause ${secondsText(longestPauseMs)}`
  )
}
