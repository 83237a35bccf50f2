/** Tests what only MQTT has: messages that are kept, last wills, and one's own voice. */
import { randomUUID } from 'node:crypto'
import mqtt from 'mqtt'
import { connectMqtt } from '../../../demo/todo/bus/mqtt.ts'
import { addressed, type Message, topics } from '../../../demo/todo/contract.ts'
import { clicksMax } from '../../../demo/todo/maintenance.ts'
import { sayRaw } from '../../support/facade.ts'
import { FaultyProxy } from '../../support/proxy.ts'
import { temporaryFolder } from '../../support/temporary.ts'
import {
  type Carrier,
  clientOn,
  openBus,
  openClient,
  type Place,
  startServer,
  testOnEach,
} from '../../support/todo.ts'
import { within } from '../../support/within.ts'

const both: readonly Carrier[] = ['embedded', 'mosquitto']

testOnEach(
  'B8: a device that was away finds the last command for it at the broker',
  async (t, place) => {
    await using folder = await temporaryFolder()
    await using _server = await startServer(place, folder.path)
    await using client = openClient(place, randomUUID())
    await client.until('ready', ({ ready }) => ready)
    const clicks = Array.from({ length: clicksMax }, () => {
      return { clientId: 'pi1', button: 'click', messageId: randomUUID() }
    })
    await sayRaw(place, 'pi1', topics.deviceStatus, clicks)
    await client.until('the entry', ({ items }) => items.length === 1)
    const own = addressed(topics.deviceCommand, 'pi1')
    t.is(await keptAt(place, own), '{"clientId":"pi1","maintenancelight":"on"}')
    client.list.make({ command: 'toggle-all', completed: true })
    await client.until('the answer', ({ pending }) => pending === 0)
    await client.until('no light', ({ devices }) => devices[0]?.due === false)
    t.is(await keptAt(place, own), '{"clientId":"pi1","maintenancelight":"off"}')
  },
  both,
)

testOnEach(
  'B11: every message names its author, and only by clientId',
  async (t, place) => {
    await using folder = await temporaryFolder()
    const spy = await within('spy', mqtt.connectAsync(place.serverUrl))
    const heard: string[] = []
    spy.on('message', (topic, payload) => {
      if (!topic.startsWith(topics.presence)) heard.push(payload.toString())
    })
    await spy.subscribeAsync('#', { qos: 1 })
    {
      await using _server = await startServer(place, folder.path)
      await using client = openClient(place, randomUUID())
      await client.until('ready', ({ ready }) => ready)
      const id = randomUUID()
      client.list.make({ command: 'insert', item: { id, title: 'milk', completed: false } })
      client.list.make({ command: 'busy', id, busy: true })
      client.list.make({ command: 'remove', id: randomUUID() })
      await sayRaw(place, 'pi1', topics.deviceStatus, [{ clientId: 'pi1', button: 'click' }])
      await client.until('answers', ({ pending, devices }) => pending === 0 && devices.length === 1)
    }
    await spy.endAsync()
    const commands = new Set(heard.map((text) => (JSON.parse(text) as Message).command))
    for (const one of ['init', 'initdata', 'insert', 'applied', 'refused', 'presence', 'ready']) {
      t.true(commands.has(one as Message['command']), one)
    }
    for (const text of heard) {
      t.is(typeof (JSON.parse(text) as Message).clientId, 'string')
      t.notRegex(text, /"(?:client|clientID|client_id|mqttClient)":/)
    }
  },
  both,
)

testOnEach(
  'a client whose connection is lost is gone by its last will, and its lease with it',
  async (t, place) => {
    await using folder = await temporaryFolder()
    await using _server = await startServer(place, folder.path)
    await using other = openClient(place, randomUUID())
    await other.until('ready', ({ ready }) => ready)
    const id = randomUUID()
    other.list.make({ command: 'insert', item: { id, title: 'milk', completed: false } })
    const way = await FaultyProxy.before(place.brokerPort)
    const clientId = randomUUID()
    await using one = clientOn(connectMqtt({ url: `mqtt://127.0.0.1:${way.port}`, clientId }))
    await one.until('milk', ({ items }) => items.length === 1)
    one.list.make({ command: 'busy', id, busy: true })
    await other.until('busy', ({ items }) => items[0]?.busy === true)
    await way[Symbol.asyncDispose]()
    await other.until('its absence', ({ online }) => !online.includes(clientId))
    await other.until('its lease gone', ({ items }) => items[0]?.busy === false)
    t.is(one.list.view.state, 'lost')
  },
  both,
)

testOnEach(
  'nobody hears himself, and everybody the others',
  async (t, place) => {
    await using one = openBus(place, randomUUID())
    await using other = openBus(place, randomUUID())
    const heard: string[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    one.onCommand(({ clientId }) => {
      heard.push(clientId)
      resolve()
    })
    const ready = [one, other].map(async (bus) => {
      if (bus.state === 'connected') return
      await new Promise<void>((done) => bus.onState((state) => state === 'connected' && done()))
    })
    await within('connections', Promise.all(ready))
    await one.send({ command: 'init' })
    await other.send({ command: 'init' })
    await within('the other', promise)
    t.deepEqual(heard, [other.clientId])
  },
  both,
)

/** What the broker keeps at a topic, as somebody finds it who comes now. */
async function keptAt(place: Place, topic: string): Promise<string> {
  const client = await within('connection', mqtt.connectAsync(place.serverUrl))
  const { promise, resolve } = Promise.withResolvers<string>()
  client.on('message', (_topic, payload) => resolve(payload.toString()))
  await client.subscribeAsync(topic, { qos: 1 })
  const kept = await within(`kept message at ${topic}`, promise)
  await client.endAsync()
  return kept
}
