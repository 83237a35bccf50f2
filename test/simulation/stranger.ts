/**
 * A hostile agent: a proved identity of its own, and the keys of streams that are not its own.
 *
 * Invariant: whatever it says, no frame of it changes anything for anybody (check 10), and no
 * frame of a stream ever reaches it.
 */
import type { Frame } from '../../shared/protocol/frame.ts'
import { noSession, protocolVersion } from '../../shared/protocol/frame.ts'
import { Agent, relayParty } from './agent.ts'
import { demand } from './demand.ts'
import { Carrier, type Speaker } from './network.ts'
import type { Relay } from './relay.ts'
import type { Stream } from './stream.ts'
import type { World } from './world.ts'

export const strangerName = 'mallory'

/** How often the stranger tries something. */
const everyMs = 200

export class Stranger implements Speaker {
  readonly #world: World
  readonly #relay: Relay
  #carrier: Carrier | undefined
  readonly #say: Frame[] = []
  #nextId = 2
  #attempt = 0

  constructor(world: World, relay: Relay) {
    this.#world = world
    this.#relay = relay
    world.clock.after(everyMs, this.#attack)
  }

  receive(frame: Frame): void {
    switch (frame.kind) {
      case 'welcome':
      case 'pong':
      case 'goaway':
        return
      case 'ping':
        this.#say.push({ kind: 'pong', echo: frame.echo, bytesReceived: 0 })
        return
      case 'refuse':
      case 'void':
      case 'reset':
        return this.#world.report.count('stranger refused')
      case 'resync':
      case 'hold':
        // Its own OPEN, while the agent that it asks for is away.
        return
      default:
        demand(false, `10: a stranger is told ${frame.kind}`)
    }
  }

  pull(): Frame | undefined {
    return this.#say.shift()
  }

  sent(): void {}

  verdict(): undefined {
    return undefined
  }

  deadline(): number {
    return Number.POSITIVE_INFINITY
  }

  #attack = (): void => {
    const { chance, clock, options, streams } = this.#world
    if (clock.now >= options.faultsUntilMs) return
    clock.after(everyMs, this.#attack)
    if (this.#carrier?.agent.alive !== true) return this.#dial()
    const open = streams.filter(({ acceptorEnd }) => acceptorEnd?.phase === 'open')
    if (open.length === 0) return
    const stream = chance.pick(open)
    this.#say.push(chance.happens(0.7) ? this.#stealing(stream) : this.#meddling(stream))
    this.#carrier.agent.wake()
  }

  #dial(): void {
    if (!this.#relay.up) return
    this.#attempt += 1
    this.#nextId = 2
    const greeting: Frame = {
      kind: 'hello',
      version: protocolVersion,
      epoch: 'badbadbadbadbad0',
      session: noSession,
      attempt: this.#attempt,
      alive: [],
      attributes: [],
    }
    this.#say.splice(0, this.#say.length, greeting)
    const [owner] = this.#world.agents
    if (owner === undefined) return
    this.#carrier = new Carrier(this.#world, owner, this.#relay, (carrier) => [
      { speaker: this, hearsLate: false, onLost: () => {}, said: () => {}, heard: () => {} },
      relayParty(this.#world, `agent/${strangerName}`, carrier),
    ])
    this.#carrier.agent.wake()
    this.#carrier.relay.wake()
  }

  /** An OPEN that would move somebody else's stream to here, in the name of who opened it. */
  #stealing(stream: Stream): Frame {
    const { chance, report } = this.#world
    const { opener } = stream.options
    const id = this.#nextId
    this.#nextId += 2
    report.count('forged OPEN')
    return {
      kind: 'open',
      id,
      key: stream.key ?? '',
      attachment: (stream.acceptorEnd?.attachmentNumber ?? 0) + chance.between(0, 3),
      established: chance.happens(0.5),
      received: 0,
      consumed: 0,
      limit: 100_000,
      to: stream.to,
      from: opener instanceof Agent ? opener.identity : 'address/10.0.0.1',
      attributes: [],
    }
  }

  /** A frame on an id that means something on the ports of others only. */
  #meddling(stream: Stream): Frame {
    const { chance, report } = this.#world
    const id = stream.acceptorEnd?.current?.id ?? 1
    report.count('forged frame')
    return chance.pick<Frame>([
      { kind: 'reset', id, code: 'end' },
      { kind: 'void', id },
      { kind: 'close', id, consumed: 1 },
      { kind: 'fin', id, position: 0, code: 'end' },
      { kind: 'data', id, offset: 0, bytes: new Uint8Array(10) },
      { kind: 'credit', id, consumed: 10_000, limit: 1_000_000 },
    ])
  }
}
