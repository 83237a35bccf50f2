/**
 * A run of chaos: two agents, their relays, traffic of every kind, and one fault after the other.
 *
 * Invariant: a run ends after so many faults, so many carriers cut, or so many minutes, whichever
 * comes first; then all that is under way is let to its end, and only then judged.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Fleet } from '../support/fleet.ts'
import { loopbackSite, type Site } from '../support/site.ts'
import { startEcho } from '../support/tcp.ts'
import { Account } from './account.ts'
import { startBroker } from './broker.ts'
import type { FaultKind } from './faults.ts'
import { NamespaceSite } from './namespace-site.ts'
import type { RelayState, Scene } from './scene.ts'
import { type RelayLives, Traffic } from './traffic.ts'
import { Far, type Place } from './transfers.ts'
import { Witness } from './witness.ts'

export interface ChaosPlan {
  readonly faults: number
  readonly cuts: number
  readonly minutes: number
  readonly relays: number
  /** Each agent has a network namespace of its own; this process stands in a world of its own. */
  readonly namespaces: boolean
  readonly idleAfterMs: number
  /** The kind of the next fault. */
  readonly next: () => FaultKind
  /** A whole number from 0 up to, and without, `below`: for faults, and for all that is carried. */
  readonly choose: (below: number) => number
  readonly chooseSize: (below: number) => number
  readonly say: (line: string) => void
}

const plant = 'plant-1'
const desk = 'desk-1'
const agents: readonly string[] = [plant, desk]
const services = {
  echo: `${plant}/echo`,
  bulk: `${plant}/bulk`,
  mqtt: `${plant}/mqtt`,
  witness: `${plant}/witness`,
}
/** A stream is back within this, or it is lost: the window, and room for a loaded machine. */
const recoverMs = 100_000
const betweenFaultsMs = { least: 100, more: 700 }
const talkEveryMs = 10_000
const sampleEveryMs = 5_000

/** What a run gives: the report, and whether nothing was lost or wrong. */
export interface ChaosResult {
  readonly text: string
  readonly isClean: boolean
}

/** Runs until so many faults were met or the time is over. */
export async function runChaos(plan: ChaosPlan): Promise<ChaosResult> {
  const { choose, say, relays } = plan
  await using stack = new AsyncDisposableStack()
  const sites = new Map<string, NamespaceSite>()
  for (const [index, agent] of plan.namespaces ? agents.entries() : []) {
    sites.set(agent, stack.use(await NamespaceSite.make(index + 1)))
  }
  const site = (agent: string): Site => sites.get(agent) ?? loopbackSite
  const { targetHost } = site(plant)
  const target = stack.use(await startEcho(targetHost))
  const far = stack.use(await Far.open(targetHost))
  const broker = stack.use(await startBroker(targetHost))
  const witness = stack.use(await Witness.open(targetHost, services.witness))
  const at = (port: number): { readonly target: string } => ({ target: `${targetHost}:${port}` })
  const fleet = stack.use(
    await Fleet.open(relays, {
      services: {
        [services.echo]: at(target.port),
        [services.bulk]: at(far.port),
        [services.mqtt]: at(broker.port),
        [services.witness]: at(witness.port),
      },
      forwards: { [desk]: [services.echo, services.bulk, services.mqtt] },
      sites: Object.fromEntries(sites),
    }),
  )
  const account = new Account()
  const lives = new Lives()
  const signal = AbortSignal.timeout(24 * 3_600_000)
  const forward = (service: string) => (): Place => {
    return { host: site(desk).forwardHost, port: fleet.forwardPort(desk, service) }
  }
  const own = (service: string) => (): Place => ({
    host: '127.0.0.1',
    port: fleet.port(0, service),
  })
  const traffic = stack.use(
    await Traffic.begin(
      {
        echo: forward(services.echo),
        bulk: forward(services.bulk),
        mqtt: forward(services.mqtt),
        relayEcho: own(services.echo),
        relayBulk: own(services.bulk),
      },
      { account, far, lives, choose: plan.chooseSize },
      signal,
    ),
  )
  let watched: ReturnType<Witness['watch']> | undefined
  const relayIs = (index: number, state: RelayState): void => {
    if (index !== 0) return
    lives.hears(state)
    if (state === 'ending') watched = witness.watch(fleet.agent(plant).process)
    else if (state === 'listening') watched?.listens()
  }
  const scene: Scene = {
    fleet,
    agents,
    sites,
    relays,
    idleAfterMs: plan.idleAfterMs,
    choose,
    relayIs,
    rest: (during) => traffic.rest(during),
    noticed: (afterMs) => account.noticed(afterMs),
  }
  const started = performance.now()
  const elapsedMs = (): number => performance.now() - started
  const pids = (): number[] => [
    ...agents.map((name) => fleet.agent(name).process.pid),
    ...Array.from({ length: relays }, (_, index) => fleet.relay(index).process.pid),
  ]
  const sampling = setInterval(() => account.memory.sample(elapsedMs(), pids()), sampleEveryMs)
  stack.defer(() => clearInterval(sampling))
  const isOver = (): boolean =>
    account.faults >= plan.faults ||
    account.cuts >= plan.cuts ||
    elapsedMs() >= plan.minutes * 60_000
  const beats = [traffic.across, traffic.ingress]
  let talkedMs = 0
  while (!isOver()) {
    await witness.meet(own(services.witness)())
    await pause(betweenFaultsMs.least + choose(betweenFaultsMs.more))
    account.undisturbed((await traffic.across.recovers(recoverMs)) ?? recoverMs)
    const { name, run } = plan.next()
    for (const beat of beats) beat.mark()
    const cuts = await run(scene)
    const recoveredMs = await Promise.all(beats.map((beat) => beat.recovers(recoverMs)))
    const pauseMs = Math.max(...beats.map((beat) => beat.pauseSinceMarkMs))
    const recoveryMs = recoveredMs.some((one) => one === undefined)
      ? undefined
      : Math.max(...recoveredMs.map((one) => one ?? 0))
    account.fault({ name, cuts, recoveryMs, pauseMs })
    if (watched !== undefined) account.telling(await watched.told)
    watched = undefined
    if (elapsedMs() - talkedMs < talkEveryMs) continue
    talkedMs = elapsedMs()
    say(`${Math.round(talkedMs / 1_000)} s: ${account.line}`)
  }
  account.memory.sample(elapsedMs(), pids())
  clearInterval(sampling)
  const messages = await traffic.finish(signal)
  const rows = [
    ['longest pause', `${Math.round(traffic.across.longestPauseMs)} ms between agents`],
    ['messages', messages],
  ] as const
  return { text: account.report(rows, elapsedMs() / 1_000), isClean: account.isClean }
}

/** The lives of the relay at whose own ports consumers come in: number 0. */
class Lives implements RelayLives {
  #life = 0
  #isUp = true

  get life(): number {
    return this.#life
  }

  readonly hasEndedSince = (life: number): boolean => !this.#isUp || this.#life > life

  hears(state: RelayState): void {
    this.#isUp = state === 'ready'
    if (state === 'ready') this.#life += 1
  }
}
