/**
 * Nobody waits without a limit: each phase of an end, each OPEN that is parked, each candidate.
 *
 * Invariant: a limit is the product's own, and the slack behind it is that of its coarse tick.
 */
import type { RelayLink } from '../../relay/switch/link.ts'
import type { Route } from '../../relay/switch/route.ts'
import type { EndpointEnd } from '../../shared/protocol/endpoint.ts'
import type { Phase } from '../../shared/protocol/life.ts'
import { Opener } from '../../shared/protocol/opener.ts'
import type { EndpointPort } from '../../shared/protocol/port.ts'
import { demand } from './demand.ts'
import type { Options } from './options.ts'
import { Relay } from './relay.ts'
import type { Stream } from './stream.ts'
import { findsWayMs, waySteadyMs } from './ways.ts'
import type { World } from './world.ts'

/** Ends are looked at twice a second, and so are the waits here. */
const slackMs = 1_500

interface Waiting {
  phase: Phase
  phaseSince: number
  /** Since when the end has had no way. */
  lostSince: number | undefined
  /** What the far socket had taken when that was last looked at, and since when. */
  taken: number
  takenSince: number
  /** While it lingered it had a way. */
  hadWay: boolean
  attachmentNumber: number
  candidateSince: number
  /** How many candidates there have been since there was a way. */
  candidates: number
}

export class Waits {
  readonly #world: World
  readonly #waiting = new WeakMap<EndpointEnd, Waiting>()
  readonly #parkedSince = new WeakMap<Route, number>()

  constructor(world: World) {
    this.#world = world
  }

  look(): void {
    for (const stream of this.#world.streams) {
      for (const end of stream.livingEnds) this.#lookAt(end, stream)
    }
    for (const relay of this.#world.relays) {
      if (!relay.up) continue
      for (const route of relay.switch.routes) this.#lookAtRoute(route)
      for (const link of relay.switch.links.values()) this.#lookAtLink(link)
    }
  }

  /** A frame tells this end that it has a way, perhaps for a moment only. */
  sawWay(end: EndpointEnd): void {
    this.#of(end).lostSince = undefined
  }

  #lookAt(end: EndpointEnd, stream: Stream): void {
    const { now } = this.#world.clock
    const waiting = this.#of(end)
    if (waiting.phase !== end.phase) {
      waiting.phase = end.phase
      waiting.phaseSince = now
    }
    if (end.current?.ready === true) waiting.lostSince = undefined
    else waiting.lostSince ??= now
    const limitMs = limitOf(end.phase, this.#world.options)
    const since = end.phase === 'open' ? (waiting.lostSince ?? now) : waiting.phaseSince
    const waitedMs = now - since
    demand(waitedMs <= limitMs + slackMs, () => `12: ${end.phase} for ${waitedMs} ms`, stream)
    if (end === stream.acceptorEnd) this.#lookAtOpener(stream)
    if (end.phase === 'lingering') this.#lookAtLingering(end, waiting, stream)
    if (end.phase === 'open') this.#lookAtCredit(end, waiting, stream)
    if (end instanceof Opener) this.#lookAtCandidate(end, waiting, stream)
  }

  /** Nobody will ask again for what a relay has opened that was restarted. */
  #lookAtOpener(stream: Stream): void {
    const { opener, target } = stream.options
    const isLeft = opener instanceof Relay && stream.openerDied
    const isOver = isLeft && target.allSteadyMs(opener) >= slackMs
    demand(!isOver, '12: a stream outlives the relay that has opened it', stream)
  }

  /** A last word is no wait where there is a way for it. */
  #lookAtLingering(end: EndpointEnd, waiting: Waiting, stream: Stream): void {
    waiting.hadWay ||= end.current !== undefined
    const isIdle = !(end instanceof Opener) && waiting.hadWay && end.current === undefined
    demand(!isIdle, '12: an acceptor has lost its way, and lingers', stream)
    const { openerDied, openerEnd } = stream
    // An acceptor waits to be asked again, and there may be nobody left to ask.
    const isLeft = end !== openerEnd && (openerDied || openerEnd?.phase === 'closed')
    if (this.#world.options.loss > 0 || (isLeft && end.current?.ready !== true)) return
    const { now } = this.#world.clock
    const withWayMs = Math.min(now - waiting.phaseSince, waySteadyMs(this.#world, stream))
    demand(withWayMs <= findsWayMs + slackMs, '12: lingers beside a way', stream)
  }

  /** Who has no way tries the next relay, and leaves a candidate that nobody answers. */
  #lookAtCandidate(end: Opener<EndpointPort>, waiting: Waiting, stream: Stream): void {
    const { clock, options } = this.#world
    const { candidate } = end
    // A candidate that is refused at once is seldom seen, but for its number.
    const { attachmentNumber } = end
    const isNew = attachmentNumber !== waiting.attachmentNumber
    if (end.settled) waiting.candidates = 0
    else if (isNew) waiting.candidates += 1
    if (isNew || end.current?.ready === true) {
      waiting.attachmentNumber = attachmentNumber
      waiting.candidateSince = clock.now
      return
    }
    const { opener } = stream.options
    const isOpen = ({ port }: { readonly port: EndpointPort }) => port.ready && !port.leaving
    const others = 'links' in opener ? opener.links.filter(isOpen) : []
    const used = [candidate, end.current].flatMap((way) => (way === undefined ? [] : [way.port]))
    const hasOther = others.some(({ port }) => used.every((one) => isOther(port, one)))
    if (!hasOther || !end.established) {
      waiting.candidateSince = clock.now
      return
    }
    const waitedMs = clock.now - waiting.candidateSince
    const reason = () => `13: no way is tried for ${waitedMs} ms beside another relay`
    // After one that nobody answered the next has twice the time.
    const patienceMs = options.candidateMs * (waiting.candidates > 1 ? 2 : 1)
    demand(waitedMs <= patienceMs + slackMs, reason, stream)
  }

  #lookAtRoute(route: Route): void {
    if (route.acceptor !== undefined) return
    const { clock, options } = this.#world
    const since = this.#parkedSince.get(route) ?? clock.now
    this.#parkedSince.set(route, since)
    const parkedMs = clock.now - since
    const reason = () => `12: an OPEN is parked for ${parkedMs} ms`
    demand(parkedMs <= options.parkMs + slackMs, reason, this.#world.streamOf(route.key))
  }

  /** A session waits for its agent no longer than its window. */
  #lookAtLink({ lostUntil }: RelayLink): void {
    demand(this.#world.clock.now <= lostUntil + slackMs, '12: a session outlives its window')
  }

  /** What the far socket has taken is acknowledged before long, however little it is. */
  #lookAtCredit(end: EndpointEnd, waiting: Waiting, stream: Stream): void {
    const { now } = this.#world.clock
    const far = end === stream.openerEnd ? stream.target : stream.opener
    const taken = far?.taken ?? 0
    if (taken !== waiting.taken) {
      waiting.taken = taken
      waiting.takenSince = now
    }
    if (far === undefined || far.over || far.didReset || this.#world.options.loss > 0) return
    const quietMs = Math.min(now - waiting.takenSince, waySteadyMs(this.#world, stream))
    const isOwed = end.send.acked < taken && quietMs > findsWayMs + slackMs
    demand(!isOwed, () => `12: ${taken} was taken, ${end.send.acked} is acknowledged`, stream)
  }

  #of(end: EndpointEnd): Waiting {
    const known = this.#waiting.get(end)
    if (known !== undefined) return known
    const { now } = this.#world.clock
    const fresh: Waiting = {
      phase: end.phase,
      phaseSince: now,
      lostSince: undefined,
      taken: 0,
      takenSince: now,
      hadWay: false,
      attachmentNumber: 0,
      candidateSince: now,
      candidates: 0,
    }
    this.#waiting.set(end, fresh)
    return fresh
  }
}

function limitOf(phase: Phase, options: Options): number {
  const windowMs = Math.min(options.agentResumeWindowMs, options.relayResumeWindowMs)
  switch (phase) {
    case 'opening':
    case 'dialling':
      return options.openTimeoutMs
    case 'aborting':
      return 2 * windowMs
    case 'open':
    case 'aborted':
    case 'lingering':
      return windowMs
    case 'closed':
      return 0
    default:
      return phase satisfies never
  }
}

/** Another way than this one: by another relay, or past a link that is down. */
function isOther(port: EndpointPort, used: EndpointPort): boolean {
  return used.ready ? port.name !== used.name : port !== used
}
