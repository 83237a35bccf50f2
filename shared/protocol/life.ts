/**
 * The life of one end of a stream, as a table: which phase each event leads to.
 *
 * Invariant: an event that a phase does not list leaves the phase as it is. `closed` is left by
 * nothing. docs/protocol.md draws this table, and a test holds the drawing against it.
 */

/**
 * - opening: the opener has said OPEN; it sends nothing else and drops what comes.
 * - dialling: the acceptor connects to the target, in silence.
 * - open: both directions live, or one of them already ended.
 * - aborting: the own socket was reset; the FIN that says so stays to be sent.
 * - aborted: the far socket was reset; what came before is delivered, then the own socket is reset.
 * - lingering: done both ways; CLOSE is said until the far end has said it too.
 * - closed: forgotten.
 */
export type Phase =
  | 'opening'
  | 'dialling'
  | 'open'
  | 'aborting'
  | 'aborted'
  | 'lingering'
  | 'closed'

export type LifeEvent =
  /** ACCEPT came. */
  | 'accepted'
  /** REFUSE came and was final. */
  | 'refused'
  /** The target is connected. */
  | 'connected'
  /** The target could not be connected. */
  | 'failed'
  /** Both directions are finished and acknowledged. */
  | 'done'
  /** The own socket was reset. */
  | 'socketReset'
  /** A FIN with a code other than `end` came. */
  | 'farSocketReset'
  /** What was to be delivered before the reset of the own socket is delivered. */
  | 'delivered'
  /** CLOSE came. */
  | 'farClose'
  /** The acceptor's way is gone and it needs none: the opener will ask again, if it has to. */
  | 'voided'
  /** RESET came, or this end had to say it. */
  | 'reset'
  /** A time of this phase ran out. */
  | 'expired'

export const life: Readonly<Record<Phase, Readonly<Partial<Record<LifeEvent, Phase>>>>> = {
  opening: {
    accepted: 'open',
    refused: 'closed',
    socketReset: 'closed',
    reset: 'closed',
    expired: 'closed',
  },
  dialling: { connected: 'open', failed: 'closed', reset: 'closed', expired: 'closed' },
  open: {
    done: 'lingering',
    socketReset: 'aborting',
    farSocketReset: 'aborted',
    refused: 'closed',
    reset: 'closed',
    expired: 'closed',
  },
  aborting: {
    farSocketReset: 'lingering',
    farClose: 'lingering',
    refused: 'closed',
    reset: 'closed',
    expired: 'closed',
  },
  aborted: { delivered: 'lingering', refused: 'closed', reset: 'closed', expired: 'lingering' },
  lingering: {
    farClose: 'closed',
    voided: 'closed',
    refused: 'closed',
    reset: 'closed',
    expired: 'closed',
  },
  closed: {},
}

/** The phase after an event, or undefined when the event changes nothing. */
export function phaseAfter(phase: Phase, event: LifeEvent): Phase | undefined {
  return life[phase][event]
}
