/**
 * Black holes: paths that swallow everything, or one packet in so many, without a word, for a
 * while or until it is noticed.
 *
 * Invariant: when a function returns, the path is whole again.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Sallyport } from '../support/sallyport.ts'
import type { Lost } from './namespace-site.ts'
import { carriersOf, linksOf, pickAgent, pickLink, type Scene, type SceneLink } from './scene.ts'

/** A redial that is under way is over by then: what is to be noticed must be there first. */
const settleMs = 4_000
const noticeMs = 40_000
const silent: ReadonlySet<unknown> = new Set(['carrier_silent', 'carrier_lost'])

/** Too short to be noticed: nothing is cut, and all goes on. */
export async function briefHole(scene: Scene, lost: Lost): Promise<number> {
  const { choose } = scene
  const lasts = async (): Promise<void> => await pause(200 + choose(4_000))
  const link = pickLink(scene)
  const [carrier] = link.proxy.clientPorts
  // One carrier of a link, all of a link, or all of an agent.
  const reach = choose(3)
  if (reach === 0 && carrier !== undefined && scene.sites.size > 0) {
    const flow = { relayPort: link.proxy.port, agentPort: carrier }
    await scene.sites.get(link.agent)?.lose(lost, flow)
    await lasts()
    await scene.sites.get(link.agent)?.heal()
  } else {
    const links = reach === 2 ? linksOf(scene, link.agent) : [link]
    await inHole(scene, links, lost, lasts)
  }
  return 0
}

/** A cable that loses one packet in so many: TCP says them again, and all goes on, slower. */
export async function lossyCable(scene: Scene): Promise<number> {
  const site = scene.sites.get(pickAgent(scene))
  await site?.lose('both', {}, 1 + scene.choose(15))
  await pause(500 + scene.choose(2_500))
  await site?.heal()
  return 0
}

/** Lasts until both ends of each link have noticed, and tells how long that took. */
export async function unheardHole(scene: Scene): Promise<number> {
  const { choose, sites } = scene
  await pause(settleMs)
  const kinds: readonly Lost[] = sites.size > 0 ? ['both', 'out', 'in'] : ['both']
  const link = pickLink(scene)
  const links = choose(2) === 0 ? [link] : linksOf(scene, link.agent)
  const cut = carriersOf(links)
  const lost = kinds[choose(kinds.length)] ?? 'both'
  await inHole(scene, links, lost, async () => {
    await Promise.all(links.map(async (one) => await noticedAtBothEnds(scene, one, lost)))
    await pause(choose(1_000))
  })
  return cut
}

/** The relay's side ends, and the agent's packets meet a machine that knows nothing of them. */
export async function halfOpen(scene: Scene): Promise<number> {
  const { choose } = scene
  const link = pickLink(scene)
  const cut = carriersOf([link])
  await inHole(scene, [link], 'both', async () => {
    await pause(choose(500))
    link.proxy.cut()
    await pause(choose(500))
  })
  return cut
}

/** Every carrier of an agent stops with its address, and no packet says so. */
export async function addressChange(scene: Scene): Promise<number> {
  const agent = pickAgent(scene)
  const links = linksOf(scene, agent)
  await pause(settleMs)
  const cut = carriersOf(links)
  const noticed = links.map(async (link) => await noticedAtBothEnds(scene, link, 'both'))
  await scene.sites.get(agent)?.changeAddress()
  await Promise.all(noticed)
  return cut
}

async function inHole(
  { sites }: Scene,
  links: readonly SceneLink[],
  lost: Lost,
  during: () => Promise<void>,
): Promise<void> {
  const site = sites.get(links[0]?.agent ?? '')
  for (const { proxy } of links) {
    if (site === undefined) proxy.blackHole(true)
    else await site.lose(lost, { relayPort: proxy.port })
  }
  await during()
  await site?.heal()
  if (site === undefined) for (const { proxy } of links) proxy.blackHole(false)
}

/** An end that still hears must notice too, once the other has given up; how soon is the path's. */
async function noticedAtBothEnds(
  scene: Scene,
  { agent, relay, proxy }: SceneLink,
  lost: Lost,
): Promise<void> {
  const { fleet, noticed } = scene
  if (proxy.clientPorts.length === 0) return
  const started = performance.now()
  const wait = async (
    process: Sallyport,
    who: Readonly<Record<string, string>>,
    isDeaf: boolean,
  ): Promise<void> => {
    try {
      await process.waitForRecord(
        (record) =>
          silent.has(record.code) && Object.entries(who).every(([key, one]) => record[key] === one),
        'the loss of a carrier',
        { from: process.here, deadlineMs: noticeMs },
      )
      if (isDeaf) noticed(performance.now() - started)
    } catch {
      noticed(undefined)
    }
  }
  await Promise.all([
    wait(fleet.agent(agent).process, { relay: fleet.placeOf(agent, relay) }, lost !== 'out'),
    wait(fleet.relay(relay).process, { peer: `agent/${agent}` }, lost !== 'in'),
  ])
}
