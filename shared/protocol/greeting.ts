/**
 * The greeting of a carrier: what HELLO says of it, and what of WELCOME can be true.
 *
 * Invariant: a HELLO without the attribute is of lane 0, so that an agent with one carrier says
 * nothing of lanes at all.
 */
import { Fault } from './fault.ts'
import { attributeTags, type FrameOf, protocolVersion } from './frame.ts'

/** The most carriers of one agent to one relay, whatever is configured. */
export const lanesMax = 8

/** What is said of a carrier, beside the version. */
export type Greeting = Pick<FrameOf<'hello'>, 'epoch' | 'session' | 'attempt' | 'alive'> & {
  readonly lane: number
}

export function helloOf({ lane, ...said }: Greeting): FrameOf<'hello'> {
  const attributes = lane === 0 ? [] : [{ tag: attributeTags.lane, value: Uint8Array.of(lane) }]
  return { kind: 'hello', version: protocolVersion, ...said, attributes }
}

/** The lane that a HELLO is of. Throws `frame_malformed` for one that is not a single byte. */
export function laneOf({ attributes }: FrameOf<'hello'>): number {
  const said = attributes.find(({ tag }) => tag === attributeTags.lane)
  if (said === undefined) return 0
  const [lane] = said.value
  if (lane === undefined || said.value.length !== 1) {
    throw new Fault('frame_malformed', `a lane of ${said.value.length} bytes`)
  }
  return lane
}

/** Throws a fault that ends the carrier when this cannot answer a HELLO for this session. */
export function checkWelcome(welcome: FrameOf<'welcome'>, session: string): void {
  if (welcome.version !== protocolVersion) {
    throw new Fault('version_unsupported', `the relay speaks version ${welcome.version}`)
  }
  if (welcome.resumed && welcome.session !== session) {
    throw new Fault('frame_unexpected', 'WELCOME resumes a session that was not asked for')
  }
}
