/**
 * What can be judged by the frames alone: that ends and switch say nothing they may not say.
 *
 * Invariant: the witness only listens. It knows of an attachment what the end has been told of
 * it: the limit, and whether the far end has restated itself since the way was last interrupted.
 */
import type { WireCode } from '../../shared/protocol/fault.ts'
import type { Frame, StreamFrame } from '../../shared/protocol/frame.ts'
import { isStreamFrame } from '../../shared/protocol/frame.ts'
import type { EndpointPort } from '../../shared/protocol/port.ts'
import { demand } from './demand.ts'
import type { World } from './world.ts'

/** What an end was told of one attachment: an id of one session of one port. */
interface Told {
  limit: number
  synced: boolean
}

/** Control that one pull may produce for one id: each of the flags once, and a last word. */
const controlMax = 7

export class Witness {
  readonly #world: World
  /** What was told in each session, by its ids: an id means something within one session only. */
  readonly #told = new Map<string, Map<number, Told>>()

  constructor(world: World) {
    this.#world = world
  }

  /** Frames that an endpoint said on this port in one pull. */
  said(port: EndpointPort, frames: readonly Frame[]): void {
    if (frames.length > controlMax) checkControl(frames)
    const told = this.#of(port)
    for (const frame of frames) {
      // An end asks for RESYNC by itself only when its watch-dog barks.
      if (frame.kind === 'resync') this.#world.ways.watchDog(port, frame.id)
      if (frame.kind !== 'data') continue
      const { limit, synced } = told.get(frame.id) ?? { limit: 0, synced: false }
      const end = frame.offset + frame.bytes.length
      demand(synced, '7: bytes before the far end has restated itself')
      demand(end <= limit, () => `7: bytes up to ${end}, the attachment was given ${limit}`)
    }
  }

  /** How far the end behind this id was told that it may send. */
  limitTold(session: string, id: number): number | undefined {
    return this.#told.get(session)?.get(id)?.limit
  }

  /** Frames that a switch said on one carrier, in this session, in one pull. */
  saidBySwitch(session: string | undefined, frames: readonly Frame[]): void {
    if (session !== undefined) {
      this.#world.duties.said(session, frames)
      this.#world.grants.said(session, frames)
    }
    if (frames.length > controlMax) checkControl(frames)
  }

  /** A frame that an endpoint is about to handle. */
  heard(port: EndpointPort, frame: Frame): void {
    if (!isStreamFrame(frame)) return
    const { session } = port
    this.#learn(this.#of(port), frame)
    const end = port.find(frame.id)?.end
    if (frame.kind === 'resync' && end !== undefined) this.#world.waits.sawWay(end)
    if (frame.kind === 'refuse' && end !== undefined) this.#refused(port, end.key, frame.code)
    if (frame.kind === 'open' || frame.kind === 'accept' || frame.kind === 'resume') {
      this.#world.ledger.paid(session, frame.id)
    }
  }

  #refused(port: EndpointPort, key: string, code: WireCode): void {
    const stream = this.#world.streamOf(key)
    if (stream === undefined) return
    stream.refusedBy.add(port)
    if (code === 'no_agent') this.#world.ways.refused(port, stream)
  }

  /** The carrier of this port is lost: everything has to be restated. */
  down(port: EndpointPort): void {
    for (const told of this.#of(port).values()) told.synced = false
  }

  #learn(told: Map<number, Told>, frame: StreamFrame): void {
    const known = told.get(frame.id)
    switch (frame.kind) {
      case 'open':
      case 'accept':
      case 'resume':
        // One id is one attachment, on which the greatest word holds.
        told.set(frame.id, { limit: Math.max(known?.limit ?? 0, frame.limit), synced: true })
        return
      case 'credit':
        if (known !== undefined) known.limit = Math.max(known.limit, frame.limit)
        return
      case 'resync':
      case 'hold':
        if (known !== undefined) known.synced = false
        return
      default:
    }
  }

  #of({ session }: EndpointPort): Map<number, Told> {
    const known = this.#told.get(session)
    if (known !== undefined) return known
    const fresh = new Map<number, Told>()
    this.#told.set(session, fresh)
    return fresh
  }
}

/** Control is state, not a queue: a pull gives each flag of a stream once (check 11). */
function checkControl(frames: readonly Frame[]): void {
  const counts = new Map<number, number>()
  for (const frame of frames) {
    if (!isStreamFrame(frame)) continue
    // Bytes that move on give credit to the other direction, which may leave by the same port.
    const step = frame.kind === 'data' || frame.kind === 'fin' ? -1 : 1
    const count = (counts.get(frame.id) ?? 0) + step
    counts.set(frame.id, count)
  }
  const bytes = frames.filter(({ kind }) => kind === 'data' || kind === 'fin').length
  for (const [id, count] of counts) {
    demand(count <= controlMax + bytes, `11: ${count} control frames of id ${id} in one pull`)
  }
}
