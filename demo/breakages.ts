/**
 * The three ways to break the tunnel by hand, and what became of the streams each time.
 *
 * Invariant: what is told afterwards was seen: the link, in the logs of both agents; the streams,
 * in the message that came through.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { nextLinks } from './agents.ts'
import type { Child, LogRecord } from './child.ts'
import type { BrokerClient } from './clients.ts'
import { secondsText } from './narration.ts'
import type { Sequence } from './sequence.ts'
import type { Scene } from './story.ts'

/** How each of them is called in a request. */
export type BreakageId = 'cut' | 'black-hole' | 'kill-relay'

/** What is being played with. */
export interface Playground {
  readonly scene: Scene
  /** Messages by the office's forward: an agent at both ends. */
  readonly sequence: Sequence
  readonly forward: BrokerClient
  /** A client at the relay's own port. */
  readonly ingress: BrokerClient
  readonly say: (line: string) => void
}

/** One way to break it, by a key or by its id. */
export interface Breakage {
  readonly id: BreakageId
  readonly key: string
  readonly name: string
  readonly help: string
  /** Breaks it and waits until it works again; gives what to tell. */
  readonly run: (playground: Playground) => Promise<string>
}

export const breakages: Readonly<Record<BreakageId, Breakage>> = {
  cut: {
    id: 'cut',
    key: 'c',
    name: 'cut the carriers',
    help: 'resets both WebSockets in the middle of whatever they carry',
    run: cut,
  },
  'black-hole': {
    id: 'black-hole',
    key: 'b',
    name: 'black hole 15 s',
    help: 'lets nothing pass and closes nothing: the hardest failure to notice',
    run: blackHole,
  },
  'kill-relay': {
    id: 'kill-relay',
    key: 'k',
    name: 'kill the relay',
    help: 'kill -9, and starts another one on the same file',
    run: killRelay,
  },
}

const blackHoleMs = 15_000
/** For whatever comes back after it was broken. */
const withinMs = 60_000

async function cut(playground: Playground): Promise<string> {
  const { scene, sequence } = playground
  const start = performance.now()
  const links = nextLinks(agentsOf(scene))
  const count = scene.network.cut()
  await links()
  const took = secondsText(performance.now() - start)
  await sequence.reaches(sequence.sent, { withinMs, signal: scene.signal })
  return `${count} carriers reset; both agents were back after ${took}; ${streamsText(playground)}`
}

async function blackHole(playground: Playground): Promise<string> {
  const { scene, sequence, say } = playground
  const { network, signal } = scene
  const noticed = agentsOf(scene).map((agent) => silenceNoticed(agent, say))
  network.blackHole(true)
  try {
    await Promise.all([pause(blackHoleMs, undefined, { signal }), ...noticed])
  } finally {
    network.blackHole(false)
  }
  const start = performance.now()
  await sequence.reaches(sequence.sent, { withinMs, signal })
  const took = secondsText(performance.now() - start)
  return `messages flowed again ${took} after its end; ${streamsText(playground)}`
}

async function killRelay(playground: Playground): Promise<string> {
  const { scene, sequence, ingress, say } = playground
  const { cloud, signal } = scene
  const start = performance.now()
  const links = nextLinks(agentsOf(scene))
  const { connects } = ingress
  await cloud.kill()
  say("    killed: a relay's own ingress dies with it; agents' forwards do not")
  await cloud.start()
  await links()
  await sequence.reaches(sequence.sent, { withinMs, signal })
  const took = secondsText(performance.now() - start)
  await ingress.reconnects(connects + 1, { withinMs, signal })
  return (
    `another relay serves after ${took}; ${streamsText(playground)}; ` +
    "the client at the relay's own port had to connect again"
  )
}

function agentsOf({ plant, office }: Scene): readonly Child[] {
  return [plant, office.process]
}

async function silenceNoticed(agent: Child, say: (line: string) => void): Promise<void> {
  const start = performance.now()
  const isSilence = ({ code }: LogRecord): boolean => code === 'carrier_silent'
  const place = { after: agent.here, withinMs: blackHoleMs }
  await agent.said('that its carrier is silent', isSilence, place)
  say(`    ${agent.name} noticed it after ${secondsText(performance.now() - start)}`)
}

function streamsText({ forward }: Playground): string {
  return forward.closes === 0 ? 'no stream was lost' : `streams lost: ${forward.closes}`
}
