/**
 * A live agent whose relay is hostile: its link, its endpoint and its ends, in every phase.
 *
 * Invariant: whatever the relay says, the agent ends the carrier with a fault or goes on; what it
 * keeps stays within its bounds, and when all is over nothing is left.
 */
import assert from 'node:assert'
import type { Fault } from '../../shared/protocol/fault.ts'
import type { Frame, StreamFrame } from '../../shared/protocol/frame.ts'
import type { Phase } from '../../shared/protocol/life.ts'
import type { Link } from '../../shared/protocol/link.ts'
import { Opener } from '../../shared/protocol/opener.ts'
import type { EndpointPort } from '../../shared/protocol/port.ts'
import { lastWordsMax } from '../../shared/protocol/voice.ts'
import type { Chance } from '../simulation/chance.ts'
import { samples } from '../support/frames.ts'
import { onlyLink } from '../support/lanes.ts'
import { acceptFrame, Lone, openFrame, windowBytes } from '../support/lone.ts'
import { Recorder } from '../support/recorder.ts'
import type { Knowledge } from './corpus.ts'

const streamsMax = 12
const names = ['plant-1/mqtt', 'agent/crm-1', 'agent/plant-1', 'client/app', '', 'ä/ö']

export class HostileRelay {
  readonly #chance: Chance
  readonly #lone = new Lone(0, { streamsMax })
  readonly #link: Link
  readonly #sockets: Recorder<EndpointPort>[] = []
  readonly #keys: string[] = ['f'.repeat(32)]
  #said = 0

  constructor(chance: Chance) {
    this.#chance = chance
    this.#link = onlyLink({
      name: 'hostile',
      endpoint: this.#lone.endpoint,
      epoch: 'e'.repeat(16),
      services: ['mqtt'],
      livenessMs: 10_000,
      chance: () => chance.next(),
      wake: () => {},
      ready: () => {},
      goaway: () => {},
    })
    this.#connect()
  }

  get phases(): readonly Phase[] {
    return [...this.#lone.endpoint.ends].map(({ phase }) => phase)
  }

  get known(): Knowledge {
    const chance = this.#chance
    const ends = [...this.#lone.endpoint.ends]
    // Whoever aims at one stream gets further than who shoots at all of them.
    const aim = ends.length > 0 && chance.happens(0.7) ? [chance.pick(ends)] : ends
    const ids = aim.length === 1 ? [] : [1, 2, 3, 5]
    const positions = aim.length === 1 ? [0] : [0, windowBytes]
    for (const end of aim) {
      const { send, receive, current } = end
      positions.push(send.acked, send.reached, send.limit, receive.received, receive.limit)
      if (current !== undefined) ids.push(current.id)
      if (end instanceof Opener && end.candidate !== undefined) ids.push(end.candidate.id)
    }
    if (ids.length === 0) ids.push(1 + 2 * chance.between(0, 20))
    return { ids, keys: this.#keys, positions, names }
  }

  /** A frame of the relay. Throws the fault that ends the carrier. */
  hear(frame: Frame, bytes: number): void {
    if (frame.kind === 'open' && this.#keys.length < 50) this.#keys.push(frame.key)
    this.#link.receive(frame, bytes, this.#lone.now)
  }

  /** The carrier was ended by a fault: another follows. */
  faulted(_fault: Fault): void {
    this.#link.carrierLost(this.#lone.now)
    this.#connect()
  }

  /** Something that the agent's own side does. */
  act(): void {
    const chance = this.#chance
    const { endpoint } = this.#lone
    const dialled = chance.happens(0.2) ? this.#lone.dials.splice(0) : []
    for (const end of dialled) {
      if (chance.happens(0.2)) end.refuse('target_refused')
      else {
        const socket: Recorder<EndpointPort> = new Recorder()
        socket.end = end
        this.#sockets.push(socket)
        end.connected(socket)
      }
    }
    if (this.#sockets.length > 40) this.#sockets.splice(0, 20)
    const opening = this.phases.filter((phase) => phase === 'opening').length
    if (endpoint.ends.size < streamsMax && opening < 3 && chance.happens(0.3)) {
      const { end, socket } = this.#lone.open()
      this.#keys.push(end.key)
      this.#sockets.push(socket)
    }
    for (const socket of this.#sockets) this.#use(socket)
    if (chance.happens(0.2)) this.#behave()
    if (chance.happens(0.5)) this.pull()
    if (chance.happens(0.02)) this.#lone.advance(chance.pick([10, 600, 6_000, 40_000]))
    if (chance.happens(0.01)) this.faulted(undefined as never)
    this.#check()
  }

  /** Takes what the agent says; no more than its flags, its last words and its windows. */
  pull(): void {
    const saidMax = lastWordsMax + streamsMax * (windowBytes + 10)
    for (let count = 0; count < saidMax; count += 1) {
      const frame = this.#link.pull(this.#lone.now)
      if (frame === undefined) return
      this.#said += 1
      this.#link.sent(20)
    }
    assert.fail('an agent does not come to rest')
  }

  /** The relay is gone for good: all streams end, and nothing is left. */
  finish(): void {
    this.#link.carrierLost(this.#lone.now)
    this.#lone.dials.length = 0
    this.#lone.advance(600_000)
    const { endpoint, budget } = this.#lone
    assert.strictEqual(endpoint.ends.size, 0, 'ends are left')
    assert.strictEqual(endpoint.tombstones, 0, 'tombstones are left')
    assert.strictEqual(budget.used, 0, 'bytes are left')
    assert.ok(this.#said > 0, 'nothing was ever said')
  }

  /** One thing that an honest relay would say, so that streams live long enough to be harmed. */
  #behave(): void {
    const chance = this.#chance
    if (!this.#link.ready) return
    if (chance.happens(0.3) && this.#lone.endpoint.ends.size < streamsMax) {
      this.#says(openFrame({ id: 2 * chance.between(0, 500) + 1, key: chance.hex(16) }))
    }
    for (const end of [...this.#lone.endpoint.ends]) {
      const candidate = end instanceof Opener ? end.candidate : undefined
      const { id } = candidate ?? end.current ?? {}
      if (id === undefined) continue
      const { acked, reached } = end.send
      const numbers = { received: reached, consumed: acked, limit: reached + windowBytes }
      const { receivedBytes: offset } = end.receive
      const bytes = new Uint8Array(chance.between(0, Math.min(50, end.receive.limit - offset)))
      if (candidate !== undefined) this.#says(acceptFrame({ id, ...numbers }))
      else if (chance.happens(0.5)) this.#says({ kind: 'resume', id, ...numbers })
      else if (end.receive.finCode === undefined) this.#says({ kind: 'data', id, offset, bytes })
      else this.#says({ kind: 'credit', id, consumed: reached, limit: reached + windowBytes })
    }
  }

  #says(frame: StreamFrame): void {
    this.#lone.endpoint.receive(this.#link.port, frame, this.#lone.now)
  }

  #use(socket: Recorder<EndpointPort>): void {
    const { end } = socket
    const chance = this.#chance
    if (end === undefined || socket.outcome !== undefined || socket.log[0] !== 'opened') return
    if (chance.happens(0.1)) socket.takeAll()
    const room = end.room()
    if (room > 0 && chance.happens(0.3)) end.write(new Uint8Array(chance.between(1, room)))
    if (chance.happens(0.05)) end.finish()
    if (chance.happens(0.02)) end.abort()
  }

  #connect(): void {
    this.#link.dialling()
    this.#link.carrierUp(this.#lone.now)
    this.pull()
    // Some of what comes is heard before WELCOME.
    if (this.#chance.happens(0.2)) return
    const { session } = this.#link.port
    const resumed = this.#chance.happens(0.5) && session !== '0'.repeat(16)
    const welcome = { ...samples.welcome, routes: this.#chance.between(0, 6) }
    const asked = resumed ? { resumed, session } : { resumed, session: this.#chance.hex(8) }
    this.#link.receive({ ...welcome, ...asked }, 50, this.#lone.now)
  }

  #check(): void {
    const { endpoint, budget } = this.#lone
    assert.ok(endpoint.ends.size <= streamsMax, 'more ends than may be')
    assert.ok(endpoint.tombstones <= 2 * streamsMax, 'more tombstones than may be')
    assert.ok(budget.used <= streamsMax * (windowBytes + 20_000), 'more bytes than may be')
    for (const { send, receive } of endpoint.ends) {
      assert.ok(send.acked <= send.sent && send.sent <= send.reached && send.reached <= send.end)
      assert.ok(receive.consumed <= receive.received)
    }
  }
}
