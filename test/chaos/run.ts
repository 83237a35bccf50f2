/**
 * A run of chaos: two agents, their relays, traffic of every kind, and one fault after the other.
 *
 * Invariant: between agents nothing may be lost, whatever ends; at a relay's own port a stream may
 * end only with its relay.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { BrokerClient } from '../../demo/clients.ts'
import { Sequence } from '../../demo/sequence.ts'
import { Fleet } from '../support/fleet.ts'
import { startEcho } from '../support/tcp.ts'
import { Account } from './account.ts'
import { startBroker } from './broker.ts'
import type { FaultKind } from './faults.ts'
import { Heartbeat } from './heartbeat.ts'
import { Far, transfer } from './transfers.ts'

export interface ChaosPlan {
  readonly faults: number
  readonly minutes: number
  readonly relays: number
  /** The kind of the next fault. */
  readonly next: () => FaultKind
  /** A whole number from 0 up to, and without, `below`. */
  readonly choose: (below: number) => number
  readonly say: (line: string) => void
}

const plant = 'plant-1'
const desk = 'desk-1'
const agents: readonly string[] = [plant, desk]
const services = { echo: `${plant}/echo`, bulk: `${plant}/bulk`, mqtt: `${plant}/mqtt` }
/** A stream is back within this, or it is lost: the window, and room for a loaded machine. */
const recoverMs = 100_000
const betweenFaultsMs = { least: 100, more: 700 }
const talkEveryMs = 10_000
const transferBytesMax = 4_000_000
const messageEveryMs = 50
const patienceMs = 120_000

/** What a run gives: the report, and whether nothing was lost or wrong. */
export interface ChaosResult {
  readonly text: string
  readonly isClean: boolean
}

/** Runs until so many faults were met or the time is over. */
export async function runChaos(plan: ChaosPlan): Promise<ChaosResult> {
  const { choose, say, relays } = plan
  await using target = await startEcho()
  await using far = await Far.open()
  await using broker = await startBroker()
  await using fleet = await Fleet.open(relays, {
    services: {
      [services.echo]: { target: target.port },
      [services.bulk]: { target: far.port },
      [services.mqtt]: { target: broker.port },
    },
    forwards: { [desk]: Object.values(services) },
  })
  const account = new Account()
  const started = performance.now()
  const elapsedMs = (): number => performance.now() - started
  const relay0 = new Lives()
  let over = false

  using across = new Heartbeat(
    () => fleet.forwardPort(desk, services.echo),
    () => account.lost('a conversation between agents ended'),
  )
  let conversationLife = relay0.life
  using ingress = new Heartbeat(
    () => fleet.port(0, services.echo),
    () => {
      if (relay0.hasEndedSince(conversationLife)) account.told()
      else account.lost("a conversation at a relay's own port ended")
      conversationLife = relay0.life
    },
  )

  let seed = 0
  const transfers = async (port: () => number, ownWay: boolean): Promise<void> => {
    while (!over) {
      seed += 1
      const { life } = relay0
      const end = await transfer(far, port(), seed, 1 + choose(transferBytesMax))
      account.transfer(end, ownWay && relay0.hasEndedSince(life))
      if (end.kind !== 'whole') await pause(200)
    }
  }
  const forwardPort = fleet.forwardPort(desk, services.bulk)
  const running = [
    transfers(() => forwardPort, false),
    transfers(() => forwardPort, false),
    transfers(() => fleet.port(0, services.bulk), true),
  ]

  const signal = AbortSignal.timeout(24 * 3_600_000)
  const mqttPort = fleet.forwardPort(desk, services.mqtt)
  await using from = await BrokerClient.overTcp(mqttPort, signal)
  await using to = await BrokerClient.overTcp(mqttPort, signal)
  const sequence = await Sequence.open({ from, to, topic: 'chaos', word: 'beat', aheadMax: 1_000 })
  const messages = setInterval(() => sequence.send(1), messageEveryMs)

  const pids = (): number[] => [
    ...agents.map((name) => fleet.agent(name).process.pid),
    ...Array.from({ length: relays }, (_, index) => fleet.relay(index).process.pid),
  ]
  let talkedMs = 0
  while (account.faults < plan.faults && elapsedMs() < plan.minutes * 60_000) {
    await pause(betweenFaultsMs.least + choose(betweenFaultsMs.more))
    const kind = plan.next()
    await kind.run({ fleet, agents, relays, choose, relayIs: relay0.hears })
    account.fault(kind.name, await across.recovers(recoverMs))
    if (elapsedMs() - talkedMs < talkEveryMs) continue
    talkedMs = elapsedMs()
    account.sample(talkedMs, pids())
    say(`${Math.round(talkedMs / 1_000)} s: ${account.line}`)
  }
  over = true
  clearInterval(messages)
  await Promise.all(running)
  try {
    await sequence.settles({ withinMs: patienceMs, signal })
  } catch (error) {
    account.lost(String(error))
  }
  account.sample(elapsedMs(), pids())
  if (across.wrong + ingress.wrong > 0) account.wrong('an echo came back otherwise')
  if (sequence.doubled + sequence.disordered > 0) account.wrong(sequence.account)
  if (from.closes + to.closes > 0) account.lost('an MQTT connection ended')
  const seconds = elapsedMs() / 1_000
  const rows = [
    ['longest pause', `${Math.round(across.longestPauseMs)} ms between agents`],
    ['messages', sequence.account],
  ] as const
  return { text: account.report(rows, seconds), isClean: account.isClean }
}

/** The lives of the relay at whose own ports consumers come in: number 0. */
class Lives {
  #life = 0
  #isUp = true

  get life(): number {
    return this.#life
  }

  /** True when a stream that began in this life may have ended with the relay. */
  hasEndedSince(life: number): boolean {
    return !this.#isUp || this.#life > life
  }

  readonly hears = (index: number, state: 'ending' | 'ready'): void => {
    if (index !== 0) return
    this.#isUp = state === 'ready'
    if (state === 'ready') this.#life += 1
  }
}
