/**
 * What the world knows of one stream: both sockets, both ends, and what has befallen it.
 *
 * Invariant: a key feeds at most one target socket that lives, and an established stream is never
 * dialled again.
 */
import assert from 'node:assert'
import type { Endpoint, EndpointAcceptor, EndpointEnd } from '../../shared/protocol/endpoint.ts'
import type { FaultCode } from '../../shared/protocol/fault.ts'
import type { Opener } from '../../shared/protocol/opener.ts'
import type { EndpointPort } from '../../shared/protocol/port.ts'
import type { Agent, Relay } from './actors.ts'
import { type Plan, Socket } from './application.ts'
import type { World } from './world.ts'

export interface StreamOptions {
  readonly opener: Agent | Relay
  readonly target: Agent
  readonly service: string
  readonly socket: Socket
  readonly plan: Plan
  readonly salt: number
}

export class Stream {
  readonly #world: World
  readonly #options: StreamOptions
  readonly openerEndpoint: Endpoint
  openerEnd: Opener<EndpointPort> | undefined
  acceptorEnd: EndpointAcceptor | undefined
  acceptorEndpoint: Endpoint | undefined
  target: Socket | undefined
  /** Connections that were made for this key. */
  dials = 0
  /** The process of one of its ends was restarted. */
  restarted = false
  /** A policy that forbids it was in force while it lived. */
  forbidden = false
  refusal: FaultCode | undefined
  acceptorDied = false

  constructor(world: World, options: StreamOptions) {
    this.#world = world
    this.#options = options
    this.openerEndpoint = options.opener.endpoint
  }

  get opener(): Socket {
    return this.#options.socket
  }

  get options(): StreamOptions {
    return this.#options
  }

  get to(): string {
    return `${this.#options.target.name}/${this.#options.service}`
  }

  get over(): boolean {
    const { openerEnd, acceptorEnd, opener, target } = this
    const isOver = (end: EndpointEnd | undefined, socket: Socket | undefined) =>
      end === undefined || end.phase === 'closed' || socket?.died === true
    return isOver(openerEnd, opener) && (isOver(acceptorEnd, target) || this.acceptorDied)
  }

  /** The opener has seen ACCEPT, now or ever. */
  get wasEstablished(): boolean {
    return this.openerEnd?.established === true
  }

  dialled(endpoint: Endpoint, end: EndpointAcceptor): void {
    const { acceptorEnd } = this
    const living = acceptorEnd !== undefined && acceptorEnd.phase !== 'closed' && !this.acceptorDied
    assert.ok(!living, 'two acceptors of one key live')
    this.acceptorEnd = end
    this.acceptorEndpoint = endpoint
    this.acceptorDied = false
  }

  connect(end: EndpointAcceptor): void {
    this.dials += 1
    // A life that has lost its tombstones cannot know that an OPEN which was under way is a ghost.
    const isGhost = this.openerEnd?.established === true
    assert.ok(!isGhost || this.restarted, 'an established stream was dialled again')
    if (isGhost) this.#world.report.count('ghost dial after a restart')
    if (this.dials > 1) this.#world.report.count('dialled again before it was established')
    this.target = new Socket(this.#world, this.#options.plan, this.#options.salt, 1)
    this.target.end = end
    end.connected(this.target)
  }

  died(endpoint: Endpoint): void {
    if (this.openerEndpoint === endpoint && this.openerEnd?.phase !== 'closed') {
      this.opener.died = true
      this.restarted = true
    }
    if (this.acceptorEndpoint === endpoint && this.acceptorEnd?.phase !== 'closed') {
      if (this.target !== undefined) this.target.died = true
      this.acceptorDied = true
      this.restarted = true
    }
  }

  ended(end: EndpointEnd, code: FaultCode): void {
    if (end === this.acceptorEnd && this.target === undefined) this.refusal = code
  }
}
