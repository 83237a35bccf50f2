/**
 * Tabs without a browser: the page's own list on the page's own bus, in this process.
 *
 * Invariant: it takes the way that the page takes, through the front and the tunnel.
 */
import { randomUUID } from 'node:crypto'
import { Fault } from '../../shared/protocol/fault.ts'
import { connectAmqp } from '../todo/bus/amqp.ts'
import type { Bus } from '../todo/bus/bus.ts'
import { connectMqtt } from '../todo/bus/mqtt.ts'
import { connectSocketIo } from '../todo/bus/socket-io.ts'
import type { Item } from '../todo/contract.ts'
import type { Transport } from '../todo/page/settings.ts'
import { SharedList } from '../todo/shared-list.ts'
import type { OpenTab, Sight, Tab } from './tab.ts'

/** Opens tabs on this transport. */
export function busTabs(transport: Transport): OpenTab {
  return async (url) => new BusTab(busTo(transport, url))
}

class BusTab implements Tab {
  readonly #bus: Bus
  readonly #list: SharedList
  #edited: Item | undefined

  constructor(bus: Bus) {
    this.#bus = bus
    this.#list = new SharedList(bus)
  }

  async see(): Promise<Sight> {
    const { items, ready, state, devices } = this.#list.view
    const todos = items.map(({ title, completed }) => ({ title, completed }))
    const [device] = devices
    const light = device && { light: device.due ? ('on' as const) : ('off' as const) }
    return { todos, isLive: ready && state === 'connected', ...light }
  }

  async add(title: string): Promise<void> {
    this.#list.make({ command: 'insert', item: { id: randomUUID(), title, completed: false } })
  }

  async toggle(title: string): Promise<void> {
    const { id, completed } = this.#item(title)
    this.#list.make({ command: 'update', item: { id, title, completed: !completed } })
  }

  async remove(title: string): Promise<void> {
    this.#list.make({ command: 'remove', id: this.#item(title).id })
  }

  async beginEdit(title: string): Promise<void> {
    this.#edited = this.#item(title)
    this.#list.make({ command: 'busy', id: this.#edited.id, busy: true })
  }

  async endEdit(title: string): Promise<void> {
    if (this.#edited === undefined) throw new Fault('internal')
    const { id, completed } = this.#edited
    this.#list.make({ command: 'update', item: { id, title, completed } })
    this.#list.make({ command: 'busy', id, busy: false })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bus[Symbol.asyncDispose]()
  }

  #item(title: string): Item {
    const item = this.#list.view.items.find((one) => one.title === title)
    if (item === undefined) throw new Fault('promise_broken', `There is no "${title}".`)
    return item
  }
}

function busTo(transport: Transport, url: string): Bus {
  const clientId = `page-${randomUUID()}`
  const webSockets = url.replace(/^http/, 'ws')
  switch (transport) {
    case 'socket.io':
      return connectSocketIo({ url, clientId })
    case 'mqtt':
      return connectMqtt({ url: `${webSockets}/mqtt`, clientId })
    case 'amqp':
      return connectAmqp({ url: `${webSockets}/amqp`, clientId })
    default:
      return transport satisfies never
  }
}
