/**
 * Prints the frames of one stream as its ends say and hear them, with the virtual time.
 *
 * Invariant: the tracer only looks, so that a seed runs the same with it and without.
 */
import { type Frame, isStreamFrame } from '../../shared/protocol/frame.ts'

export class Tracer {
  readonly #print: (line: string) => void
  readonly #wants: (key: string) => boolean
  readonly #keyOfId = new Map<string, string>()
  now: () => number = () => 0

  /** `wants` chooses the streams by their keys. */
  constructor(print: (line: string) => void, wants: (key: string) => boolean) {
    this.#print = print
    this.#wants = wants
  }

  /** Frames that passed at one end of a port, in this session of it. */
  frames(place: string, session: string, frames: readonly Frame[]): void {
    for (const frame of frames) {
      if (!isStreamFrame(frame)) continue
      const name = `${session}/${frame.id}`
      if (frame.kind === 'open') this.#keyOfId.set(name, frame.key)
      const key = this.#keyOfId.get(name)
      if (key === undefined || !this.#wants(key)) continue
      this.#print(`${this.now().toFixed(0).padStart(8)}  ${place.padEnd(12)} ${said(frame)}`)
    }
  }
}

function said(frame: Frame): string {
  const fields = Object.entries(frame).flatMap(([name, value]) => {
    if (name === 'kind' || name === 'attributes') return []
    return [`${name} ${value instanceof Uint8Array ? `<${value.length}>` : value}`]
  })
  return `${frame.kind.padEnd(7)} ${fields.join(', ')}`
}
