/**
 * A switch alone: its agents are what the test says, frame by frame.
 *
 * Invariant: time stands still until `advance`, and nothing is pulled until `said`.
 */
import { Admission } from '../../relay/admission.ts'
import type { Carrier, RelayLink, SwitchNotice } from '../../relay/switch/link.ts'
import type { SwitchPort } from '../../relay/switch/port.ts'
import type { Route } from '../../relay/switch/route.ts'
import { Switch, type SwitchLimits } from '../../relay/switch/switch.ts'
import { type Policy, parsePolicy } from '../../shared/policy.ts'
import { Budget } from '../../shared/protocol/budget.ts'
import type { FaultCode, WireCode } from '../../shared/protocol/fault.ts'
import type { Frame, FrameOf, StreamFrame } from '../../shared/protocol/frame.ts'
import { noSession } from '../../shared/protocol/frame.ts'
import { openFrame } from './lone.ts'

export const relayWindowBytes = 10_000
const limits: SwitchLimits = {
  streamsMax: 10,
  agentsMax: 10_000,
  carriersMax: 4,
  windowBytes: relayWindowBytes,
  resumeWindowMs: 90_000,
  livenessMs: 10_000,
  parkMs: 5_000,
}

/** Everything may reach everything, but for `plant-1/secret`. */
export const openPolicy: Policy = parsePolicy([
  {
    rule: 'all',
    from: ['10.0.0.0/8', 'agent/crm-1', 'agent/plant-1', 'client/app'],
    to: ['plant-1/mqtt', 'plant-1/sql', 'crm-1/http'],
  },
])

/** One agent's side of its link: what the switch did to its carrier. */
export class Agent implements Carrier {
  readonly #board: Board
  readonly name: string
  link: RelayLink
  welcome: FrameOf<'welcome'>
  /** Why the switch ended this carrier, and what GOAWAY said. */
  ended: readonly [FaultCode, WireCode | undefined] | undefined
  /** The carriers of other lanes that it is to give up: lane and attempt. */
  readonly gones: (readonly [number, number])[] = []
  /** How soon the relay is to stop, once it has said so. */
  drains: number | undefined

  constructor(board: Board, name: string, hello: FrameOf<'hello'>) {
    this.#board = board
    this.name = name
    const answer = board.switch.hello(name, hello, this, board.now)
    this.link = answer.link
    this.welcome = answer.welcome
  }

  get port(): SwitchPort {
    return this.link.port
  }

  wake(): void {}

  drain(deadlineMs: number): void {
    this.drains = deadlineMs
  }

  gone(lane: number, attempt: number): void {
    this.gones.push([lane, attempt])
  }

  end(code: FaultCode, goaway: WireCode | undefined): void {
    this.ended = [code, goaway]
    // As the driver of a carrier does, at once.
    this.lost()
  }

  /** A frame of this agent comes. */
  says(frame: StreamFrame): void {
    this.#board.switch.receive(this.port, frame, this.#board.now)
  }

  /** Everything that the switch says to this agent now. */
  hears(): readonly Frame[] {
    return drain(this.port)
  }

  hearsKinds(): readonly string[] {
    return this.hears().map(({ kind }) => kind)
  }

  lost(): void {
    this.#board.switch.carrierLost(this.link, this, this.#board.now)
  }
}

export class Board {
  readonly switch: Switch
  readonly admission: Admission
  readonly budget: Budget
  readonly notices: SwitchNotice[] = []
  readonly local: SwitchPort
  now = 0
  #sessions = 0
  #attempts = 0

  constructor(overrides: Partial<SwitchLimits> = {}, budget = new Budget(1_000_000, 1_000)) {
    this.admission = new Admission(openPolicy)
    this.budget = budget
    this.switch = new Switch({
      limits: { ...limits, ...overrides },
      budget,
      life: 'bbbbbbbbbbbbbbbb',
      mintSession: () => {
        this.#sessions += 1
        return this.#sessions.toString(16).padStart(16, '0')
      },
      admission: this.admission,
      notice: (notice) => this.notices.push(notice),
    })
    this.local = this.switch.addLocalPort(() => {})
  }

  get routes(): readonly Route[] {
    return [...this.switch.routes]
  }

  /** A HELLO of this agent; each is of a later attempt than the ones before. */
  agent(name: string, change: Partial<FrameOf<'hello'>> = {}): Agent {
    this.#attempts += 1
    return new Agent(this, `agent/${name}`, {
      kind: 'hello',
      version: 1,
      epoch: 'eeeeeeeeeeeeeeee',
      session: noSession,
      attempt: this.#attempts,
      alive: [],
      attributes: [],
      ...change,
    })
  }

  /** The same agent comes back for its session, on another carrier. */
  again(agent: Agent): Agent {
    return this.agent(agent.name.replace('agent/', ''), { session: agent.link.session })
  }

  /**
   * Two agents with a stream between them, open both ways: id 2 at the opener, 1 at the acceptor.
   */
  routed(change: Partial<FrameOf<'open'>> = {}) {
    const opener = this.agent('crm-1')
    const acceptor = this.agent('plant-1')
    opener.says(openFrame({ id: 2, from: '', ...change }))
    const [open] = acceptor.hears()
    if (open?.kind !== 'open') throw new Error('the OPEN was not passed on')
    const limit = 1_000_000
    acceptor.says({ kind: 'accept', id: 1, received: 0, consumed: 0, limit, by: 'agent/plant-1' })
    opener.hears()
    const [route] = this.routes
    if (route === undefined) throw new Error('there is no route')
    return { opener, acceptor, route, open }
  }

  /** What the local port hears. */
  localHears(): readonly Frame[] {
    return drain(this.local)
  }

  advance(byMs: number): void {
    this.now += byMs
    this.switch.tick(this.now)
  }

  /** The kinds of what an operator was told. */
  noticed(): readonly string[] {
    return this.notices.map((notice) =>
      'code' in notice ? `${notice.kind} ${notice.code}` : notice.kind,
    )
  }
}

function drain(port: SwitchPort): readonly Frame[] {
  const frames: Frame[] = []
  for (let count = 0; count < 100_000; count += 1) {
    const frame = port.pull(true)
    if (frame === undefined) return frames
    frames.push(frame)
  }
  throw new Error('a port does not come to rest')
}
