/**
 * The todo list over AMQP through a real relay and agent: the broker knows only TCP, the server
 * comes by the relay's TCP port, and clients as pages do, over WebSockets that end at the relay.
 */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { authorityPaths } from '../../certs/store.ts'
import { startRabbitMq } from '../../demo/brokers/rabbitmq.ts'
import { Front } from '../../demo/front.ts'
import { Processes } from '../../demo/processes.ts'
import { connectAmqp } from '../../demo/todo/bus/amqp.ts'
import type { View } from '../../demo/todo/shared-list.ts'
import { testWith } from '../support/program.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { clientOn, startServer } from '../support/todo.ts'
import { openTunnel } from '../support/tunnel.ts'

const service = 'plant-1/amqp'
const clientsTotal = 5
const entriesEach = 10
const cutsTotal = 3

testWith('rabbitmq-server')(
  `over AMQP ${clientsTotal} clients agree through ${cutsTotal} cuts of the carrier`,
  async (t) => {
    t.timeout(360_000)
    await using folder = await temporaryFolder()
    await using processes = new Processes(folder.path, new AbortController().signal)
    const broker = await startRabbitMq(processes, folder.path)
    await using front = await Front.open(0)
    await using tunnel = await openTunnel({
      services: {
        [service]: { target: broker.port, websocket: '/amqp', origins: [...front.origins] },
      },
    })
    const authority = await readFile(authorityPaths(tunnel.store).certificateFile, 'utf8')
    const relayPort = tunnel.listenPort
    front.serve({ webPort: 9, relayPort, authority, webSocketPaths: ['/amqp'] })
    const serverUrl = `amqp://127.0.0.1:${tunnel.port(service)}`
    await using server = await startServer({ carrier: 'rabbitmq', serverUrl }, folder.path)
    await using scope = new AsyncDisposableStack()
    const clients = Array.from({ length: clientsTotal }, () => {
      const url = `ws://127.0.0.1:${front.port}/amqp`
      return scope.use(clientOn(connectAmqp({ url, clientId: randomUUID() })))
    })
    for (const client of clients) await client.until('ready', ({ ready }) => ready, 30_000)

    const { proxy } = tunnel.agent('plant-1')
    for (let cut = 1; cut <= cutsTotal; cut += 1) {
      for (const { list } of clients) {
        for (let entry = 0; entry < entriesEach; entry += 1) {
          const item = { id: randomUUID(), title: `${cut} ${entry}`, completed: false }
          list.make({ command: 'insert', item })
        }
      }
      proxy.cut()
      const expected = clientsTotal * entriesEach * cut
      const isDone = ({ items, pending }: View): boolean =>
        items.length === expected && pending === 0
      for (const client of clients) await client.until('all entries', isDone, 30_000)
    }
    const lists = clients.map(({ list }) => JSON.stringify(list.view.items))
    t.is(new Set(lists).size, 1)
    t.is(server.state.list.revision, clientsTotal * entriesEach * cutsTotal)
    t.true(clients.every(({ list }) => list.view.state === 'connected'))
  },
)
