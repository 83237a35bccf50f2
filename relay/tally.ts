/**
 * What has happened in this life of the relay, counted by code.
 *
 * Invariant: a count never falls, also when whoever it was about is gone; and there are no more of
 * them than codes in the closed list.
 */
import type { FaultCode } from '../shared/protocol/fault.ts'
import type { SwitchNotice } from './switch/link.ts'

/** Who refuses: upgrades, consumers at a door, openings of streams. */
export type Refuser = 'gate' | 'door' | 'switch'

export class Tally {
  readonly refusals: Readonly<Record<Refuser, Map<FaultCode, number>>> = {
    gate: new Map(),
    door: new Map(),
    switch: new Map(),
  }
  readonly streamsEnded: Map<FaultCode, number> = new Map()
  readonly carriersEnded: Map<FaultCode, number> = new Map()
  #lastWordsDropped = 0

  /** Last words that were dropped for links that are over. */
  get lastWordsDropped(): number {
    return this.#lastWordsDropped
  }

  refused(by: Refuser, code: FaultCode): void {
    countUp(this.refusals[by], code)
  }

  carrierEnded(code: FaultCode): void {
    countUp(this.carriersEnded, code)
  }

  /** The switch tells of something. */
  heard(notice: SwitchNotice): void {
    if (notice.kind === 'refused') this.refused('switch', notice.code)
    else if (notice.kind === 'ended') countUp(this.streamsEnded, notice.code)
    else if (notice.kind === 'linkOver') {
      this.#lastWordsDropped += notice.link.port.voice.lastWordsDropped
    }
  }
}

function countUp(counts: Map<FaultCode, number>, code: FaultCode): void {
  counts.set(code, (counts.get(code) ?? 0) + 1)
}
