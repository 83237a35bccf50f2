/**
 * The todo server: one file for every transport, which differs in the line that connects.
 *
 * Invariant: nothing is said, and nothing acknowledged, before the state that it follows from is on
 * disk. What is not understood is ignored, and the log says what it was, and whose.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { ZodError } from 'zod'
import { type Log, logFault } from '../../shared/io/log.ts'
import { decide, lights, type Saying, type TodoEvent, type TodoState } from './authority.ts'
import {
  clientMessageSchema,
  deviceStatusSchema,
  limits,
  type ServerMessage,
  serverId,
  topics,
} from './contract.ts'
import type { Facade, FacadeSocket } from './facade/facade.ts'
import type { Store } from './store.ts'

/** What the server stands on. */
export interface TodoServerOptions {
  readonly facade: Facade
  readonly store: Store
  readonly log: Log
  /** By default those of the contract. */
  readonly leaseMs?: number
  readonly readyMs?: number
}

export class TodoServer implements AsyncDisposable {
  readonly #facade: Facade
  readonly #store: Store
  readonly #log: Log
  readonly #leaseMs: number
  /** The newest socket of each client. */
  readonly #online = new Map<string, FacadeSocket>()
  /** When each lease is over, unless it is renewed. */
  readonly #leases = new Map<string, NodeJS.Timeout>()
  readonly #heartbeat: NodeJS.Timeout
  #state: TodoState
  /** What is to be said and acknowledged as soon as the state is on disk. */
  #waiting: { saying?: Saying; acknowledge?: () => void }[] = []
  #saved: TodoState
  #writing: Promise<void> | undefined
  #ended = false

  private constructor(options: TodoServerOptions, state: TodoState) {
    const { facade, store, log, leaseMs = limits.leaseMs, readyMs = limits.readyMs } = options
    this.#facade = facade
    this.#store = store
    this.#log = log
    this.#leaseMs = leaseMs
    this.#state = state
    this.#saved = state
    for (const id of Object.keys(state.list.leases)) this.#renew(id)
    facade.on('connection', (socket) => this.#welcome(socket))
    facade.on('connect', () => this.#introduce())
    this.#heartbeat = setInterval(() => this.#sayReady(), readyMs)
    this.#introduce()
  }

  /** Takes up what was saved. Throws `file_unreadable`. */
  static async start(options: TodoServerOptions): Promise<TodoServer> {
    return new TodoServer(options, await options.store.load())
  }

  /** The list as it is now. */
  get state(): TodoState {
    return this.#state
  }

  /** Stops listening, and saves what it has heard. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heartbeat)
    for (const timer of this.#leases.values()) clearTimeout(timer)
    await Promise.race([this.#writing, pause(saveAgainMs, undefined, { ref: false })])
    this.#ended = true
    await this.#facade[Symbol.asyncDispose]()
  }

  #welcome(socket: FacadeSocket): void {
    const { clientId } = socket
    this.#log.debug('client here', { 'client.id': clientId })
    this.#online.set(clientId, socket)
    socket.on(topics.todo, (said, acknowledge) => {
      if (this.#waiting.length >= waitingMax) return
      const message = clientMessageSchema.safeParse(said)
      if (message.success) this.#take({ kind: 'message', message: message.data }, acknowledge)
      else this.#ignore(clientId, reasonOf(message.error), acknowledge)
    })
    socket.on(topics.deviceStatus, (said, acknowledge) => {
      if (this.#waiting.length >= waitingMax) return
      const status = deviceStatusSchema.safeParse(said)
      if (status.success) this.#take({ kind: 'status', status: status.data }, acknowledge)
      else this.#ignore(clientId, reasonOf(status.error), acknowledge)
    })
    socket.on('disconnect', () => this.#farewell(socket))
    this.#sayLights(clientId)
    this.#wait({ saying: { kind: 'devices' } })
  }

  #farewell(socket: FacadeSocket): void {
    const { clientId } = socket
    if (this.#online.get(clientId) !== socket) return
    this.#log.debug('client gone', { 'client.id': clientId })
    this.#online.delete(clientId)
    for (const [id, holder] of Object.entries(this.#state.list.leases)) {
      if (holder === clientId) this.#take({ kind: 'release', id })
    }
    this.#wait({ saying: { kind: 'devices' } })
  }

  #take(event: TodoEvent, acknowledge?: () => void): void {
    const { state, sayings } = decide(this.#state, event, randomUUID)
    this.#state = state
    if (event.kind === 'message' && event.message.command === 'busy') {
      const { id, clientId } = event.message
      // Who is refused an entry does not prolong the lease of who has it.
      if ((state.list.leases[id] ?? clientId) === clientId) this.#renew(id)
    }
    for (const saying of sayings) this.#wait({ saying })
    if (acknowledge !== undefined) this.#wait({ acknowledge })
  }

  #ignore(clientId: string, reason: string, acknowledge: () => void): void {
    this.#log.warn('message ignored', { 'client.id': clientId, reason })
    acknowledge()
  }

  #renew(id: string): void {
    clearTimeout(this.#leases.get(id))
    this.#leases.delete(id)
    if (!Object.hasOwn(this.#state.list.leases, id)) return
    const timer = setTimeout(() => this.#take({ kind: 'release', id }), this.#leaseMs)
    this.#leases.set(id, timer)
  }

  #wait(one: { saying?: Saying; acknowledge?: () => void }): void {
    if (this.#ended) return
    this.#waiting.push(one)
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  /** Saves and says, as long as there is something; what comes meanwhile is saved together. */
  async #write(): Promise<void> {
    // Whatever this turn of the loop brings is saved at once.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) {
      const state = this.#state
      const waiting = this.#waiting.splice(0)
      if (state !== this.#saved) await this.#save(state)
      for (const { saying } of waiting) if (saying !== undefined) this.#say(saying, state)
      if (waiting.some(({ saying }) => saying?.kind === 'devices')) this.#sayPresence(state)
      for (const { acknowledge } of waiting) acknowledge?.()
    }
  }

  async #save(state: TodoState): Promise<void> {
    while (!this.#ended) {
      try {
        await this.#store.save(state)
        this.#saved = state
        return
      } catch (error) {
        logFault(this.#log, error, {}, 'error')
        await pause(saveAgainMs)
      }
    }
  }

  #say(saying: Saying, state: TodoState): void {
    switch (saying.kind) {
      case 'all':
        this.#facade.emit(topics.todo, saying.message)
        break
      case 'one':
        this.#facade.to(saying.clientId).emit(topics.todo, saying.message)
        break
      case 'init': {
        const number = state.numbers.get(saying.clientId) ?? 0
        const message = { clientId: serverId, command: 'initdata', to: saying.clientId } as const
        const initdata: ServerMessage = { ...message, number, ...state.list, ...this.#here(state) }
        this.#facade.to(saying.clientId).emit(topics.todo, initdata)
        break
      }
      case 'light':
        this.#facade.emit(topics.deviceCommand, saying.command)
        this.#facade.to(saying.command.clientId).emit(topics.deviceCommand, saying.command)
        break
      case 'ignored': {
        const { clientId, reason } = saying
        this.#log.warn('message ignored', { 'client.id': clientId, reason })
        break
      }
      case 'devices':
        break
      default:
        saying satisfies never
    }
  }

  /** Says all that somebody may have missed while nothing could be said. */
  #introduce(): void {
    this.#sayReady()
    this.#sayLights()
    this.#wait({ saying: { kind: 'devices' } })
  }

  #sayReady(): void {
    const { revision } = this.#state.list
    this.#wait({
      saying: { kind: 'all', message: { clientId: serverId, command: 'ready', revision } },
    })
  }

  #sayLights(clientId?: string): void {
    for (const command of lights(this.#state)) {
      if (clientId !== undefined && command.clientId !== clientId) continue
      this.#wait({ saying: { kind: 'light', command } })
    }
  }

  #sayPresence(state: TodoState): void {
    const message = { clientId: serverId, command: 'presence', ...this.#here(state) }
    this.#facade.emit(topics.todo, message)
  }

  #here({
    devices,
  }: TodoState): Pick<ServerMessage & { command: 'presence' }, 'online' | 'devices'> {
    return { online: [...this.#online.keys()], devices: [...devices] }
  }
}

const saveAgainMs = 1_000

/** While the disk takes nothing, more is neither heard nor acknowledged, and so said again. */
const waitingMax = 10_000

/** The first thing that is wrong: `item.title: Too big`. */
function reasonOf({ issues }: ZodError): string {
  const [first] = issues
  return first === undefined ? 'malformed' : `${first.path.join('.')}: ${first.message}`
}
