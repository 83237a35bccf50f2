/** Devices at a real broker: clicks, lights, outages, and two that were given one name. */
import type { MqttClient } from 'mqtt'
import { connectAsync } from 'mqtt'
import type { BrokerPlace } from '../../../demo/device/device.ts'
import { Fault } from '../../../shared/protocol/fault.ts'
import { Simulated } from '../../support/devices.ts'
import { type Mosquitto, startMosquitto } from '../../support/mosquitto.ts'
import { testWith } from '../../support/program.ts'
import { FaultyProxy } from '../../support/proxy.ts'
import { within } from '../../support/within.ts'

const testWithBroker = testWith('mosquitto')

interface Message {
  readonly topic: string
  readonly text: string
  readonly qos: number
  readonly retain: boolean
}

/** Somebody else at the broker, who hears everything and can wait for it. */
class Listener implements AsyncDisposable {
  readonly client: MqttClient
  readonly heard: Message[] = []
  #changed = (): void => {}

  private constructor(client: MqttClient) {
    this.client = client
    client.on('message', (topic, payload, { qos, retain }) => {
      this.heard.push({ topic, text: payload.toString(), qos, retain })
      this.#changed()
    })
  }

  static async at(port: number, ...topics: string[]): Promise<Listener> {
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`)
    const listener = new Listener(client)
    if (topics.length > 0) await client.subscribeAsync(topics, { qos: 2 })
    return listener
  }

  texts(topic: string): readonly string[] {
    return this.heard.filter((message) => message.topic === topic).map(({ text }) => text)
  }

  /** The first answer that `look` gives, now or after any message. */
  async until<Answer>(what: string, look: () => Answer | undefined | false): Promise<Answer> {
    const looking = new Promise<Answer>((resolve) => {
      this.#changed = () => {
        const answer = look()
        if (answer !== undefined && answer !== false) resolve(answer)
      }
      this.#changed()
    })
    return await within(what, looking)
  }

  async command(topic: string, message: object | string, retain = false): Promise<void> {
    const text = typeof message === 'string' ? message : JSON.stringify(message)
    await this.client.publishAsync(topic, text, { qos: 2, retain })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.endAsync(true)
  }
}

const presence = 'todomvc/presence/pi1'
const status = '/Devices/status'

async function online(listener: Listener): Promise<void> {
  await listener.until('pi1 online', () => listener.texts(presence).at(-1) === 'online')
}

function atPort(port: number): BrokerPlace {
  return { url: `mqtt://127.0.0.1:${port}` }
}

function connectionsOf({ log }: Mosquitto): number {
  return log.lines.filter((line) => /New client connected .* as device-pi1/.test(line)).length
}

testWithBroker('a click is said at QoS 1 and can be counted once', async (t) => {
  await using broker = await startMosquitto()
  await using listener = await Listener.at(broker.port, status, presence)
  await using pi = new Simulated(atPort(broker.port))
  pi.twin.click()
  await online(listener)
  pi.twin.click()
  await listener.until('two clicks', () => listener.texts(status).length === 2)
  const clicks = listener.heard.filter(({ topic }) => topic === status)
  for (const { qos, retain } of clicks) t.deepEqual({ qos, retain }, { qos: 1, retain: false })
  const said = clicks.map(({ text }) => JSON.parse(text))
  for (const one of said) t.like(one, { button: 'click', clientId: 'pi1' })
  t.not(said[0].messageId, said[1].messageId)
})

testWithBroker('the light obeys commands for this device, and nothing else', async (t) => {
  await using broker = await startMosquitto()
  await using listener = await Listener.at(broker.port, presence)
  await using pi = new Simulated(atPort(broker.port))
  await online(listener)
  const on = { clientId: 'pi1', maintenancelight: 'on' }
  await listener.command('/Devices/command', { ...on, clientId: 'pi2' })
  const garbage = ['', 'on', '{"clientId":"pi1"}', '{"clientId":"pi1","maintenancelight":"blue"}']
  for (const one of [...garbage, 'x'.repeat(100_000)]) {
    await listener.command('/Devices/command', one)
  }
  await listener.command('/Devices/claim/pi1', 'garbage')
  t.is(pi.twin.light, 'off')
  await listener.command('/Devices/command', on)
  await pi.light('on')
  t.is(pi.device.light, 'on')
  await listener.command('/Devices/command', { ...on, maintenancelight: 'off' })
  await pi.light('off')
})

testWithBroker('B8: a device that was away learns its light, and is dark at its end', async (t) => {
  await using broker = await startMosquitto()
  await using listener = await Listener.at(broker.port, presence)
  const on = { clientId: 'pi1', maintenancelight: 'on' }
  await listener.command('/Devices/command/pi1', on, true)
  const pi = new Simulated(atPort(broker.port))
  await pi.light('on')
  await online(listener)
  await pi[Symbol.asyncDispose]()
  t.is(pi.twin.light, 'off')
  await listener.until('offline', () => listener.texts(presence).at(-1) === 'offline')
})

testWithBroker(
  'clicks of an outage arrive when it is over, and none is counted twice',
  async (t) => {
    await using broker = await startMosquitto()
    await using network = await FaultyProxy.before(broker.port)
    await using listener = await Listener.at(broker.port, status, presence)
    await using pi = new Simulated(atPort(network.port))
    await online(listener)
    pi.twin.click()
    await listener.until('the first click', () => listener.texts(status).length === 1)
    network.blackHole(true)
    for (let count = 0; count < 3; count += 1) pi.twin.click()
    network.cut()
    await listener.until('offline', () => listener.texts(presence).at(-1) === 'offline')
    for (let count = 0; count < 3; count += 1) pi.twin.click()
    network.blackHole(false)
    await online(listener)
    pi.twin.click()
    const ids = (): readonly string[] => [
      ...new Set(listener.texts(status).map((text) => String(JSON.parse(text).messageId))),
    ]
    await listener.until('all clicks', () => ids().length === 8)
    t.is(ids().length, 8)
  },
)

testWithBroker(
  'a second device of the same name is refused; the first notices nothing',
  async (t) => {
    await using broker = await startMosquitto()
    await using listener = await Listener.at(broker.port, status, presence)
    await using first = new Simulated(atPort(broker.port))
    await online(listener)
    await using second = new Simulated(atPort(broker.port))
    second.twin.click()
    const fault = await t.throwsAsync(within('a refusal', second.device.taken), {
      instanceOf: Fault,
    })
    t.is(fault.code, 'device_taken')
    t.is(
      fault.message,
      'Another device is connected as "pi1", and keeps the name. Choose another: --id NAME',
    )
    first.twin.click()
    await listener.until('the click', () => listener.texts(status).length === 1)
    t.is(connectionsOf(broker), 2, 'nobody was thrown out, nobody has come back')
    t.is(listener.texts(presence).at(-1), 'online')
  },
)

testWithBroker('two that start at once: one goes on', async (t) => {
  await using broker = await startMosquitto()
  await using listener = await Listener.at(broker.port, status, presence)
  const both = [new Simulated(atPort(broker.port)), new Simulated(atPort(broker.port))]
  await using stack = new AsyncDisposableStack()
  for (const one of both) stack.use(one)
  const refusals = both.map(async ({ device }, index) => await device.taken.catch(() => index))
  const loser = await within('a refusal', Promise.race(refusals))
  await online(listener)
  for (const { twin } of both) twin.click()
  await listener.until('one click', () => listener.texts(status).length === 1)
  t.is(both[loser]?.device.light, 'off')
  t.is(connectionsOf(broker), 2)
})

testWithBroker('who was cut off and finds the name taken gives in', async (t) => {
  await using broker = await startMosquitto()
  await using network = await FaultyProxy.before(broker.port)
  await using listener = await Listener.at(broker.port, presence)
  await using first = new Simulated(atPort(network.port))
  await online(listener)
  network.blackHole(true)
  network.cut()
  await listener.until('offline', () => listener.texts(presence).at(-1) === 'offline')
  await using second = new Simulated(atPort(broker.port))
  await online(listener)
  network.blackHole(false)
  const fault = await t.throwsAsync(within('a refusal', first.device.taken), { instanceOf: Fault })
  t.is(fault.code, 'device_taken')
  second.twin.click()
})

testWithBroker('a last will that comes late is put right', async (t) => {
  await using broker = await startMosquitto()
  await using listener = await Listener.at(broker.port, presence)
  await using _pi = new Simulated(atPort(broker.port))
  await online(listener)
  await listener.command(presence, 'offline', true)
  await listener.until('it again', () => listener.texts(presence).length >= 3)
  t.deepEqual(listener.texts(presence).slice(-2), ['offline', 'online'])
})
