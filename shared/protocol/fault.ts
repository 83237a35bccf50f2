/**
 * The closed list of codes: everything that Sallyport refuses, ends or reports carries one of them.
 *
 * Invariant: a name and a wire number are never reused. Codes that travel in a frame have a wire
 * number; the rest are said only by one process to its own operator.
 */

/**
 * What one code means: its number on the wire, whether another try may succeed, and its sentence.
 */
export interface FaultMeaning {
  /** The u8 that REFUSE, FIN, RESET and GOAWAY carry; absent when the code never travels. */
  readonly wire?: number
  /** True when another relay, or a later try, may give another answer. */
  readonly retryable?: true
  /** One sentence for a person. */
  readonly says: string
}

const table = {
  // Said by a stream that ended as it should, or by its sockets.
  end: { wire: 0, says: 'The stream ended as its applications asked.' },
  connection_reset: { wire: 1, says: 'The socket at the other end was reset.' },

  // Decisions.
  denied_by_policy: { wire: 10, says: "No rule of the relay's policy allows this." },
  target_denied: { wire: 11, says: "The target is outside the agent's own allow-list." },
  revoked: { wire: 12, says: 'The certificate of one of the parties is revoked.' },
  identity_mismatch: { wire: 13, says: 'The stream belongs to another identity.' },

  // Where the way ends.
  no_agent: { wire: 20, retryable: true, says: 'The agent of this service is not connected.' },
  unknown_service: { wire: 21, says: 'The agent does not expose a service of this name.' },
  target_refused: { wire: 22, says: 'The target refused the connection: nothing listens there.' },
  target_unreachable: { wire: 23, says: 'No route leads from the agent to the target.' },
  target_timeout: { wire: 24, says: 'The target did not answer the connection in time.' },
  target_unresolved: { wire: 25, says: "The target's name does not resolve." },

  // Limits.
  overloaded: { wire: 30, retryable: true, says: 'A limit of the relay or the agent is reached.' },
  exhausted: { wire: 31, says: 'The stream has used up its 2^48 byte positions.' },

  // The life of streams and links.
  expired: { wire: 40, says: 'The path was away for longer than the resume window.' },
  open_timeout: { wire: 41, says: 'Nobody answered the opening of the stream in time.' },
  agent_restarted: { wire: 42, says: 'The agent was restarted and has forgotten the stream.' },
  relay_restarted: { wire: 43, says: 'The relay was restarted and has forgotten the stream.' },
  agent_gone: { wire: 44, says: 'The agent said goodbye.' },
  unknown_stream: { wire: 45, says: 'The far end no longer knows this established stream.' },
  closed: { wire: 46, says: 'The stream is already over.' },
  stale: { wire: 47, says: 'A newer attachment of this stream exists.' },
  shutdown: { wire: 48, says: 'The process that held this end was stopped.' },

  // Broken peers.
  state_lost: { wire: 50, says: 'The peer no longer holds bytes that it had acknowledged.' },
  limit_exceeded: { wire: 51, says: 'The peer sent beyond the limit it was given.' },
  never_sent: { wire: 52, says: 'The peer acknowledged bytes that were never sent.' },
  frame_malformed: { wire: 53, says: 'A frame does not follow the layout of its kind.' },
  frame_unexpected: { wire: 54, says: 'A frame came where the protocol allows none of its kind.' },
  version_unsupported: { wire: 55, says: 'The peer speaks a version this one does not know.' },

  // GOAWAY.
  drain: {
    wire: 60,
    retryable: true,
    says: 'The process is about to stop: open new streams elsewhere.',
  },
  bye: { wire: 61, says: 'The process stops now and will not come back for its streams.' },
  displaced: { wire: 62, says: 'A newer life of the same identity has taken over.' },

  // Carriers.
  carrier_lost: { says: 'The carrier closed.' },
  carrier_silent: { says: 'Nothing was heard on the carrier for the liveness time.' },
  idle_cut: { says: 'Something on the way closes connections that are idle.' },
  carrier_unreachable: { says: 'The relay does not answer.' },
  carrier_refused: { says: 'The relay refused the carrier.' },
  attempt_stale: { says: 'A newer carrier of the same link was seen already.' },
  tls_intercepted: { says: 'The certificate shown does not come from the expected authority.' },
  certificate_invalid: { says: 'The certificate does not verify.' },
  certificate_expired: { says: 'The certificate is past its end.' },
  certificate_missing: { says: 'No certificate was shown.' },
  role_wrong: { says: 'The certificate is good, but for another role.' },
  identity_invalid: { says: 'The certificate does not name exactly one well-formed identity.' },
  clock_wrong: { says: "This machine's clock and the certificate disagree." },
  origin_denied: { says: 'The page of this Origin may not use the service.' },
  message_invalid: { says: 'A WebSocket message came that this place does not take.' },

  // The operator's own side.
  config_invalid: { says: 'The configuration is wrong; the message names each place.' },
  usage: { says: 'The command line is wrong.' },
  port_in_use: { says: 'Another process listens on this address.' },
  address_unavailable: {
    says: 'This machine does not have this address, or may not listen there.',
  },
  file_exists: { says: 'A file is already there, and nothing is ever overwritten.' },
  file_unreadable: { says: 'A file cannot be read.' },
  file_unwritable: { says: 'A file cannot be written.' },
  pair_broken: { says: 'The key and the certificate here do not belong together.' },
  revocations_invalid: { says: 'The revocation list cannot be trusted.' },
  authority_missing: { says: 'There is no certificate authority in this folder.' },
  certificate_unknown: { says: 'No certificate of this name was issued here.' },
  name_invalid: { says: 'The name is not allowed here.' },
  promise_broken: { says: 'The demo found a promise that is not kept here: please report it.' },
  device_taken: { says: 'Another device of this name is connected to the broker.' },
  gpio_unusable: { says: 'The pins of this machine cannot be used.' },
  node_too_old: { says: 'This version of Node.js cannot run Sallyport.' },
  internal: { says: 'A fault of Sallyport itself: please report it.' },
} as const satisfies Record<string, FaultMeaning>

/** The name of a fault. */
export type FaultCode = keyof typeof table

/** The codes that may travel in a frame. */
export type WireCode = {
  [Code in FaultCode]: (typeof table)[Code] extends { readonly wire: number } ? Code : never
}[FaultCode]

/** Every code with its meaning, in reading order. */
export const faults: Readonly<Record<FaultCode, FaultMeaning>> = table

const nameOfWire: ReadonlyMap<number, WireCode> = new Map(
  Object.entries(faults).flatMap(([name, { wire }]) =>
    wire === undefined ? [] : [[wire, name as WireCode] as const],
  ),
)

/** The u8 of a code that travels. */
export function wireNumber(code: WireCode): number {
  return table[code].wire
}

/** The code of a u8 read from a frame, or undefined when this version does not know it. */
export function wireCode(number: number): WireCode | undefined {
  return nameOfWire.get(number)
}

/** True when a refusal with this code leaves another relay, or a later try, worth trying. */
export function isRetryable(code: FaultCode): boolean {
  return faults[code].retryable === true
}

/** An error with a code of the closed list; `message` says what failed in the user's words. */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: FaultCode

  constructor(code: FaultCode, message: string = faults[code].says, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
