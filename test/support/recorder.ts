/** A socket that writes down what its end does to it, and takes bytes when it is told to. */
import type { FaultCode } from '../../shared/protocol/fault.ts'
import type { End, Local } from '../../shared/protocol/stream.ts'

export class Recorder<Port> implements Local {
  /** What happened, in order: `opened`, `deliver 3`, `finish`, `reset expired`, `closed end`. */
  readonly log: string[] = []
  end: End<Port> | undefined
  readonly #delivered: Uint8Array[] = []
  #taken = 0
  #outcome: FaultCode | undefined

  /** All bytes delivered so far. */
  get bytes(): Uint8Array {
    return Uint8Array.from(this.#delivered.flatMap((bytes) => [...bytes]))
  }

  get delivered(): number {
    return this.#delivered.reduce((sum, { length }) => sum + length, 0)
  }

  get finished(): boolean {
    return this.log.includes('finish')
  }

  /** Why the end was forgotten, once it was. */
  get outcome(): FaultCode | undefined {
    return this.#outcome
  }

  /** Takes everything delivered, and the end of the far direction if it has come. */
  takeAll(): void {
    const count = this.delivered - this.#taken
    this.#taken += count
    if (count > 0) this.end?.taken(count)
    if (this.finished) this.end?.takenFinish()
  }

  opened(): void {
    this.log.push('opened')
  }

  deliver(bytes: Uint8Array): void {
    this.#delivered.push(bytes.slice())
    this.log.push(`deliver ${bytes.length}`)
  }

  finish(): void {
    this.log.push('finish')
  }

  room(): void {}

  reset(code: FaultCode): void {
    this.log.push(`reset ${code}`)
  }

  closed(code: FaultCode): void {
    this.#outcome = code
    this.log.push(`closed ${code}`)
  }
}
