/** Tests that the facade is the same on each carrier. */
import { randomUUID } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import type { Bus } from '../../../demo/todo/bus/bus.ts'
import { type Message, topics } from '../../../demo/todo/contract.ts'
import { Heard, sayRaw } from '../../support/facade.ts'
import { FaultyProxy } from '../../support/proxy.ts'
import {
  type Carrier,
  openBus,
  openFacade,
  type Place,
  recordedLog,
  testOnEach,
} from '../../support/todo.ts'
import { within } from '../../support/within.ts'

const brokers: readonly Carrier[] = ['embedded', 'mosquitto', 'rabbitmq']

testOnEach('there are two events of a facade, and three of a socket', unknownEvents)
testOnEach('B3: what is no JSON object of a client is ignored, and logged', garbage)
testOnEach('B5: an answer reaches the one who asked, a broadcast all others', addressing)
testOnEach('B6, B7: after reconnects each message is heard once', reconnects, brokers)
testOnEach('B6: only the topic itself is heard, and no longer one', longer, brokers)
testOnEach('B7: saying something that nobody hears harms nothing', unheard)
testOnEach('what is not acknowledged is heard again', unacknowledged, brokers)
testOnEach('a client that comes before anybody listens is heard when somebody does', early)
testOnEach('a client that leaves is gone', leaving)

async function unknownEvents(t: ExecutionContext, place: Place): Promise<void> {
  await using facade = openFacade(place)
  const heard = new Heard(facade, topics.todo)
  await using bus = openBus(place, randomUUID())
  const socket = await heard.socketOf(bus.clientId)
  const bad = 'todomvc-rcv' as typeof topics.todo
  const message = { clientId: 'server' }
  t.throws(() => facade.on('disconnection' as 'connection', () => {}), { instanceOf: TypeError })
  t.throws(() => socket.on(bad, () => {}), { instanceOf: TypeError })
  t.throws(() => socket.emit(bad, message), { instanceOf: TypeError })
  t.throws(() => socket.broadcast.emit(bad, message), { instanceOf: TypeError })
  t.throws(() => facade.emit(bad, message), { instanceOf: TypeError })
  t.throws(() => facade.to('x').emit(bad, message), { instanceOf: TypeError })
}

async function garbage(t: ExecutionContext, place: Place): Promise<void> {
  const log = recordedLog()
  await using facade = openFacade(place, log.log)
  const heard = new Heard(facade, topics.todo)
  await using bus = openBus(place, randomUUID())
  await saying(bus, heard)
  const garbler = randomUUID()
  const texts = ['no JSON', '', '[]', 'null', '"text"', '{"command":"init"}', '{"clientId":"a/b"}']
  await sayRaw(place, garbler, topics.todo, [...texts, Uint8Array.of(0xff, 0xfe, 0)])
  await saying(bus, heard)
  t.true(heard.messages.every(({ clientId }) => clientId === bus.clientId))
  const isIgnored = ({ message }: { readonly message?: unknown }): boolean =>
    message === 'message ignored'
  t.is(log.records.filter(isIgnored).length, texts.length + 1)
}

async function addressing(t: ExecutionContext, place: Place): Promise<void> {
  await using facade = openFacade(place)
  const heard = new Heard(facade, topics.todo)
  await using one = openBus(place, randomUUID())
  await using two = openBus(place, randomUUID())
  await using last = openBus(place, randomUUID())
  const got = [one, two, last].map(revisionsHeard)
  const [toOne, , toLast] = await Promise.all(
    [one, two, last].map(({ clientId }) => heard.socketOf(clientId)),
  )
  await Promise.all([one, two, last].map(connected))
  const ready = { clientId: 'server', command: 'ready' } as const
  toOne?.emit(topics.todo, { ...ready, revision: 1 })
  toOne?.broadcast.emit(topics.todo, { ...ready, revision: 2 })
  toLast?.broadcast.emit(topics.todo, { ...ready, revision: 3 })
  facade.to(two.clientId).emit(topics.todo, { ...ready, revision: 4 })
  facade.emit(topics.todo, { ...ready, revision: 5 })
  await Promise.all(got.map(({ until }) => until(5)))
  t.deepEqual(
    got.map(({ revisions }) => revisions),
    [
      [1, 3, 5],
      [2, 3, 4, 5],
      [2, 5],
    ],
  )
}

async function reconnects(t: ExecutionContext, place: Place): Promise<void> {
  await using way = await FaultyProxy.before(place.brokerPort)
  const url = new URL(place.serverUrl)
  url.port = `${way.port}`
  await using facade = openFacade({ ...place, serverUrl: url.href })
  const heard = new Heard(facade, topics.todo)
  let tell: () => void = () => {}
  facade.on('connect', () => tell())
  await using bus = openBus(place, randomUUID())
  await saying(bus, heard)
  for (let cut = 1; cut <= 3; cut += 1) {
    const { promise, resolve } = Promise.withResolvers<void>()
    tell = resolve
    way.cut()
    await within('reconnection', promise)
  }
  // A cut may have swallowed what acknowledged the first message: then it comes again, before this.
  await saying(bus, heard)
  const before = heard.messages.length
  for (let n = 0; n < 5; n += 1) await bus.send({ command: 'init', number: n })
  await heard.until('five messages', () => heard.messages.length >= before + 5)
  await saying(bus, heard)
  t.deepEqual(
    heard.messages.slice(before, before + 5).map(({ number }) => number),
    [0, 1, 2, 3, 4],
  )
  t.is(heard.messages.length, before + 6)
  t.is(heard.sockets.filter(({ clientId }) => clientId === bus.clientId).length, 1)
}

async function longer(t: ExecutionContext, place: Place): Promise<void> {
  await using facade = openFacade(place)
  const heard = new Heard(facade, topics.todo)
  await using bus = openBus(place, randomUUID())
  await saying(bus, heard)
  const clientId = 'elsewhere'
  const init = JSON.stringify({ clientId, command: 'init' })
  // An exchange must be there before anything can be said to it.
  const topic = place.carrier === 'rabbitmq' ? `${topics.todo}/clients` : `${topics.todo}/x`
  await sayRaw(place, clientId, topic, [init])
  await saying(bus, heard)
  t.deepEqual(
    heard.messages.filter((message) => message.clientId === clientId),
    [],
  )
}

async function unheard(t: ExecutionContext, place: Place): Promise<void> {
  await using facade = openFacade(place)
  const heard = new Heard(facade, topics.todo)
  await using bus = openBus(place, randomUUID())
  await saying(bus, heard)
  facade.to('nobody').emit(topics.todo, { clientId: 'server' })
  facade.emit(topics.deviceCommand, { clientId: 'pi1', maintenancelight: 'on' })
  facade.to('pi1').emit(topics.deviceCommand, { clientId: 'pi1', maintenancelight: 'on' })
  await saying(bus, heard)
  t.is(heard.messages.length, 2)
}

async function unacknowledged(t: ExecutionContext, place: Place): Promise<void> {
  await using bus = openBus(place, randomUUID())
  {
    await using facade = openFacade(place)
    const heard = new Heard(facade, topics.todo, false)
    await heard.socketOf(bus.clientId)
    await connected(bus)
    await bus.send({ command: 'init', number: 7 })
    await heard.until('the message', () => heard.messages.length === 1)
  }
  await using facade = openFacade(place)
  const heard = new Heard(facade, topics.todo)
  await heard.until('the message again', () => heard.messages.length === 1)
  t.is(heard.messages[0]?.number, 7)
}

async function early(t: ExecutionContext, place: Place): Promise<void> {
  await using facade = openFacade(place)
  await using bus = openBus(place, randomUUID())
  // Over a broker it is connected by now; over Socket.IO it waits, as nobody could hear it.
  if (place.carrier !== 'socket.io') await connected(bus)
  const heard = new Heard(facade, topics.todo)
  await saying(bus, heard)
  t.is(heard.messages.length, 1)
}

async function leaving(t: ExecutionContext, place: Place): Promise<void> {
  await using facade = openFacade(place)
  const heard = new Heard(facade, topics.todo)
  const bus = openBus(place, randomUUID())
  await heard.socketOf(bus.clientId)
  await connected(bus)
  await bus[Symbol.asyncDispose]()
  await heard.until('the end', () => heard.gone.includes(bus.clientId))
  t.is(heard.gone.filter((clientId) => clientId === bus.clientId).length, 1)
}

/** Says one thing, and waits until it was heard. */
async function saying(bus: Bus, heard: Heard): Promise<void> {
  await heard.socketOf(bus.clientId)
  await connected(bus)
  const number = Math.floor(Math.random() * 1e9)
  await bus.send({ command: 'init', number })
  await heard.until('what was said', () => heard.messages.some((one) => one.number === number))
}

async function connected(bus: Bus): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  bus.onState((state) => {
    if (state === 'connected') resolve()
  })
  if (bus.state !== 'connected') await within(`connection of ${bus.clientId}`, promise)
}

function revisionsHeard(bus: Bus): {
  readonly revisions: readonly number[]
  until(revision: number): Promise<void>
} {
  const revisions: number[] = []
  const watchers = new Set<() => void>()
  bus.onCommand((message: Message) => {
    if (message.command === 'ready') revisions.push(message.revision)
    for (const look of watchers) look()
  })
  return {
    revisions,
    async until(revision) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const look = (): void => {
        if (revisions.includes(revision)) resolve()
      }
      watchers.add(look)
      look()
      await within(`revision ${revision} at ${bus.clientId}`, promise)
    },
  }
}
