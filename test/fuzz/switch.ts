/**
 * A live switch with an agent that is hostile, beside two that have a stream with each other.
 *
 * Invariant: whatever the hostile agent says, its carrier ends with a fault or goes on; the stream
 * of the other two comes to its end with every byte; what the switch keeps stays within its bounds,
 * and when all is over nothing is left.
 */
import assert from 'node:assert'
import { AgentCarrier } from '../../relay/switch/carrier.ts'
import { parsePolicy } from '../../shared/policy.ts'
import type { Fault } from '../../shared/protocol/fault.ts'
import type { Frame } from '../../shared/protocol/frame.ts'
import type { Phase } from '../../shared/protocol/life.ts'
import { lastWordsMax } from '../../shared/protocol/voice.ts'
import type { Chance } from '../simulation/chance.ts'
import { relayWindowBytes } from '../support/board.ts'
import { samples } from '../support/frames.ts'
import { type Application, Pair } from '../support/pair.ts'
import type { Knowledge } from './corpus.ts'

const identity = 'agent/evil'
const streamsMax = 10
const honestBytes = 30_000

/** The hostile agent may reach one service of plant-1, and offers one that crm-1 may reach. */
const policy = parsePolicy([
  { rule: 'honest', from: ['agent/crm-1'], to: ['plant-1/mqtt'] },
  { rule: 'hostile', from: [identity, 'agent/crm-1'], to: ['plant-1/sql', 'evil/http'] },
])
const names = ['plant-1/sql', 'plant-1/mqtt', 'evil/http', 'plant-1/none', '../x', identity, '']

export class HostileAgent {
  readonly #chance: Chance
  readonly #pair = new Pair(honestBytes)
  readonly #honest: Application
  readonly #keys: string[] = ['e'.repeat(32)]
  #carrier: AgentCarrier
  #attempt = 0
  #ended = false

  constructor(chance: Chance) {
    this.#chance = chance
    this.#pair.board.admission.replace(policy)
    this.#pair.settle()
    this.#honest = this.#pair.open()
    this.#pair.settle(3)
    this.#carrier = this.#connect()
  }

  get phases(): readonly Phase[] {
    const { endpoint } = this.#pair.plant.lone
    return [...endpoint.ends].map(({ phase }) => phase)
  }

  get known(): Knowledge {
    const positions = [0, 1_000, relayWindowBytes]
    const { link } = this.#carrier
    const ids = [1, 2, 3, 4, 6, 8]
    for (const { id, incoming } of link?.port.legs.values() ?? []) {
      ids.push(id, id)
      positions.push(incoming.cursor, incoming.passed)
    }
    return { ids, keys: this.#keys, positions, names }
  }

  /** A frame of the hostile agent. Throws the fault that ends its carrier. */
  hear(frame: Frame, bytes: number): void {
    if (frame.kind === 'open' && this.#keys.length < 50) this.#keys.push(frame.key)
    this.#carrier.receive(frame, bytes, this.#pair.now)
    this.#check()
  }

  /** The carrier was ended by a fault: the agent comes again. */
  faulted(_fault: Fault): void {
    this.#carrier.lost(this.#pair.now)
    this.#carrier = this.#connect()
  }

  /** The others go on, and sometimes one of them asks the hostile one for something. */
  act(): void {
    const chance = this.#chance
    if (chance.happens(0.3)) this.#pair.settle(1)
    if (chance.happens(0.3)) this.#pull()
    if (chance.happens(0.02)) this.#askHostile()
    if (chance.happens(0.01)) this.#pair.cut(chance.pick(this.#pair.agents))
    if (chance.happens(0.01)) this.#pair.advance(chance.pick([50, 700, 7_000]))
    if (this.#ended || chance.happens(0.01)) this.faulted(undefined as never)
  }

  /** The hostile agent is gone for good. */
  finish(): void {
    const { board } = this.#pair
    this.#carrier.lost(this.#pair.now)
    board.switch.expel(identity, 'revoked', this.#pair.now)
    this.#pair.advance(400_000)
    for (const { lone } of this.#pair.agents) lone.endpoint.endAll('shutdown')
    this.#pair.advance(400_000)
    this.#checkHonest()
    assert.ok(this.#pair.quiet, 'something is left')
    assert.strictEqual(board.switch.links.size, 2)
    for (const { port } of board.switch.links.values()) assert.strictEqual(port.legs.size, 0)
  }

  #checkHonest(): void {
    const key = this.#honest.end?.key
    const target = this.#pair.applications.find(
      (one) => one !== this.#honest && one.end?.key === key,
    )
    for (const one of [this.#honest, target]) {
      assert.ok(one !== undefined, 'the honest stream was not connected')
      assert.strictEqual(one.wrong, 0, 'the honest stream was given wrong bytes')
      assert.strictEqual(one.outcome, 'end', 'the honest stream did not end well')
      assert.strictEqual(one.read, honestBytes, 'the honest stream was cut short')
    }
  }

  #askHostile(): void {
    const { endpoint } = this.#pair.crm.lone
    if (endpoint.ends.size >= streamsMax) return
    const application = this.#pair.open('evil/http')
    this.#keys.push(application.end?.key ?? '')
  }

  #pull(): void {
    for (let count = 0; count < lastWordsMax + 1_000; count += 1) {
      const frame = this.#carrier.pull(this.#pair.now)
      if (frame === undefined) return
      this.#carrier.sent(20)
    }
    assert.fail('a carrier does not come to rest')
  }

  #connect(): AgentCarrier {
    this.#ended = false
    const carrier = new AgentCarrier({
      switch: this.#pair.board.switch,
      identity,
      livenessMs: 10_000,
      now: this.#pair.now,
      wake: () => {},
      end: () => {
        this.#ended = true
      },
    })
    // Some of what comes is heard before HELLO.
    if (this.#chance.happens(0.2)) return carrier
    this.#attempt += 1
    const known = this.#pair.board.switch.linksOf(identity)[0]
    const session = known === undefined ? samples.hello.session : known.session
    const epoch = known?.epoch ?? this.#chance.hex(8)
    const attempt = Math.max(this.#attempt, (known?.attempt ?? 0) + 1)
    if (attempt > 0xffffffff) return carrier
    carrier.receive({ ...samples.hello, epoch, session, attempt }, 60, this.#pair.now)
    return carrier
  }

  #check(): void {
    const { board } = this.#pair
    const routesMax = 3 * streamsMax
    assert.ok(board.switch.links.size <= 3, 'more links than agents')
    assert.ok(board.switch.routes.size <= routesMax, 'more routes than may be')
    assert.ok(board.budget.used <= routesMax * 5 * relayWindowBytes, 'more bytes than may be')
    for (const { port } of board.switch.links.values()) {
      assert.ok(port.legs.size <= 2 * streamsMax, 'more legs than may be')
    }
  }
}
