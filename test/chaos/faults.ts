/**
 * What can go wrong between agents and relays, one kind after the other.
 *
 * Invariant: a fault is over when its function returns: the path is back, a stopped process goes
 * on, a relay that ended runs in another life. All choices come from the seed. A function gives how
 * many carriers it has cut for certain.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { IdleBox } from '../support/proxy.ts'
import { addressChange, briefHole, halfOpen, lossyCable, unheardHole } from './holes.ts'
import {
  carriersOf,
  linksOf,
  pickAgent,
  pickCarrier,
  pickLink,
  type Scene,
  type SceneLink,
  siteOf,
} from './scene.ts'

/** A fault: its name, what it is, and how often it comes beside the others. */
export interface FaultKind {
  readonly name: string
  readonly what: string
  readonly weight: number
  /** It is made by the agent's own kernel, and there must be a namespace for it. */
  readonly needsNamespaces?: true
  readonly run: (scene: Scene) => Promise<number>
}

const inKernel = { needsNamespaces: true } as const
/** For how long a carrier at most carries nothing before a record is torn. */
const recordMs = 5_000

export const faultKinds: readonly FaultKind[] = [
  {
    name: 'reset',
    what: 'RST for one carrier',
    weight: 24,
    run: onLink((link, scene) => link.proxy.cut(pickCarrier(scene, link))),
  },
  {
    name: 'reset-link',
    what: 'RST for every carrier of one agent at one relay',
    weight: 8,
    run: onLink(({ proxy }) => proxy.cut()),
  },
  {
    name: 'everywhere',
    what: 'RST for every carrier of every agent',
    weight: 6,
    run: async (scene) => allLinks(scene).reduce((cut, { proxy }) => cut + proxy.cut(), 0),
  },
  {
    name: 'finish',
    what: 'FIN for one carrier',
    weight: 12,
    run: onLink((link, scene) => link.proxy.finish(pickCarrier(scene, link))),
  },
  {
    name: 'tls-torn',
    what: 'one carrier ends in the middle of a TLS record',
    weight: 12,
    run: onLink(async (link, scene) => {
      const direction = scene.choose(2) === 0 ? 'out' : 'in'
      return await link.proxy.tear(direction, pickCarrier(scene, link), recordMs)
    }),
  },
  {
    name: 'flapping',
    what: 'a link is reset several times in a row',
    weight: 6,
    run: onLink(async ({ proxy }, { choose }) => {
      let cut = 0
      for (let cuts = 2 + choose(5); cuts > 0; cuts -= 1) {
        cut += proxy.cut()
        await pause(choose(150))
      }
      return cut
    }),
  },
  {
    name: 'slow',
    what: 'every byte of a link is late',
    weight: 3,
    run: onLink(async ({ proxy }, { choose }) => {
      proxy.delayMs = 20 + choose(200)
      await pause(500 + choose(1_500))
      proxy.delayMs = 0
      return 0
    }),
  },
  {
    name: 'lossy',
    what: 'one to fifteen packets in a hundred are lost, both ways, for seconds',
    weight: 3,
    ...inKernel,
    run: lossyCable,
  },
  {
    name: 'black-hole',
    what: 'all is lost without a word, both ways, for seconds',
    weight: 4,
    run: async (scene) => await briefHole(scene, 'both'),
  },
  {
    name: 'black-hole-out',
    what: 'the same for what the agent sends, while it hears',
    weight: 1,
    ...inKernel,
    run: async (scene) => await briefHole(scene, 'out'),
  },
  {
    name: 'black-hole-in',
    what: 'the same for what the agent should hear, while it is heard',
    weight: 1,
    ...inKernel,
    run: async (scene) => await briefHole(scene, 'in'),
  },
  {
    name: 'unheard',
    what: 'a black hole until both ends have noticed',
    weight: 1,
    run: unheardHole,
  },
  {
    name: 'half-open',
    what: "the relay's side is gone, and the agent does not hear it",
    weight: 6,
    ...inKernel,
    run: halfOpen,
  },
  {
    name: 'forgotten',
    what: 'a box on the way forgets one carrier, and tells neither side',
    weight: 1,
    run: onLink((link, scene) => link.proxy.forget(pickCarrier(scene, link))),
  },
  {
    name: 'idle-close',
    what: 'a box on the way resets what is idle',
    weight: 1,
    run: async (scene) => await idle(scene, 'close'),
  },
  {
    name: 'idle-drop',
    what: 'a box on the way forgets what is idle',
    weight: 1,
    run: async (scene) => await idle(scene, 'drop'),
  },
  {
    name: 'link-down',
    what: "the agent's cable is pulled for seconds",
    weight: 3,
    ...inKernel,
    async run(scene) {
      const site = siteOf(scene, pickAgent(scene))
      await site.linkDown()
      await pause(200 + scene.choose(4_000))
      await site.linkUp()
      return 0
    },
  },
  {
    name: 'address-change',
    what: "the agent's address is another one",
    weight: 1,
    ...inKernel,
    run: addressChange,
  },
  {
    name: 'suspend',
    what: 'SIGSTOP for an agent, SIGCONT within 3 s',
    weight: 2,
    run: async (scene) => await suspend(scene, 200 + scene.choose(3_000)),
  },
  {
    name: 'suspend-long',
    what: 'the same for 11 s to 15 s, which its relays notice',
    weight: 1,
    async run(scene) {
      return await suspend(scene, 11_000 + scene.choose(4_000))
    },
  },
  {
    name: 'relay-kill',
    what: 'SIGKILL for a relay, and another life of it',
    weight: 2,
    run: async (scene) => await restart(scene, 'SIGKILL'),
  },
  {
    name: 'relay-stop',
    what: 'SIGTERM for a relay, and another life of it',
    weight: 1,
    run: async (scene) => await restart(scene, 'SIGTERM'),
  },
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

function onLink(
  run: (link: SceneLink, scene: Scene) => Promise<number> | number,
): FaultKind['run'] {
  return async (scene) => await run(pickLink(scene), scene)
}

function allLinks(scene: Scene): readonly SceneLink[] {
  return scene.agents.flatMap((agent) => linksOf(scene, agent))
}

/** Nothing is said until the box has lost patience with every carrier of one link. */
async function idle(scene: Scene, how: IdleBox['how']): Promise<number> {
  const { proxy } = pickLink(scene)
  const { idleAfterMs: afterMs } = scene
  let cut = 0
  await scene.rest(async () => {
    proxy.idleBox({ afterMs, how }, () => {
      cut += 1
    })
    // Pings break the silence; half as long again leaves room between two of them.
    await pause(1.5 * afterMs)
    proxy.idleBox(undefined)
  })
  return cut
}

async function suspend(scene: Scene, forMs: number): Promise<number> {
  const { process } = scene.fleet.agent(pickAgent(scene))
  process.signal('SIGSTOP')
  await pause(forMs)
  process.signal('SIGCONT')
  return 0
}

async function restart(scene: Scene, signal: NodeJS.Signals): Promise<number> {
  const { fleet, relays, choose, relayIs } = scene
  const index = choose(relays)
  const cut = carriersOf(allLinks(scene).filter(({ relay }) => relay === index))
  relayIs(index, 'ending')
  const listening = (): void => relayIs(index, 'listening')
  const times = { awayMs: choose(1_000), endsWithinMs: 60_000, listening }
  await fleet.restartRelay(index, signal, times)
  relayIs(index, 'ready')
  return cut
}
