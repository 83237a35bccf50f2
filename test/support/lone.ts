/**
 * One endpoint alone: its relays are what the test says, frame by frame.
 *
 * Invariant: time stands still until `advance`, and nothing is pulled until `said`.
 */
import { Budget } from '../../shared/protocol/budget.ts'
import {
  Endpoint,
  type EndpointAcceptor,
  type EndpointEnd,
  type EndpointLimits,
} from '../../shared/protocol/endpoint.ts'
import type { FaultCode } from '../../shared/protocol/fault.ts'
import type { Frame, FrameOf, StreamFrame } from '../../shared/protocol/frame.ts'
import type { Phase } from '../../shared/protocol/life.ts'
import type { Opener } from '../../shared/protocol/opener.ts'
import type { EndpointPort, PortSession } from '../../shared/protocol/port.ts'
import { key } from './frames.ts'
import { Recorder } from './recorder.ts'

export const windowBytes = 1_000
export const limits: EndpointLimits = {
  streamsMax: 10,
  windowBytes,
  resumeWindowMs: 90_000,
  openTimeoutMs: 20_000,
  candidateMs: 5_000,
}

export type Socket = Recorder<EndpointPort>

export const session: PortSession = {
  session: 'aaaaaaaaaaaaaaaa',
  life: 'bbbbbbbbbbbbbbbb',
  resumed: false,
  routes: 0,
  resumeWindowMs: 90_000,
}

export class Lone {
  readonly budget = new Budget(1_000_000, 100)
  readonly endpoint: Endpoint
  readonly ports: readonly EndpointPort[]
  /** The ends that were to be dialled, in order. */
  readonly dials: EndpointAcceptor[] = []
  /** The ends that are over, with their codes. */
  readonly endings: (readonly [EndpointEnd, FaultCode])[] = []
  now = 0
  #keys = 0

  /** `relays` ports, all of them up. */
  constructor(relays = 1, overrides: Partial<EndpointLimits> = {}) {
    this.endpoint = new Endpoint({
      limits: { ...limits, ...overrides },
      budget: this.budget,
      identity: 'agent/plant-1',
      mintKey: () => {
        this.#keys += 1
        return this.#keys.toString(16).padStart(32, '0')
      },
      wake: () => {},
      dial: (end) => this.dials.push(end),
      ended: (end, code) => this.endings.push([end, code]),
    })
    this.ports = Array.from({ length: relays }, (_, index) =>
      this.endpoint.addPort(`relay-${index}`, () => {}),
    )
    for (const port of this.ports) this.endpoint.portUp(port, session, 0)
  }

  port(index = 0): EndpointPort {
    const port = this.ports[index]
    if (port === undefined) throw new Error(`there is no port ${index}`)
    return port
  }

  /** A frame comes by this port. */
  hear(frame: StreamFrame, port = 0): void {
    this.endpoint.receive(this.port(port), frame, this.now)
  }

  /** Everything that is to be said on this port now. */
  said(port = 0): readonly Frame[] {
    const frames: Frame[] = []
    for (let count = 0; count < 10_000; count += 1) {
      const frame = this.endpoint.pull(this.port(port), true)
      if (frame === undefined) return frames
      frames.push(frame)
    }
    throw new Error('an endpoint does not come to rest')
  }

  /** The kinds of everything that is to be said. */
  saidKinds(port = 0): readonly string[] {
    return this.said(port).map(({ kind }) => kind)
  }

  up(change: Partial<PortSession> = {}, port = 0): void {
    this.endpoint.portUp(this.port(port), { ...session, ...change }, this.now)
  }

  down(port = 0): void {
    this.endpoint.portDown(this.port(port), this.now)
  }

  /** Lets time pass, from deadline to deadline. */
  advance(byMs: number): void {
    const until = this.now + byMs
    while (this.endpoint.deadline() <= until) {
      this.now = Math.max(this.now, this.endpoint.deadline())
      this.endpoint.tick(this.now)
    }
    this.now = until
    this.endpoint.tick(this.now)
  }

  /** Opens a stream; its OPEN is not said yet. */
  open(): { readonly end: Opener<EndpointPort>; readonly socket: Socket } {
    const socket: Socket = new Recorder()
    const options = { to: 'plant-2/mqtt', from: 'agent/plant-1', attributes: [], local: socket }
    const end = this.endpoint.open(options, this.now)
    socket.end = end
    return { end, socket }
  }

  /** An OPEN comes, and what it dials is connected when `connects`. */
  accept(change: Partial<FrameOf<'open'>> = {}, connects = true) {
    const before = this.dials.length
    this.hear(openFrame(change))
    const end = this.dials[before]
    if (end === undefined) throw new Error('nothing was dialled')
    const socket: Socket = new Recorder()
    socket.end = end
    if (connects) end.connected(socket)
    return { end, socket }
  }
}

/** A first OPEN, as a switch passes it on. */
export function openFrame(change: Partial<FrameOf<'open'>> = {}): FrameOf<'open'> {
  return {
    kind: 'open',
    id: 1,
    key,
    attachment: 1,
    established: false,
    received: 0,
    consumed: 0,
    limit: windowBytes,
    to: 'plant-1/mqtt',
    from: 'agent/crm-1',
    attributes: [],
    ...change,
  }
}

/** An ACCEPT of a stream on which nothing has flowed. */
export function acceptFrame(change: Partial<FrameOf<'accept'>> = {}): FrameOf<'accept'> {
  return {
    kind: 'accept',
    id: 2,
    received: 0,
    consumed: 0,
    limit: windowBytes,
    by: 'agent/plant-2',
    ...change,
  }
}

export interface InPhase {
  readonly lone: Lone
  readonly end: EndpointEnd
  readonly socket: Socket
  /** The id of its attachment. */
  readonly id: number
}

export type Role = 'opener' | 'acceptor'

/** The phases that each kind of end has. */
export const phasesOf: Readonly<Record<Role, readonly Phase[]>> = {
  opener: ['opening', 'open', 'aborting', 'aborted', 'lingering'],
  acceptor: ['dialling', 'open', 'aborting', 'aborted', 'lingering'],
}

/**
 * An end in this phase, with everything said that it had to say. Ten bytes have flowed towards
 * the far end and are not acknowledged, where the phase lets any flow.
 */
export function inPhase(role: Role, phase: Phase, lone = new Lone()): InPhase {
  const id = role === 'opener' ? 2 : 1
  const begun = role === 'opener' ? lone.open() : lone.accept({}, phase !== 'dialling')
  const { end, socket } = begun
  lone.said()
  if (phase === 'opening' || phase === 'dialling') return { lone, end, socket, id }
  if (role === 'opener') lone.hear(acceptFrame())
  else lone.hear({ kind: 'resume', id, received: 0, consumed: 0, limit: windowBytes })
  lone.said()
  if (phase !== 'lingering') end.write(new Uint8Array(10))
  lone.said()
  switch (phase) {
    case 'aborting':
      end.abort()
      break
    case 'aborted':
      lone.hear({ kind: 'data', id, offset: 0, bytes: new Uint8Array(10) })
      lone.hear({ kind: 'fin', id, position: 10, code: 'connection_reset' })
      break
    case 'lingering':
      end.finish()
      lone.hear({ kind: 'fin', id, position: 0, code: 'end' })
      socket.takeAll()
      lone.said()
      lone.hear({ kind: 'credit', id, consumed: 1, limit: windowBytes })
  }
  lone.said()
  if (end.phase !== phase) throw new Error(`the end is ${end.phase}, not ${phase}`)
  return { lone, end, socket, id }
}
