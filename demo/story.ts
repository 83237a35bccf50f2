/**
 * The story in its order: certificates, cloud, premises, agents; then the promises, one by one.
 *
 * Invariant: a scene is open when every process of it was seen to do its work.
 */
import { readFile } from 'node:fs/promises'
import { authorityPaths } from '../certs/store.ts'
import type { Account } from './account.ts'
import { type Office, startOffice, startPlant } from './agents.ts'
import { type BrokerKind, startBroker } from './broker.ts'
import { makeCertificates, officeName, plantName } from './certificates.ts'
import type { Child } from './child.ts'
import type { WebSocketPlace } from './clients.ts'
import { Cloud, mqttPath, pageOrigin } from './cloud.ts'
import { countText } from './narration.ts'
import { Network } from './network.ts'
import { portOrAny } from './ports.ts'
import type { Processes } from './processes.ts'
import { messagesCross } from './promises/crossing.ts'
import { cutsTotal, messagesSurviveCuts, messagesTotal } from './promises/cuts.ts'
import { listensOn } from './promises/listening.ts'
import * as refusals from './promises/refusals.ts'
import { forwardSurvivesRelay } from './promises/relay-loss.ts'
import { onlyTls13 } from './promises/tls.ts'

/** What a scene is made of. */
export interface ScenePlan {
  readonly folder: string
  readonly processes: Processes
  readonly broker?: BrokerKind | undefined
  /** True to take ports that are easy to remember where they are free. */
  readonly wishPorts: boolean
  readonly signal: AbortSignal
}

/** Everything that runs, and where it is. */
export interface Scene {
  readonly cloud: Cloud
  readonly network: Network
  readonly plant: Child
  readonly office: Office
  /** The way in for browsers. */
  readonly webSocket: WebSocketPlace
  /** What clients pin. */
  readonly authorityFile: string
  readonly processes: Processes
  readonly signal: AbortSignal
}

/** Starts everything. Throws the fault of the step that failed, once it is told. */
export async function openScene(
  { folder, processes, broker: kind, wishPorts, signal }: ScenePlan,
  account: Account,
  scope: AsyncDisposableStack,
): Promise<Scene> {
  const wish = async (port: number): Promise<number> => (wishPorts ? await portOrAny(port) : 0)

  const store = await account.step('certificates', 'own CA', async () => {
    const value = await makeCertificates(folder)
    return { text: `own CA; relay, agents ${plantName} and ${officeName}; keys 0600`, value }
  })
  const authorityFile = authorityPaths(store).certificateFile
  const authority = await readFile(authorityFile, 'utf8')
  const cloud = await account.step('cloud', 'relay', async () => {
    const ports = { listen: await wish(8443), admin: await wish(9470), mqtt: await wish(18830) }
    const value = await Cloud.open(processes, folder, ports)
    const { listen } = value.ports
    const versions = await onlyTls13(listen, authority, signal)
    return { text: `relay wss://localhost:${listen}, ${versions}`, value }
  })
  const broker = await account.step('on premises', 'broker', async () => {
    const value = await startBroker(processes, folder, kind)
    const text = `${value.name}, ${await listensOn(value.process, [value.port])}`
    return { text, value }
  })
  const network = scope.use(await Network.before(cloud.ports.listen))
  const around = { processes, folder, networkPort: network.port }
  const plant = await account.step(`agent ${plantName}`, 'dials out', async () => {
    const value = await startPlant(around, broker.port)
    const { roundTripMs } = await cloud.agentUp(plantName, signal)
    const text = `dialled out, ${roundTripMs} ms, ${await listensOn(value, [])}`
    return { text, value }
  })
  const office = await account.step(`agent ${officeName}`, 'dials out', async () => {
    const value = await startOffice(around, wishPorts ? 18_831 : 0)
    const { roundTripMs } = await cloud.agentUp(officeName, signal)
    const { process, mqttPort, sshPort } = value
    const listens = await listensOn(process, [mqttPort, sshPort], 'forwards')
    return { text: `dialled out, ${roundTripMs} ms, ${listens}`, value }
  })
  const url = `wss://localhost:${cloud.ports.listen}${mqttPath}`
  const webSocket = { url, authority, origin: pageOrigin }
  return { cloud, network, plant, office, webSocket, authorityFile, processes, signal }
}

/** Tries every promise. */
export async function keepPromises(scene: Scene, account: Account): Promise<void> {
  const { cloud, network, plant, office, webSocket: place, signal } = scene
  const tcpPort = cloud.ports.mqtt
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
}
