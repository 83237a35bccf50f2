/**
 * The relay's half of the greeting: whether a HELLO may be answered, and by which WELCOME.
 *
 * Invariant: it looks and decides; nothing changes by it.
 */
import { Fault } from '../../shared/protocol/fault.ts'
import { type FrameOf, protocolVersion } from '../../shared/protocol/frame.ts'
import type { RelayLink } from './link.ts'
import type { SwitchLimits } from './switch.ts'

/** What is known of whoever says a HELLO. */
export interface Greeter {
  /** `agent/plant-1`. */
  readonly identity: string
  readonly lane: number
  /** What is remembered of this lane, from the same life. */
  readonly known: RelayLink | undefined
  /** Another life has displaced this one, and not long ago. */
  readonly isLate: boolean
  /** No further agent can be remembered, and of this one nothing is. */
  readonly isFull: boolean
}

/** Throws the fault that refuses this carrier, if there is one. */
export function checkHello(
  hello: FrameOf<'hello'>,
  { identity, lane, known, isLate, isFull }: Greeter,
  limits: Pick<SwitchLimits, 'agentsMax' | 'carriersMax'>,
): void {
  if (hello.version !== protocolVersion) {
    throw new Fault('version_unsupported', `${identity} speaks version ${hello.version}`)
  }
  if (isLate) {
    throw new Fault('attempt_stale', `${identity} came late: a newer life has displaced this one`)
  }
  if (known !== undefined && hello.attempt <= known.attempt) {
    throw new Fault('attempt_stale', `attempt ${hello.attempt}, ${known.attempt} was seen`)
  }
  if (lane >= limits.carriersMax) {
    throw new Fault('overloaded', `lane ${lane}, and ${limits.carriersMax} are taken in`)
  }
  if (isFull) throw new Fault('overloaded', `${limits.agentsMax} agents are in already`)
}

/** What WELCOME says of a link; `routes` ids will be named after it. */
export function welcomeOf(
  { session }: RelayLink,
  { resumed, routes }: { readonly resumed: boolean; readonly routes: number },
  life: string,
  limits: SwitchLimits,
): FrameOf<'welcome'> {
  const { resumeWindowMs, livenessMs, streamsMax, carriersMax } = limits
  const bounds = { resumeWindowMs, livenessMs, streamsMax, carriersMax }
  const version = protocolVersion
  return { kind: 'welcome', version, life, session, resumed, routes, ...bounds, attributes: [] }
}
