/**
 * The story in its order: certificates, cloud, premises, agents; then the promises, one by one.
 *
 * Invariant: a scene is open when every process of it was seen to do its work.
 */
import { readFile } from 'node:fs/promises'
import { authorityPaths } from '../certs/store.ts'
import type { Account } from './account.ts'
import { type Office, startOffice, startPlant } from './agents.ts'
import { type Broker, type BrokerKind, startBroker } from './broker.ts'
import { makeCertificates, officeName, plantName } from './certificates.ts'
import type { Child } from './child.ts'
import type { WebSocketPlace } from './clients.ts'
import { Cloud, type CloudService, mqttPath, mqttService } from './cloud.ts'
import { Front } from './front.ts'
import { Network } from './network.ts'
import { portOrAny } from './ports.ts'
import { press, startDevice, startTodo, type TodoPlace } from './premises.ts'
import type { Processes } from './processes.ts'
import { listensOn } from './promises/listening.ts'
import { onlyTls13 } from './promises/tls.ts'
import type { Transport } from './todo/page/settings.ts'

/** What a scene is made of. */
export interface ScenePlan {
  readonly folder: string
  readonly processes: Processes
  /** The MQTT broker, which is always there. */
  readonly broker?: Exclude<BrokerKind, 'rabbitmq'> | undefined
  /** What the todo list is carried by; a server and a page for each. */
  readonly transports: readonly Transport[]
  /** True to take ports that are easy to remember where they are free. */
  readonly wishPorts: boolean
  readonly signal: AbortSignal
}

/** Everything that runs, and where it is. */
export interface Scene {
  readonly cloud: Cloud
  readonly network: Network
  readonly broker: Broker
  readonly plant: Child
  readonly office: Office
  /** The pages of each transport, as browsers reach them. */
  readonly fronts: ReadonlyMap<Transport, Front>
  /** Presses the button of the simulated device, which is there with MQTT. */
  readonly press: (() => void) | undefined
  /** The way in for browsers. */
  readonly webSocket: WebSocketPlace
  /** What clients pin. */
  readonly authorityFile: string
  readonly processes: Processes
  readonly signal: AbortSignal
}

/** Starts everything. Throws the fault of the step that failed, once it is told. */
export async function openScene(
  plan: ScenePlan,
  account: Account,
  scope: AsyncDisposableStack,
): Promise<Scene> {
  const { folder, processes, transports, wishPorts, signal } = plan
  const wish = async (port: number): Promise<number> => (wishPorts ? await portOrAny(port) : 0)
  const fronts = new Map<Transport, Front>()
  for (const transport of transports) {
    fronts.set(transport, scope.use(await Front.open(await wish(3_000))))
  }
  const origins = [...fronts.values()].flatMap((front) => front.origins)

  const store = await account.step('certificates', 'own CA', async () => {
    const value = await makeCertificates(folder)
    return { text: `own CA; relay, agents ${plantName} and ${officeName}; keys 0600`, value }
  })
  const authorityFile = authorityPaths(store).certificateFile
  const authority = await readFile(authorityFile, 'utf8')
  const cloud = await account.step('cloud', 'relay', async () => {
    const services = servicesFor(transports, await wish(18_830))
    const ports = { listen: await wish(8_443), admin: await wish(9_470) }
    const value = await Cloud.open(processes, folder, { ...ports, services, origins })
    const versions = await onlyTls13(value.listenPort, authority, signal)
    return { text: `relay wss://localhost:${value.listenPort}, ${versions}`, value }
  })
  const startsRabbitMq = transports.includes('amqp')
  const rabbitMq = startsRabbitMq ? startBroker(processes, folder, 'rabbitmq') : undefined
  rabbitMq?.catch(() => {})
  const openBroker = async (starting: Promise<Broker>): Promise<Broker> =>
    await account.step('on premises', 'broker', async () => {
      const value = await starting
      const ports = [value.port, ...(value.otherPorts ?? [])]
      const text = `${value.name}, ${await listensOn(value.process, ports)}`
      return { text, value }
    })
  const broker = await openBroker(startBroker(processes, folder, plan.broker))
  const amqpBroker = rabbitMq && (await openBroker(rabbitMq))
  const brokers = { mqtt: broker, amqp: amqpBroker, 'socket.io': undefined } as const
  const todos: TodoPlace[] = []
  for (const transport of transports) {
    const todo = await account.step('on premises', 'todo server', async () => {
      const value = await startTodo(processes, transport, brokers[transport])
      const listens = await listensOn(value.process, [value.port])
      return { text: `todo server over ${transport}, ${listens}`, value }
    })
    todos.push(todo)
  }
  const openDevice = async (): Promise<Child> =>
    await account.step('on premises', 'device', async () => {
      const value = await startDevice(processes, broker)
      return { text: `Raspberry Pi pi1 (simulated), ${await listensOn(value, [])}`, value }
    })
  const device = transports.includes('mqtt') ? await openDevice() : undefined

  const network = scope.use(await Network.before(cloud.listenPort))
  const around = { processes, folder, networkPort: network.port }
  const plant = await account.step(`agent ${plantName}`, 'dials out', async () => {
    const value = await startPlant(around, exposed(broker, amqpBroker, todos))
    const { carriers, roundTripMs } = await cloud.agentUp(plantName, signal)
    const listens = await listensOn(value, [])
    const text = `dialled out, ${carriers} carriers, ${roundTripMs} ms, ${listens}`
    return { text, value }
  })
  const office = await account.step(`agent ${officeName}`, 'dials out', async () => {
    const value = await startOffice(around, wishPorts ? 18_831 : 0)
    const { carriers, roundTripMs } = await cloud.agentUp(officeName, signal)
    const { process, mqttPort, sshPort } = value
    const listens = await listensOn(process, [mqttPort, sshPort], 'forwards')
    const text = `dialled out, ${carriers} carriers, ${roundTripMs} ms, ${listens}`
    return { text, value }
  })
  for (const [transport, front] of fronts) {
    front.serve({
      webPort: cloud.portOf(todoService(transport)),
      relayPort: cloud.listenPort,
      authority,
      webSocketPaths: cloud.webSocketPaths,
    })
  }
  const url = `wss://localhost:${cloud.listenPort}${mqttPath}`
  const webSocket = { url, authority, origin: origins[0] ?? '' }
  const places = { broker, plant, office, fronts, webSocket, authorityFile }
  const pressButton = device && (() => press(device))
  return { cloud, network, ...places, press: pressButton, processes, signal }
}

const amqpService = `${plantName}/amqp`

/** `plant-1/todo-mqtt`: the page, and Socket.IO beside it. */
function todoService(transport: Transport): string {
  return `${plantName}/todo-${transport.replace('.', '-')}`
}

/** What the relay offers; the todo servers' ports are the front's affair, and nobody else's. */
function servicesFor(transports: readonly Transport[], mqttPort: number): readonly CloudService[] {
  const todos = transports.map((transport) => ({ name: todoService(transport), tcp: 0 }))
  const amqp = transports.includes('amqp') ? [{ name: amqpService, webSocket: '/amqp' }] : []
  return [{ name: mqttService, tcp: mqttPort, webSocket: mqttPath }, ...amqp, ...todos]
}

/** What the agent exposes, by the names of services without its own. */
function exposed(
  broker: Broker,
  amqpBroker: Broker | undefined,
  todos: readonly TodoPlace[],
): ReadonlyMap<string, number> {
  const short = (service: string): string => service.slice(plantName.length + 1)
  const ports = new Map([[short(mqttService), broker.port]])
  if (amqpBroker !== undefined) ports.set(short(amqpService), amqpBroker.port)
  for (const { transport, port } of todos) ports.set(short(todoService(transport)), port)
  return ports
}
