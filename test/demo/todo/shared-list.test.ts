/**
 * Tests a client's list against the server's own decisions, over a bus that loses and doubles what
 * it carries.
 */
import { randomUUID } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { decide, emptyState, type TodoState } from '../../../demo/todo/authority.ts'
import type { Bus, BusState } from '../../../demo/todo/bus/bus.ts'
import type {
  Change,
  ClientMessage,
  Command,
  Item,
  Message,
  ServerMessage,
} from '../../../demo/todo/contract.ts'
import { serverId } from '../../../demo/todo/contract.ts'
import { pendingMax, SharedList } from '../../../demo/todo/shared-list.ts'

/** A bus whose messages lie in two queues until the test lets them go on, or not. */
class QueueBus implements Bus {
  readonly clientId: string
  state: BusState = 'connected'
  readonly up: ClientMessage[] = []
  readonly down: ServerMessage[] = []
  readonly said: Command[] = []
  readonly #hearers: ((message: Message) => void)[] = []
  readonly #stateHearers: ((state: BusState) => void)[] = []

  constructor(clientId: string) {
    this.clientId = clientId
  }

  async send(command: Command): Promise<void> {
    if (this.state !== 'connected') throw new Error('lost')
    this.said.push(command)
    this.up.push({ ...command, clientId: this.clientId } as ClientMessage)
  }

  onCommand(hear: (message: Message) => void): void {
    this.#hearers.push(hear)
  }

  onState(hear: (state: BusState) => void): void {
    this.#stateHearers.push(hear)
  }

  hear(message: Message): void {
    for (const hear of this.#hearers) hear(message)
  }

  become(state: BusState): void {
    this.state = state
    for (const hear of this.#stateHearers) hear(state)
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

/** The server's decisions, and clients on queues. */
class Network {
  readonly buses: readonly QueueBus[]
  readonly lists: readonly SharedList[]
  state: TodoState = emptyState
  /** Author and number of each change that the server has applied. */
  readonly applied: string[] = []

  constructor(clients: number) {
    this.buses = Array.from({ length: clients }, (_, at) => new QueueBus(`c${at}`))
    this.lists = this.buses.map((bus) => new SharedList(bus))
  }

  deliverUp(bus: QueueBus): void {
    const message = bus.up.shift()
    if (message === undefined) return
    const { state, sayings } = decide(this.state, { kind: 'message', message }, randomUUID)
    this.state = state
    for (const saying of sayings) {
      if (saying.kind === 'all' && saying.message.command === 'applied') {
        this.applied.push(`${saying.message.author} ${saying.message.number}`)
      }
      if (saying.kind === 'all') for (const one of this.buses) one.down.push(saying.message)
      if (saying.kind === 'one') this.#to(saying.clientId)?.down.push(saying.message)
      if (saying.kind === 'init') this.#to(saying.clientId)?.down.push(this.#initdata(saying))
    }
  }

  deliverDown(bus: QueueBus): void {
    const message = bus.down.shift()
    if (message !== undefined) bus.hear(message)
  }

  /** Everything arrives, and the server says that it is here, until nothing changes. */
  heal(): void {
    for (const bus of this.buses) if (bus.state !== 'connected') bus.become('connected')
    for (let round = 0; round < 4; round += 1) {
      const { revision } = this.state.list
      const ready = { clientId: serverId, command: 'ready', revision } as const
      for (const bus of this.buses) bus.down.push(ready)
      while (this.buses.some(({ up, down }) => up.length + down.length > 0)) {
        for (const bus of this.buses) {
          this.deliverUp(bus)
          this.deliverDown(bus)
        }
      }
    }
  }

  #to(clientId: string): QueueBus | undefined {
    return this.buses.find((bus) => bus.clientId === clientId)
  }

  #initdata({ clientId: to }: { readonly clientId: string }): ServerMessage {
    const number = this.state.numbers.get(to) ?? 0
    const message = { clientId: serverId, command: 'initdata', to, number } as const
    return { ...message, ...this.state.list, online: [], devices: [] }
  }
}

const itemOf = ({ id, title, completed }: Item): Item => ({ id, title, completed })
const item = (id: string, completed = false): Item => ({ id, title: 'x', completed })

test('a change shows at once, and is answered under its number', (t) => {
  const network = new Network(2)
  network.heal()
  const [list, other] = network.lists
  const id = randomUUID()
  list?.make({ command: 'insert', item: item(id) })
  t.is(list?.view.items.length, 1)
  t.is(list?.view.pending, 1)
  t.is(other?.view.items.length, 0)
  network.heal()
  t.is(list?.view.pending, 0)
  t.is(other?.view.items[0]?.id, id)
})

test('a refused change is taken back and told', (t) => {
  const network = new Network(1)
  network.heal()
  const [list] = network.lists
  const id = randomUUID()
  const refused: string[] = []
  list?.onRefused((change, reason) => refused.push(`${change.command} ${reason}`))
  list?.make({ command: 'insert', item: item(id) })
  list?.make({ command: 'insert', item: { ...item(id), title: 'again' } })
  network.heal()
  t.deepEqual(refused, ['insert taken'])
  t.is(list?.view.items[0]?.title, 'x')
  t.is(list?.view.pending, 0)
})

test("somebody else's lease shows as busy, one's own does not", (t) => {
  const network = new Network(2)
  network.heal()
  const [one, other] = network.lists
  const id = randomUUID()
  one?.make({ command: 'insert', item: item(id) })
  one?.make({ command: 'busy', id, busy: true })
  network.heal()
  t.false(one?.view.items[0]?.busy)
  t.true(other?.view.items[0]?.busy)
})

test('what other clients say counts only when the server has applied it', (t) => {
  const network = new Network(1)
  network.heal()
  network.buses[0]?.hear({ clientId: 'x', command: 'insert', item: item(randomUUID()) })
  t.is(network.lists[0]?.view.items.length, 0)
})

test('without an answer no more than so many changes are made', (t) => {
  const network = new Network(1)
  const [list] = network.lists
  const change: Change = { command: 'toggle-all', completed: true }
  for (let n = 0; n < pendingMax; n += 1) t.true(list?.make(change))
  t.false(list?.make(change))
})

type Step =
  | { readonly kind: 'make'; readonly change: Change }
  | { readonly kind: 'up' | 'down' | 'loseUp' | 'loseDown' | 'doubleUp' | 'cut' | 'connect' }

const ids = Array.from({ length: 3 }, () => randomUUID())
const anyId = fc.constantFrom(...ids)
const changes: fc.Arbitrary<Change> = fc.oneof(
  anyId.map((id): Change => ({ command: 'insert', item: item(id) })),
  fc.tuple(anyId, fc.boolean()).map(([id, is]): Change => {
    return { command: 'update', item: item(id, is) }
  }),
  anyId.map((id): Change => ({ command: 'remove', id })),
  fc.boolean().map((completed): Change => ({ command: 'toggle-all', completed })),
  fc.constant<Change>({ command: 'clear-completed' }),
  fc.tuple(anyId, fc.boolean()).map(([id, busy]): Change => ({ command: 'busy', id, busy })),
)
const steps: fc.Arbitrary<Step> = fc.oneof(
  changes.map((change): Step => ({ kind: 'make', change })),
  fc.constantFrom<Step[]>(
    { kind: 'up' },
    { kind: 'up' },
    { kind: 'down' },
    { kind: 'down' },
    { kind: 'loseUp' },
    { kind: 'loseDown' },
    { kind: 'doubleUp' },
    { kind: 'cut' },
    { kind: 'connect' },
  ),
)

/** The changes of each author, as the server has numbered or refused them. */
const heardNumbers = (network: Network): readonly number[] =>
  network.buses.map(({ clientId }) => network.state.numbers.get(clientId) ?? 0)

test('whatever is lost or doubled: lists become equal, and each change was taken once', (t) => {
  const property = fc.property(
    fc.array(fc.tuple(fc.nat(2), steps), { maxLength: 120 }),
    (script) => {
      const network = new Network(3)
      const made = [0, 0, 0]
      for (const [at, step] of script) {
        const bus = network.buses[at]
        const list = network.lists[at]
        if (bus === undefined || list === undefined) continue
        if (step.kind === 'make') {
          list.make(step.change)
          made[at] = (made[at] ?? 0) + 1
        } else perform(network, bus, step.kind)
      }
      network.heal()
      const views = network.lists.map(({ view }) => view)
      const { items } = network.state.list
      const plain = views.map((view) => view.items.map(itemOf))
      for (const view of plain) t.deepEqual(view, [...items])
      for (const { pending } of views) t.is(pending, 0)
      t.deepEqual(heardNumbers(network), made)
      t.is(new Set(network.applied).size, network.applied.length)
    },
  )
  t.notThrows(() => fc.assert(property, { numRuns: 300 }))
})

function perform(network: Network, bus: QueueBus, kind: Exclude<Step['kind'], 'make'>): void {
  switch (kind) {
    case 'up':
      return network.deliverUp(bus)
    case 'down':
      return network.deliverDown(bus)
    case 'loseUp':
      bus.up.shift()
      return
    case 'loseDown':
      bus.down.shift()
      return
    case 'doubleUp': {
      const [first] = bus.up
      if (first !== undefined) bus.up.unshift(first)
      return
    }
    case 'cut':
      bus.up.splice(0)
      bus.down.splice(0)
      return bus.become('lost')
    case 'connect':
      return bus.become('connected')
    default:
      return kind satisfies never
  }
}
