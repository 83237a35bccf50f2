/**
 * What a run must have met, or it has tested too little: no kind, and no kind in a phase, may be 0.
 *
 * Invariant: each kind of fault is demanded in every phase that it can meet an end in.
 */
import type { Phase } from '../../shared/protocol/life.ts'
import { type FaultKind, faultKinds } from './faults.ts'
import type { Numbers } from './report.ts'

/** Fewer seeds may miss a kind by chance. */
export const seedsForCoverage = 500

/** The phases in which an end is met at all; `closed` is none. */
export const phases = [
  'opening',
  'dialling',
  'open',
  'aborting',
  'aborted',
  'lingering',
] as const satisfies readonly Phase[]

/** What is counted beside the faults that are struck. */
const consequences: readonly string[] = [
  'opened by an agent',
  'opened by a relay',
  'opened to itself',
  'moved to another way',
  'slow reader',
  'idle application',
  'said twice',
  'late frame',
  'stale attempt',
  'displaced',
  'refused by the relay',
  'refused by the target',
  'dropped behind a hole',
  'dropped over the budget',
  'lost without a cut',
  'watch-dog',
  'forged OPEN',
  'forged frame',
  'stranger refused',
  'replayed OPEN',
  'relay drains',
  'rolling restart',
]

/** An acceptor that dials has no socket yet, and one that aborts has one no longer. */
const phasesOfSocketReset: readonly Phase[] = ['opening', 'open', 'aborted', 'lingering']

/** What these numbers lack, each in a few words. */
export function missing({ kinds, hits }: Numbers): readonly string[] {
  const lacks = [...faultKinds, ...consequences].filter((kind) => (kinds[kind] ?? 0) === 0)
  const missed = faultKinds.flatMap((kind) =>
    phasesOf(kind)
      .filter((phase) => (hits[kind]?.[phase] ?? 0) === 0)
      .map((phase) => `${kind} while ${phase}`),
  )
  return [...lacks, ...missed]
}

function phasesOf(kind: FaultKind): readonly Phase[] {
  return kind === 'socket reset' ? phasesOfSocketReset : phases
}
