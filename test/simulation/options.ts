/**
 * What kind of world a seed draws: sizes, times, and which faults may happen in it.
 *
 * Invariant: small windows and few streams, so that a world is cheap and its corners are met often.
 */
import type { Chance } from './chance.ts'
import type { FaultKind } from './faults.ts'
import { drawProfile } from './profiles.ts'

export interface Options {
  readonly relays: number
  /** Carriers of each agent to each relay. */
  readonly lanes: number
  readonly agents: number
  readonly streams: number
  readonly bytesMax: number
  readonly windowBytes: number
  readonly relayWindowBytes: number
  /** All that a relay may keep before every stream is held to its guaranteed minimum. */
  readonly relayBudgetBytes: number
  readonly agentBudgetBytes: number
  /** How much a socket takes before it is full. */
  readonly socketBytes: number
  /** What agents believe, and what relays say; of the two the smaller holds. */
  readonly agentResumeWindowMs: number
  readonly relayResumeWindowMs: number
  readonly openTimeoutMs: number
  readonly candidateMs: number
  readonly parkMs: number
  readonly livenessMs: number
  readonly delayMsMin: number
  readonly delayMsMax: number
  /** The longest pause that a reader makes. */
  readonly slowReadMs: number
  /** The probability that a frame is said twice in place. */
  readonly sayTwice: number
  /** The probability that a frame is lost although its carrier lives: a hop that is not TCP. */
  readonly loss: number
  /** When faults stop: at a random, also an early, time, for cuts heal stalls. */
  readonly faultsUntilMs: number
  readonly faultEveryMs: number
  /** A stream is opened when everything has been quiet for long. */
  readonly latecomer: boolean
  /** When applications that idle go on at the latest: by then all must have healed. */
  readonly closingMs: number
  /** How long an outage may last at most. */
  readonly outageMsMax: number
  /** No faults but cuts that both sides see. */
  readonly calm: boolean
  /** How often each kind of fault is struck beside the others; undefined: as faults.ts has it. */
  readonly weights: Partial<Record<FaultKind, number>> | undefined
  /** The probability that a carrier dies while its WELCOME is under way. */
  readonly welcomesLost: number
  /** The probability that a carrier is given up while its HELLO is under way, which comes late. */
  readonly hellosLate: number
  /** The probability that what lies in wait for a phase is a cut, at any time of a round trip. */
  readonly ambushCuts: number
  /** The probability that while an agent is away from one relay the others deny what it is for. */
  readonly denials: number
  /** Applications write and read as fast as they can. */
  readonly isHasty: boolean
  /** An agent with a name of its own attacks the streams of others, and relays repeat old OPENs. */
  readonly hostile: boolean
}

export function drawOptions(chance: Chance, later: Chance): Options {
  const character = chance.next()
  const harsh = character < 0.1
  const calm = character >= 0.1 && character < 0.2
  const hostile = character >= 0.2 && character < 0.3
  const lossy = character >= 0.3 && character < 0.37
  const resumeWindowMs = harsh ? 12_000 : 90_000
  const faultsUntilMs = chance.pick([0, 500, 3_000, 3_000, 6_000, 6_000, 12_000, 12_000])
  // What the switch may queue must be above its minimum before the budget can bite, and ends must
  // take much more than the switch passes on before its own window can.
  const wide = chance.happens(0.15)
  const squeezed = wide && chance.happens(0.6)
  const drawn = {
    relays: chance.happens(0.5) ? 2 : 1,
    lanes: later.happens(0.4) ? later.between(2, 3) : 1,
    agents: chance.between(2, 3),
    streams: chance.between(2, 7),
    bytesMax: wide ? 60_000 : chance.pick([300, 4_000, 16_000]),
    windowBytes: wide ? 40_000 : chance.pick([1_000, 3_000, 8_000]),
    relayWindowBytes: squeezed ? 40_000 : chance.pick([700, 3_000, 8_000]),
    relayBudgetBytes: squeezed ? 2_000 : 1_000_000,
    agentBudgetBytes: chance.happens(0.1) ? 6_000 : 1_000_000,
    socketBytes: chance.pick([1_500, 6_000, 24_000]),
    agentResumeWindowMs: resumeWindowMs,
    relayResumeWindowMs: chance.happens(0.2) ? resumeWindowMs / 2 : resumeWindowMs,
    openTimeoutMs: 15_000,
    candidateMs: 2_000,
    parkMs: 3_000,
    livenessMs: 3_000,
    delayMsMin: 1,
    delayMsMax: chance.pick([2, 10, 40]),
    slowReadMs: 3_000,
    sayTwice: chance.pick([0, 0, 0.03, 0.3]),
    loss: lossy ? chance.pick([0.002, 0.02]) : 0,
    faultsUntilMs,
    faultEveryMs: chance.pick([60, 200, 600]),
    latecomer: chance.happens(0.05),
    outageMsMax: harsh ? 25_000 : 4_000,
    calm,
    weights: undefined,
    welcomesLost: 0,
    hellosLate: 0,
    ambushCuts: 0,
    denials: 0,
    isHasty: false,
    hostile,
    ...drawProfile(chance),
  }
  return { ...drawn, closingMs: faultsUntilMs + drawn.outageMsMax + 12_000 }
}
