/**
 * What can go wrong between agents and relays, one kind after the other.
 *
 * Invariant: a fault is over when its function returns: the path is back, a stopped process goes
 * on, a relay that ended runs in another life. All choices come from the seed.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Fleet } from '../support/fleet.ts'
import type { FaultyProxy } from '../support/proxy.ts'

/** Where a fault happens, and the chance that decides its details. */
export interface Scene {
  readonly fleet: Fleet
  readonly agents: readonly string[]
  readonly relays: number
  /** A whole number from 0 up to, and without, `below`. */
  readonly choose: (below: number) => number
  /** The relay is about to end, or is ready in another life and has its agents back. */
  readonly relayIs: (index: number, state: 'ending' | 'ready') => void
}

/** A fault: its name, and how often it comes beside the others. */
export interface FaultKind {
  readonly name: string
  readonly weight: number
  readonly run: (scene: Scene) => Promise<void>
}

export const faultKinds: readonly FaultKind[] = [
  { name: 'reset', weight: 6, run: onProxy((proxy) => proxy.cut()) },
  { name: 'finish', weight: 4, run: onProxy((proxy) => proxy.finish()) },
  {
    name: 'black-hole',
    weight: 3,
    run: onProxy(async (proxy, { choose }) => {
      proxy.blackHole(true)
      await pause(200 + choose(4_000))
      proxy.blackHole(false)
    }),
  },
  {
    name: 'half-open',
    weight: 2,
    // The agent's side is gone without a word, and the relay hears it only when the hole ends.
    run: onProxy(async (proxy, { choose }) => {
      proxy.blackHole(true)
      await pause(choose(1_000))
      proxy.cut()
      await pause(choose(1_000))
      proxy.blackHole(false)
    }),
  },
  {
    name: 'flapping',
    weight: 2,
    run: onProxy(async (proxy, { choose }) => {
      for (let cuts = 2 + choose(5); cuts > 0; cuts -= 1) {
        proxy.cut()
        await pause(choose(150))
      }
    }),
  },
  {
    name: 'slow',
    weight: 2,
    run: onProxy(async (proxy, { choose }) => {
      proxy.delayMs = 20 + choose(200)
      await pause(500 + choose(1_500))
      proxy.delayMs = 0
    }),
  },
  {
    name: 'everywhere',
    weight: 2,
    async run({ fleet, agents }) {
      for (const agent of agents) for (const proxy of fleet.agent(agent).proxies) proxy.cut()
    },
  },
  {
    name: 'suspend',
    weight: 2,
    async run({ fleet, agents, choose }) {
      const { process } = fleet.agent(agents[choose(agents.length)] ?? '')
      process.signal('SIGSTOP')
      await pause(200 + choose(3_000))
      process.signal('SIGCONT')
    },
  },
  { name: 'relay-kill', weight: 2, run: async (scene) => await restart(scene, 'SIGKILL') },
  { name: 'relay-stop', weight: 1, run: async (scene) => await restart(scene, 'SIGTERM') },
]

/** A kind, by weight, of those whose names are wanted. */
export function chooseFault(
  wanted: readonly FaultKind[],
  choose: (below: number) => number,
): FaultKind {
  let left = choose(wanted.reduce((sum, { weight }) => sum + weight, 0))
  for (const kind of wanted) {
    left -= kind.weight
    if (left < 0) return kind
  }
  throw new Error('no kind of fault is wanted')
}

function onProxy(
  run: (proxy: FaultyProxy, scene: Scene) => Promise<void> | void,
): FaultKind['run'] {
  return async (scene) => {
    const { fleet, agents, relays, choose } = scene
    const { proxies } = fleet.agent(agents[choose(agents.length)] ?? '')
    const proxy = proxies[choose(relays)]
    if (proxy !== undefined) await run(proxy, scene)
  }
}

async function restart(
  { fleet, relays, choose, relayIs }: Scene,
  signal: NodeJS.Signals,
): Promise<void> {
  const index = choose(relays)
  relayIs(index, 'ending')
  const times = { awayMs: choose(1_000), endsWithinMs: 60_000 }
  await fleet.restartRelay(index, signal, times)
  relayIs(index, 'ready')
}
