/**
 * What goes through the tunnels while faults happen: beats, hashed transfers, and messages, between
 * the agents and through the own ports of relay 0.
 *
 * Invariant: between agents nothing may be lost, whatever ends; at a relay's own port a stream may
 * end only with its relay. What is otherwise goes to the account.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { BrokerClient } from '../../demo/clients.ts'
import { Sequence } from '../../demo/sequence.ts'
import { within } from '../support/within.ts'
import type { Account } from './account.ts'
import { Heartbeat } from './heartbeat.ts'
import { type Far, type Place, transfer } from './transfers.ts'

const transferBytesMax = 4_000_000
/** Between two transfers: a machine that is busy with bytes alone says nothing of faults. */
const betweenTransfersMs = 600
const messageEveryMs = 50
const patienceMs = 120_000
/** No transfer takes as long once it is alone. */
const restMs = 200_000

/** Where the traffic goes in. */
export interface Doors {
  /** Forwards of one agent to services of another one. */
  readonly echo: () => Place
  readonly bulk: () => Place
  readonly mqtt: () => Place
  /** Relay 0's own ports, in its latest life. */
  readonly relayEcho: () => Place
  readonly relayBulk: () => Place
}

/** What the traffic is told of relay 0. */
export interface RelayLives {
  /** A number that grows with each life. */
  readonly life: number
  /** True when a stream that began in this life may have ended with the relay. */
  readonly hasEndedSince: (life: number) => boolean
}

export class Traffic implements AsyncDisposable {
  /** A conversation between agents, and one at a relay's own port. */
  readonly across: Heartbeat
  readonly ingress: Heartbeat
  readonly #account: Account
  readonly #far: Far
  readonly #sequence: Sequence
  readonly #clients: readonly BrokerClient[]
  readonly #choose: (below: number) => number
  readonly #lives: RelayLives
  readonly #messages: NodeJS.Timeout
  readonly #running: Promise<unknown>
  readonly #ends = new AsyncDisposableStack()
  #rest: PromiseWithResolvers<void> | undefined
  #transfers = 0
  #idle = Promise.withResolvers<void>()
  #seed = 0
  #isOver = false

  private constructor(doors: Doors, options: TrafficOptions, sequence: Sequence) {
    const { account, far, choose, lives, clients } = options
    this.#account = account
    this.#far = far
    this.#choose = choose
    this.#lives = lives
    this.#clients = clients
    this.#sequence = sequence
    for (const client of clients) this.#ends.use(client)
    this.across = this.#ends.use(
      new Heartbeat(doors.echo, () => account.lost('a conversation between agents ended')),
    )
    let { life } = lives
    const ended = (): void => {
      if (lives.hasEndedSince(life)) account.told()
      else account.lost("a conversation at a relay's own port ended")
      life = lives.life
    }
    this.ingress = this.#ends.use(new Heartbeat(doors.relayEcho, ended))
    this.#running = Promise.all([
      this.#transfer(doors.bulk, false),
      this.#transfer(doors.bulk, false),
      this.#transfer(doors.relayBulk, true),
    ])
    const send = (): void => void (this.#rest === undefined && sequence.send(1))
    this.#messages = setInterval(send, messageEveryMs)
  }

  /** Begins all of it. */
  static async begin(
    doors: Doors,
    options: Omit<TrafficOptions, 'clients'>,
    signal: AbortSignal,
  ): Promise<Traffic> {
    const { host, port } = doors.mqtt()
    const from = await BrokerClient.overTcp(`${host}:${port}`, signal)
    const to = await BrokerClient.overTcp(`${host}:${port}`, signal)
    const sequence = await Sequence.open({
      from,
      to,
      topic: 'chaos',
      word: 'beat',
      aheadMax: 1_000,
    })
    return new Traffic(doors, { ...options, clients: [from, to] }, sequence)
  }

  /** Lets everything come to rest, does this, and goes on. */
  async rest(during: () => Promise<void>): Promise<void> {
    this.#rest = Promise.withResolvers()
    for (const beat of [this.across, this.ingress]) beat.rests = true
    if (this.#transfers > 0) await within('rest of the transfers', this.#idle.promise, restMs)
    await during()
    this.#rest.resolve()
    this.#rest = undefined
    for (const beat of [this.across, this.ingress]) beat.rests = false
  }

  /** Ends what is under way as it should end, and settles the account; gives what was counted. */
  async finish(signal: AbortSignal): Promise<string> {
    this.#isOver = true
    clearInterval(this.#messages)
    await this.#running
    const sequence = this.#sequence
    try {
      await sequence.settles({ withinMs: patienceMs, signal })
    } catch (error) {
      this.#account.lost(String(error))
    }
    if (this.across.wrong + this.ingress.wrong > 0) {
      this.#account.wrong('an echo came back otherwise')
    }
    if (sequence.doubled + sequence.disordered > 0) this.#account.wrong(sequence.account)
    const closes = this.#clients.reduce((sum, client) => sum + client.closes, 0)
    if (closes > 0) this.#account.lost('an MQTT connection ended')
    return sequence.account
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true
    clearInterval(this.#messages)
    await this.#ends.disposeAsync()
  }

  async #transfer(place: () => Place, isOwnWay: boolean): Promise<void> {
    while (!this.#isOver) {
      await this.#rest?.promise
      this.#seed += 1
      this.#transfers += 1
      const { life } = this.#lives
      const bytes = 1 + this.#choose(transferBytesMax)
      const end = await transfer(this.#far, place(), this.#seed, bytes)
      const mayEnd = isOwnWay && this.#lives.hasEndedSince(life)
      this.#account.transfer(end, mayEnd, isOwnWay ? "at relay 0's port" : 'between agents')
      this.#transfers -= 1
      if (this.#transfers === 0) {
        this.#idle.resolve()
        this.#idle = Promise.withResolvers()
      }
      await pause(this.#choose(betweenTransfersMs))
    }
  }
}

/** What the traffic is made of and reports to. */
export interface TrafficOptions {
  readonly account: Account
  readonly far: Far
  readonly lives: RelayLives
  readonly clients: readonly BrokerClient[]
  /** A whole number from 0 up to, and without, `below`. */
  readonly choose: (below: number) => number
}
