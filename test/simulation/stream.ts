/**
 * What the world knows of one stream: both sockets, both ends, and what has befallen it.
 *
 * Invariant: a key feeds at most one target socket, at most one that lives is dialled for it, and
 * an established stream is never dialled again (checks 2 and 4).
 */
import type { Endpoint, EndpointAcceptor, EndpointEnd } from '../../shared/protocol/endpoint.ts'
import type { FaultCode } from '../../shared/protocol/fault.ts'
import type { Phase } from '../../shared/protocol/life.ts'
import type { Opener } from '../../shared/protocol/opener.ts'
import type { EndpointPort } from '../../shared/protocol/port.ts'
import type { Agent } from './agent.ts'
import { Socket } from './application.ts'
import { isReplayed } from './captured-relay.ts'
import { demand } from './demand.ts'
import type { Plan } from './plan.ts'
import type { Relay } from './relay.ts'
import { relaySteadyMs, waySteadyMs } from './ways.ts'
import type { World } from './world.ts'

export interface StreamOptions {
  readonly opener: Agent | Relay
  readonly target: Agent
  readonly service: string
  readonly plans: readonly [Plan, Plan]
  /** The number of this stream in its world. */
  readonly number: number
}

export class Stream {
  readonly #world: World
  readonly options: StreamOptions
  readonly opener: Socket
  readonly openerEndpoint: Endpoint
  readonly madeAt: number
  openerEnd: Opener<EndpointPort> | undefined
  acceptorEnd: EndpointAcceptor | undefined
  #acceptorEndpoint: Endpoint | undefined
  /** Every connection that was made for this key; the last one is `target`. */
  readonly targets: Socket[] = []
  /** The process of that end died while the end lived. */
  openerDied = false
  acceptorDied = false
  /** A relay has learnt while it lived that the agent of that side had been restarted. */
  openerRestarted = false
  targetRestarted = false
  /** A life of the target's agent that knew nothing of it has dialled for an OPEN under way. */
  isGhost = false
  /** A policy that forbids it was in force while it lived: at some relay, and for its own route. */
  denied = false
  forbidden = false
  /** How long no relay linked both of its ends well enough, at the longest (check 13). */
  wayLostMs = 0
  wayFoundAt: number
  /** For how long there was a way when its opener was told the end. */
  wayMsAtEnd = 0
  /** The relays that have refused it, as its opener knows them. */
  readonly refusedBy = new Set<EndpointPort>()
  /** For how long there was a way then by a relay that had never refused it. */
  unaskedWayMsAtEnd = 0

  constructor(world: World, options: StreamOptions) {
    this.#world = world
    this.options = options
    this.openerEndpoint = options.opener.endpoint
    this.madeAt = world.clock.now
    this.wayFoundAt = world.clock.now
    this.opener = new Socket({
      world,
      plan: options.plans[0],
      salt: this.#salt,
      expected: (dial) => this.#feed(dial),
      ended: (code) => {
        this.wayMsAtEnd = waySteadyMs(world, this)
        const names = new Set([...this.refusedBy].map(({ name }) => name))
        const unasked = world.relays.filter(({ name }) => !names.has(name))
        const steadyMs = unasked.map((relay) => relaySteadyMs(relay, this))
        this.unaskedWayMsAtEnd = Math.max(0, ...steadyMs)
        const isDenied = code === 'denied_by_policy' && !this.forbidden
        const hasWay = isDenied && this.openerEnd?.current !== undefined
        demand(!hasWay, '12: a relay denies what another one leads', this)
      },
    })
  }

  get key(): string | undefined {
    return this.openerEnd?.key
  }

  get to(): string {
    return `${this.options.target.name}/${this.options.service}`
  }

  get target(): Socket | undefined {
    return this.targets.at(-1)
  }

  /** The connection that bytes came from or went to: behind a ghost it is not the last one. */
  get spokenTarget(): Socket | undefined {
    return this.#fed === undefined ? undefined : this.targets[this.#fed]
  }

  get over(): boolean {
    return this.livingOpener === undefined && this.livingAcceptor === undefined
  }

  /** The opener has seen ACCEPT, now or ever. */
  get wasEstablished(): boolean {
    return this.openerEnd?.established === true
  }

  /** The opener, while it lives. */
  get livingOpener(): Opener<EndpointPort> | undefined {
    const { openerEnd, opener } = this
    return openerEnd?.phase === 'closed' || opener.died ? undefined : openerEnd
  }

  /** The acceptor, while it lives. */
  get livingAcceptor(): EndpointAcceptor | undefined {
    const { acceptorEnd, acceptorDied } = this
    return acceptorEnd?.phase === 'closed' || acceptorDied ? undefined : acceptorEnd
  }

  /** The ends that live. */
  get livingEnds(): readonly EndpointEnd[] {
    return [this.livingOpener, this.livingAcceptor].filter((end) => end !== undefined)
  }

  /** The phases of the ends that live. */
  get phases(): readonly Phase[] {
    return this.livingEnds.map(({ phase }) => phase)
  }

  /** An OPEN of this key has led an agent to dial. */
  dialled(endpoint: Endpoint, end: EndpointAcceptor): void {
    const { acceptorEnd } = this
    const lives = acceptorEnd !== undefined && acceptorEnd.phase !== 'closed' && !this.acceptorDied
    demand(!lives, '4: two acceptors of one key live', this)
    // A life that has lost its tombstones cannot know that an OPEN which was under way is a ghost.
    const isGhost = this.wasEstablished
    // What is said again while it is remembered may arrive when it is so no longer.
    const isExcused = this.targetRestarted || isReplayed(end.current?.id)
    demand(!isGhost || isExcused, '4: an established stream is dialled again', this)
    if (isGhost) this.#world.report.count('ghost dial after a restart')
    this.isGhost ||= isGhost
    this.acceptorEnd = end
    this.#acceptorEndpoint = endpoint
    this.acceptorDied = false
  }

  connect(end: EndpointAcceptor): void {
    if (this.targets.length > 0) this.#world.report.count('dialled again before it was established')
    const dial = this.targets.length
    const target = new Socket({
      world: this.#world,
      plan: this.options.plans[1],
      salt: this.#salt + 0x100 + dial,
      expected: () => {
        this.#feed(dial)
        return this.opener.written
      },
      ended: () => {},
    })
    target.end = end
    this.targets.push(target)
    end.connected(target)
  }

  /** A relay has learnt that this agent was restarted, perhaps before the stream was made. */
  restarted(agent: Agent): void {
    if (this.over) return
    if (this.options.target === agent) this.targetRestarted = true
    if (this.options.opener === agent) this.openerRestarted = true
  }

  /** The process that holds this endpoint dies: its sockets with it. */
  died(endpoint: Endpoint): void {
    if (this.options.target.endpoint === endpoint) this.targetRestarted = true
    if (this.openerEndpoint === endpoint) this.openerRestarted = true
    if (this.openerEndpoint === endpoint && this.openerEnd?.phase !== 'closed') {
      this.opener.died = true
      this.openerDied = true
    }
    if (this.#acceptorEndpoint === endpoint && this.acceptorEnd?.phase !== 'closed') {
      if (this.target?.end === this.acceptorEnd && this.target !== undefined) {
        this.target.died = true
      }
      this.acceptorDied = true
    }
  }

  #fed: number | undefined

  /** The connection that this key feeds, in either direction: the first one for good (check 2). */
  #feed(dial: number): Uint8Array {
    this.#fed ??= dial
    demand(dial === this.#fed, '2: one key feeds two connections', this)
    const target = this.targets[dial]
    demand(target !== undefined, '2: bytes of a connection that was never made', this)
    return target.written
  }

  get #salt(): number {
    return this.options.number * 0x200
  }
}

/** What tells one stream from another in a message. */
export function describe(stream: Stream): string {
  const { opener, target, openerEnd, acceptorEnd, options } = stream
  const socket = (name: string, one: Socket | undefined) =>
    one === undefined
      ? `${name} absent`
      : `${name} wrote ${one.wrote} read ${one.read} taken ${one.taken} fin ${one.finished}` +
        ` farFin ${one.farFinished} reset ${one.resetIn} died ${one.died}` +
        ` code ${one.outcome?.code satisfies FaultCode | undefined} at ${one.outcome?.at}`
  return [
    `stream ${options.number} ${options.opener.name} -> ${stream.to} made ${stream.madeAt}`,
    socket('opener', opener),
    `phase ${openerEnd?.phase} n ${openerEnd?.attachmentNumber} current ${openerEnd?.current?.id}`,
    socket('target', target),
    `phase ${acceptorEnd?.phase} n ${acceptorEnd?.attachmentNumber}`,
    `forbidden ${stream.forbidden} died ${stream.openerDied} ${stream.acceptorDied}`,
    `no way for ${stream.wayLostMs}`,
  ].join('; ')
}
