/**
 * The product's switch, watched: which carrier each frame came by, and what becomes of its bytes.
 *
 * Invariant: it only looks. The frame of a carrier that no longer serves its link is never handled
 * (check 9), and bytes of a live route that are not taken go to the ledger of debts (check 8).
 */
import type { Carrier, RelayLink } from '../../relay/switch/link.ts'
import type { SwitchPort } from '../../relay/switch/port.ts'
import type { Leg } from '../../relay/switch/route.ts'
import { Switch, type SwitchOptions } from '../../relay/switch/switch.ts'
import type { FrameOf, StreamFrame } from '../../shared/protocol/frame.ts'
import { laneOf } from '../../shared/protocol/greeting.ts'
import { demand } from './demand.ts'
import type { World } from './world.ts'

export class WatchedSwitch extends Switch {
  readonly #world: World
  readonly #localSession: string
  #speaker: Carrier | undefined
  #isDeciding = false

  /** `localSession` is the session of the relay's own endpoint. */
  constructor(world: World, localSession: string, options: SwitchOptions) {
    super(options)
    this.#world = world
    this.#localSession = localSession
  }

  /** The next frames come from this carrier. */
  listenTo(speaker: Carrier): void {
    this.#speaker = speaker
  }

  /** Whatever ends now is ended by authority. */
  get isDeciding(): boolean {
    return this.#isDeciding
  }

  override reconsider(now: number): void {
    this.#isDeciding = true
    super.reconsider(now)
    this.#isDeciding = false
  }

  /** The session that the ids of a port belong to. */
  sessionOf(port: SwitchPort): string {
    return this.linkOf(port)?.session ?? this.#localSession
  }

  /** The link that a port belongs to, while it lives; none for the relay's own endpoint. */
  linkOf(port: SwitchPort): RelayLink | undefined {
    return this.linksOf(port.identity).find((link) => link.port === port)
  }

  /** A HELLO is late when its carrier, or its whole life, is known to be an older one. */
  override hello(identity: string, hello: FrameOf<'hello'>, carrier: Carrier, now: number) {
    const others = this.linksOf(identity)
    const known = others.find((link) => link.lane === laneOf(hello)) ?? others[0]
    const living = this.#world.agents.find((agent) => agent.identity === identity)?.epoch
    const isSameLife = known?.epoch === hello.epoch
    const isLate = isSameLife
      ? known.lane === laneOf(hello) && hello.attempt <= known.attempt
      : known?.epoch === living && hello.epoch !== living && living !== undefined
    const answer = super.hello(identity, hello, carrier, now)
    demand(!isLate, '18: a late HELLO takes over')
    return answer
  }

  override receive(port: SwitchPort, frame: StreamFrame, now: number): void {
    if (port.identity !== '') {
      const serving = this.linkOf(port)?.carrier
      demand(serving === this.#speaker, '9: a frame of a fenced carrier is handled')
    }
    this.#world.grants.heard(this.sessionOf(port), frame)
    const leg = port.legs.get(frame.id)
    const couldPass = leg?.far?.port.up === true
    const cursor = leg?.incoming.cursor ?? 0
    super.receive(port, frame, now)
    if (leg === undefined || !couldPass || !this.routes.has(leg.route)) return
    if (frame.kind === 'data' || frame.kind === 'fin') this.#judge(leg, frame, cursor)
    // What was consumed is never said again: who waits for it waits for ever.
    const isBehind = frame.kind === 'credit' && leg.outgoing.cursor < frame.consumed
    const stream = this.#world.streamOf(leg.route.key)
    demand(!isBehind, '8: the switch waits for bytes that were taken already', stream)
  }

  #judge(leg: Leg, frame: FrameOf<'data'> | FrameOf<'fin'>, cursorBefore: number): void {
    const { ledger, report } = this.#world
    const start = frame.kind === 'data' ? frame.offset : frame.position
    const end = frame.kind === 'data' ? start + frame.bytes.length : start + 1
    if (leg.incoming.cursor >= end) return
    const overBudget = start <= cursorBefore && end <= leg.incoming.passed
    report.count(overBudget ? 'dropped over the budget' : 'dropped behind a hole')
    ledger.owe(this, leg, end)
  }
}
