/**
 * Every promise of the story, in the order in which they are told.
 *
 * Invariant: each stands for itself: one that is broken leaves the others to be tried.
 */
import type { Account } from '../account.ts'
import { mqttService } from '../cloud.ts'
import { countText } from '../narration.ts'
import type { Scene } from '../story.ts'
import { startBrowser } from '../tabs/browser.ts'
import { busTabs } from '../tabs/bus.ts'
import { messagesCross } from './crossing.ts'
import { cutsTotal, messagesSurviveCuts, messagesTotal } from './cuts.ts'
import { foreignSiteIsRefused } from './front.ts'
import * as refusals from './refusals.ts'
import { forwardSurvivesRelay } from './relay-loss.ts'
import { deviceIsMaintained, editSurvivesCut, tabsAgree } from './todo.ts'

/** Tries every promise. */
export async function keepPromises(scene: Scene, account: Account): Promise<void> {
  const { cloud, network, plant, office, webSocket: place, signal } = scene
  const tcpPort = cloud.portOf(mqttService)
  await account.promise(
    'a message crosses each way',
    async () => await messagesCross(tcpPort, place, signal),
  )
  await account.promise(
    `${countText(messagesTotal)} messages through ${cutsTotal} cuts`,
    async (progress) =>
      await messagesSurviveCuts({ tcpPort, place, network, agent: plant, signal }, progress),
  )
  await account.promise(
    'relay killed and restarted',
    async (progress) => await forwardSurvivesRelay({ cloud, plant, office, signal }, progress),
  )
  await account.promise(
    'no certificate',
    async () => await refusals.strangerIsRefused(cloud, place.authority, signal),
  )
  await account.promise(
    'unlisted service',
    async () => await refusals.unlistedServiceIsRefused(cloud, office, signal),
  )
  await account.promise(
    'page of another origin',
    async () => await refusals.foreignPageIsRefused(cloud, place, signal),
  )
  await keepTodoPromises(scene, account)
}

/** Those of the todo list, on each transport; in a browser, where there is one. */
async function keepTodoPromises(scene: Scene, account: Account): Promise<void> {
  const { fronts, network, plant, office, press, signal } = scene
  await using browser = await startBrowser()
  const agents = [plant, office.process]
  for (const [transport, front] of fronts) {
    const open = browser?.open ?? busTabs(transport)
    const stage = { url: front.url, open, signal }
    await account.promise(
      `two tabs over ${transport}`,
      async () => `${transport}: ${await tabsAgree(stage)}`,
    )
    await account.promise(
      `a cut in mid-edit over ${transport}`,
      async () => `${transport}: ${await editSurvivesCut({ ...stage, network, agents })}`,
    )
    if (transport === 'mqtt' && press !== undefined) {
      const device = { ...stage, press }
      await account.promise('ten presses', async () => await deviceIsMaintained(device))
    }
  }
  const [front] = fronts.values()
  if (front === undefined) return
  await account.promise('another site', async () => await foreignSiteIsRefused(front, signal))
}
