/**
 * The bytes that applications write: a pattern for each connection and direction, so that a byte
 * tells where it comes from.
 *
 * Invariant: the period is a prime, so that no shift by a slab, a frame or a window looks like the
 * right place.
 */

/** After so many bytes a pattern begins anew. */
export const patternPeriod = 4_099

const known = new Map<number, Uint8Array>()

/** The pattern of this salt; its first byte is the salt's lowest byte, and names the connection. */
export function patternOf(salt: number): Uint8Array {
  const before = known.get(salt)
  if (before !== undefined) return before
  const bytes = new Uint8Array(patternPeriod)
  let state = Math.imul(salt + 1, 0x9e3779b1) >>> 0
  for (let index = 0; index < patternPeriod; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[index] = state >>> 24
  }
  bytes[0] = salt & 0xff
  known.set(salt, bytes)
  return bytes
}
