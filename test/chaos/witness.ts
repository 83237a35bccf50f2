/**
 * Conversations that come in at a relay's own port and say little, to see what becomes of them, and
 * when, as the relay ends: at their consumers, and at the target behind the agent.
 *
 * Invariant: each pair is looked at from both sides, and one that is told nothing is counted as
 * such, never forgotten.
 */
import type { Socket } from 'node:net'
import type { LogRecord, Sallyport } from '../support/sallyport.ts'
import { consumerAt, read, startTarget, type TcpTarget } from '../support/tcp.ts'
import { within } from '../support/within.ts'
import type { Place } from './transfers.ts'

const pairs = 8
const nameBytes = 4
const patienceMs = 60_000
/** Codes that are no reason: the sockets ended by themselves. */
const orderly: ReadonlySet<unknown> = new Set([undefined, 'end', 'connection_reset'])

/** What became of all pairs of one ending. */
export interface Telling {
  /** Pairs that were there when the relay began to end. */
  readonly pairs: number
  /** How long after the relay began to end the last consumer heard of it. */
  readonly consumerMs: number
  /** How long after the relay listened again the last target heard of it; below 0: before. */
  readonly targetMs: number
  /** Why, by the agent's log: a code for each of them. */
  readonly reasons: readonly string[]
  /** Pairs of which one side had heard nothing when patience ended. */
  readonly untold: number
}

interface Pair {
  readonly consumer: Socket
  readonly target: Socket
}

export class Witness implements AsyncDisposable {
  readonly #target: TcpTarget
  /** The name of the service in the agent's log. */
  readonly #service: string
  readonly #arrivals = new Map<number, (socket: Socket) => void>()
  #names = 0
  #pairs: readonly Pair[] = []

  private constructor(target: TcpTarget, service: string) {
    this.#target = target
    this.#service = service
  }

  /** Opens the target's side, on a port of its own. */
  static async open(host: string, service: string): Promise<Witness> {
    const target = await startTarget((socket) => void witness.#arrived(socket), host)
    const witness = new Witness(target, service)
    return witness
  }

  get port(): number {
    return this.#target.port
  }

  /** Opens as many conversations as there should be, where they are missing. */
  async meet(place: Place): Promise<void> {
    const alive = this.#pairs.filter(({ consumer, target }) => !consumer.closed && !target.closed)
    const missing = Array.from({ length: pairs - alive.length }, () => this.#pair(place))
    this.#pairs = [...alive, ...(await Promise.all(missing))]
  }

  /** The relay begins to end: gives the way to say that it listens again, and then to wait. */
  watch(agent: Sallyport): { readonly listens: () => void; readonly told: Promise<Telling> } {
    const { here: from } = agent
    const endingAt = performance.now()
    const listening = Promise.withResolvers<number>()
    const watched = this.#pairs
    this.#pairs = []
    const consumers = watched.map(async ({ consumer }) => await closedAt(consumer))
    const targets = watched.map(async ({ target }) => await closedAt(target))
    const tell = async (): Promise<Telling> => {
      const listensAt = await listening.promise
      const consumersAt = await Promise.all(consumers)
      const targetsAt = await Promise.all(targets)
      const untold = watched.filter(
        (_, index) => consumersAt[index] === undefined || targetsAt[index] === undefined,
      )
      const latest = (times: readonly (number | undefined)[]): number =>
        Math.max(...times.filter((at) => at !== undefined))
      return {
        pairs: watched.length,
        consumerMs: latest(consumersAt) - endingAt,
        targetMs: latest(targetsAt) - listensAt,
        reasons: await this.#reasons(agent, from, watched.length),
        untold: untold.length,
      }
    }
    return { listens: () => listening.resolve(performance.now()), told: tell() }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { consumer } of this.#pairs) consumer.destroy()
    await this.#target[Symbol.asyncDispose]()
  }

  /** So many reasons behind this line of the log, which may come a moment after the resets. */
  async #reasons(agent: Sallyport, from: number, count: number): Promise<readonly string[]> {
    const reasons: string[] = []
    const isReason = ({ service, code }: LogRecord): boolean => {
      if (service !== this.#service || orderly.has(code)) return false
      reasons.push(String(code))
      return reasons.length === count
    }
    const options = { from, deadlineMs: patienceMs }
    if (count > 0) await agent.waitForRecord(isReason, 'reasons', options).catch(() => {})
    return reasons
  }

  async #arrived(socket: Socket): Promise<void> {
    const name = await read(socket, nameBytes, patienceMs).catch(() => undefined)
    if (name !== undefined) this.#arrivals.get(name.readUInt32BE())?.(socket)
  }

  async #pair(place: Place): Promise<Pair> {
    this.#names += 1
    const name = this.#names
    const { promise, resolve } = Promise.withResolvers<Socket>()
    this.#arrivals.set(name, resolve)
    const consumer = await consumerAt(place)
    const bytes = Buffer.alloc(nameBytes)
    bytes.writeUInt32BE(name)
    consumer.write(bytes)
    try {
      const target = await within(`witness ${name}`, promise, patienceMs)
      for (const socket of [consumer, target]) socket.resume()
      return { consumer, target }
    } finally {
      this.#arrivals.delete(name)
    }
  }
}

/** When a socket heard of the end, or nothing. */
async function closedAt(socket: Socket): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>()
  const heard = (): void => resolve(performance.now())
  if (socket.closed) heard()
  socket.once('end', heard).once('close', heard)
  const inVain = setTimeout(() => resolve(undefined), patienceMs)
  const at = await promise
  clearTimeout(inVain)
  return at
}
