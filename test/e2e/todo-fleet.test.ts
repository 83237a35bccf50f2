/**
 * The whole workload through a real relay and agent: a todo server on premises, twenty browsers'
 * clients and two devices in the cloud, two hundred entries, and carriers that are cut again and
 * again; and the server is killed once. In the end all lists are equal, nothing happened twice, and
 * the lights are right.
 *
 * SALLYPORT_FLEET_SECONDS is how long: 60 for the full measure.
 */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { authorityPaths } from '../../certs/store.ts'
import { Device } from '../../demo/device/device.ts'
import { Twin } from '../../demo/device/twin.ts'
import { connectMqtt } from '../../demo/todo/bus/mqtt.ts'
import type { Item } from '../../demo/todo/contract.ts'
import { clicksMax, type Light } from '../../demo/todo/maintenance.ts'
import type { View } from '../../demo/todo/shared-list.ts'
import { Store } from '../../demo/todo/store.ts'
import { createLog } from '../../shared/io/log.ts'
import { startMosquitto } from '../support/mosquitto.ts'
import { testWith } from '../support/program.ts'
import { Sallyport } from '../support/sallyport.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { clientOn, type TestClient } from '../support/todo.ts'
import { openTunnel, type Tunnel } from '../support/tunnel.ts'
import { within } from '../support/within.ts'

const seconds = Number(process.env.SALLYPORT_FLEET_SECONDS ?? 15)
const clientsTotal = 20
const entriesTotal = 200
const cutEveryMs = 2_000
const service = 'plant-1/mqtt'

testWith('mosquitto')(
  `${entriesTotal} entries, ${clientsTotal} clients and 2 devices through ${seconds} s of cuts`,
  async (t) => {
    t.timeout(seconds * 1_000 + 240_000)
    await using broker = await startMosquitto()
    await using folder = await temporaryFolder()
    let server = await startServer(broker.port, folder.path)
    await using _server = { [Symbol.asyncDispose]: async () => void (await server.end()) }
    await using tunnel = await openTunnel({
      services: { [service]: { target: broker.port, websocket: '/mqtt' } },
    })
    await using all = new AsyncDisposableStack()
    const { clients, twins, lights } = await openFleet(tunnel, all)
    const refused = refusals(clients)

    const { proxy } = tunnel.agent('plant-1')
    const connectionsBefore = proxy.connectionsTotal
    using cuts = cutAgainAndAgain(proxy)
    const killed = killOnce(async () => {
      server.signal('SIGKILL')
      await server.waitForExit()
      server = await startServer(broker.port, folder.path)
    })
    const inserted = await work(clients, twins)
    await killed
    cuts[Symbol.dispose]()

    const expected = inserted.size + twins.length
    const isDone = ({ items, pending }: View): boolean => items.length === expected && pending === 0
    for (const client of clients) await client.until('everything', isDone, 60_000)
    const areCounted = ({ devices }: View): boolean =>
      twins.every(({ clicks }, at) => devices[at]?.clicks === clicks)
    await clients[0]?.until('each click, once', areCounted, 30_000)
    const entry = await checkEntryOf('pi2', clients)
    // The last change has come, and with it all before it.
    const isChecked = ({ items }: View): boolean =>
      items.some(({ id, completed }) => id === entry && completed)
    for (const client of clients) await client.until('the last change', isChecked, 30_000)
    const [first, ...others] = clients.map(({ list }) => plain(list.view))
    t.is(others.filter((other) => !isDeepStrictEqual(other, first)).length, 0)
    await lights.until(30_000, (shown) => isDeepStrictEqual(shown, ['on', 'off']))
    t.deepEqual(
      [...refused].filter((reason) => reason !== 'busy'),
      [],
    )
    t.true(proxy.connectionsTotal - connectionsBefore >= cuts.count - 1, 'the cuts met carriers')
    t.true(cuts.count >= Math.floor((seconds * 1_000) / cutEveryMs) - 1)

    await server.end()
    const { list, numbers, devices } = await new Store(`${folder.path}/todo-mqtt.json`).load()
    t.true(isDeepStrictEqual([...list.items], first))
    t.is(new Set(list.items.map(({ id }) => id)).size, expected)
    t.true(clients.every(({ bus }) => numbers.has(bus.clientId)))
    for (const id of inserted) t.true(list.items.some((item) => item.id === id))
    t.deepEqual(devices.map(({ clientId, due }) => [clientId, due]).sort(), [
      ['pi1', true],
      ['pi2', false],
    ])
  },
)

async function startServer(brokerPort: number, folder: string): Promise<Sallyport> {
  const broker = `mqtt://127.0.0.1:${brokerPort}`
  const args = ['--broker', broker, '--folder', folder, '--listen', '127.0.0.1:0']
  const server = new Sallyport(['demo', 'server', ...args], folder)
  await server.waitForMessage('todo server ready', { deadlineMs: 60_000 })
  return server
}

interface Fleet {
  readonly clients: readonly TestClient[]
  readonly twins: readonly Twin[]
  readonly lights: Lights
}

/** What the lights of the devices show. */
interface Lights {
  until(deadlineMs: number, isSo: (lights: readonly Light[]) => boolean): Promise<void>
}

/** Half of the clients come as pages do, over a WebSocket of the relay; the others over TCP. */
async function openFleet(tunnel: Tunnel, scope: AsyncDisposableStack): Promise<Fleet> {
  const authority = await readFile(authorityPaths(tunnel.store).certificateFile, 'utf8')
  const overTcp = `mqtt://127.0.0.1:${tunnel.port(service)}`
  const overWebSocket = `wss://localhost:${tunnel.listenPort}/mqtt`
  const clients = Array.from({ length: clientsTotal }, (_, at) => {
    const clientId = `browser-${at}-${randomUUID().slice(0, 8)}`
    const url = at % 2 === 0 ? overWebSocket : overTcp
    return scope.use(clientOn(connectMqtt({ url, clientId, authority })))
  })
  const log = createLog({ level: 'error' })
  let changed = (): void => {}
  const twins = ['pi1', 'pi2'].map((clientId) => {
    const twin = new Twin(() => changed())
    scope.use(new Device({ clientId, broker: { url: overTcp }, openBoard: twin.open, log }))
    return twin
  })
  for (const client of clients) await client.until('ready', ({ ready }) => ready, 30_000)
  const lights: Lights = {
    async until(deadlineMs, isSo) {
      const { promise, resolve } = Promise.withResolvers<void>()
      changed = () => {
        if (isSo(twins.map(({ light }) => light))) resolve()
      }
      changed()
      await within('lights', promise, deadlineMs)
    },
  }
  return { clients, twins, lights }
}

/** All clients add and change entries, and both devices are clicked, until the time is over. */
async function work(
  clients: readonly TestClient[],
  [pi1, pi2]: readonly Twin[],
): Promise<ReadonlySet<string>> {
  const inserted = new Set<string>()
  const steps = entriesTotal * 3
  for (let step = 0; step < steps; step += 1) {
    const { list } = clients[step % clients.length] as TestClient
    if (step % 3 === 0) {
      const id = randomUUID()
      list.make({ command: 'insert', item: { id, title: `entry ${step}`, completed: false } })
      inserted.add(id)
    } else {
      const { items } = list.view
      const item = items[(step * 7919) % Math.max(items.length, 1)]
      const isOurs = item !== undefined && inserted.has(item.id)
      if (isOurs && step % 3 === 1)
        list.make({ command: 'busy', id: item.id, busy: step % 2 === 0 })
      else if (isOurs) {
        list.make({ command: 'update', item: { ...pick(item), completed: !item.completed } })
      }
    }
    const clickEvery = Math.floor(steps / (clicksMax + 3))
    if (step % clickEvery === 0) for (const device of [pi1, pi2]) device?.click()
    await pause((seconds * 1_000) / steps)
  }
  return inserted
}

/** Checks the entry of a device; gives its id. */
async function checkEntryOf(device: string, clients: readonly TestClient[]): Promise<string> {
  const [client] = clients
  const entryIn = ({ items }: View): View['items'][number] | undefined =>
    items.find(({ title }) => title === `Perform maintenance on ${device}`)
  if (client === undefined) throw new Error('no client')
  const entry = entryIn(await client.until('the entry', (view) => entryIn(view) !== undefined))
  if (entry === undefined) throw new Error(`no entry of ${device}`)
  client.list.make({ command: 'update', item: { ...pick(entry), completed: true } })
  return entry.id
}

/** Half-way through, the server is killed in the middle of whatever it does, and starts again. */
async function killOnce(kill: () => Promise<void>): Promise<void> {
  await pause(seconds * 500)
  await kill()
}

interface Cuts extends Disposable {
  readonly count: number
}

function cutAgainAndAgain(proxy: { cut(): void }): Cuts {
  let count = 0
  const timer = setInterval(() => {
    count += 1
    proxy.cut()
  }, cutEveryMs)
  return {
    get count() {
      return count
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}

function refusals(clients: readonly TestClient[]): ReadonlySet<string> {
  const reasons = new Set<string>()
  for (const { list } of clients) list.onRefused((_change, reason) => reasons.add(reason))
  return reasons
}

function pick({ id, title, completed }: Item): Item {
  return { id, title, completed }
}

function plain({ items }: View): readonly Item[] {
  return items.map(pick)
}
