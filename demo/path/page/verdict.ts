/**
 * The path in one sentence, the worst cause first.
 *
 * Invariant: pure. "All well" is said only when every link is up and nothing waits too long.
 */
import type { PathState } from '../state.ts'
import { secondsText } from './number.ts'

/** `held`: nothing is lost, and something waits. */
export interface Verdict {
  readonly kind: 'well' | 'held' | 'down'
  readonly text: string
}

/** A pause beyond this is worth a word, in milliseconds. */
const pauseWorthMs = 1_000

export function verdictOf({ relay, agents, messages, streams }: PathState): Verdict {
  const { pauseMs } = messages
  if (relay === 'down') {
    const held = `streams between agents are held for ${secondsText(pauseMs)}`
    return { kind: 'down', text: `the relay is dead; ${held}` }
  }
  const missing = agents.find(({ state }) => state !== 'up')
  if (missing !== undefined) {
    const name = missing.agent.replace('/', ' ')
    return { kind: 'held', text: `${name} is ${missing.state}; its streams are held` }
  }
  if (agents.length === 0) return { kind: 'held', text: 'no agent is there yet' }
  if (pauseMs > pauseWorthMs) {
    return { kind: 'held', text: `nothing was heard for ${secondsText(pauseMs)}; streams are held` }
  }
  return { kind: 'well', text: `all well: ${agents.length} agents, ${streams} streams` }
}
