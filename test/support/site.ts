/**
 * Where an agent of a test runs: beside everything else on loopback, or in a network of its own.
 *
 * Invariant: in a network of its own an agent has two cards. One leads to its relays and may fail;
 * the other one leads to its targets and to its consumers, and never does.
 */

/** A place for an agent, and the addresses by which it and the others reach each other. */
export interface Site {
  /** What the agent's command is run by: nothing, or a program with its arguments. */
  readonly enter: readonly string[]
  /** The address of the relays, or of the proxies before them, as the agent has it. */
  readonly relayHost: string
  /** The address of the agent's targets, as the agent has it. */
  readonly targetHost: string
  /** The address of the agent's forwards, for it and for its consumers. */
  readonly forwardHost: string
}

const loopback = '127.0.0.1'

/** Where everything is on one machine. */
export const loopbackSite: Site = {
  enter: [],
  relayHost: loopback,
  targetHost: loopback,
  forwardHost: loopback,
}
