/** Limits of a relay that tests can tell apart: each has a value of its own. */
import type { RelayLimits } from '../../relay/config.ts'

export const relayLimits: RelayLimits = {
  streamsMax: 101,
  agentsMax: 102,
  carriersMax: 103,
  connectionsMax: 104,
  pendingHandshakesMax: 105,
  pendingPerSourceMax: 106,
  handshakeTimeoutMs: 107,
  livenessMs: 108,
  resumeWindowMs: 109,
  openTimeoutMs: 110,
  parkMs: 111,
  drainMs: 112,
  relayWindowBytes: 113,
  memoryBudgetBytes: 114,
}
