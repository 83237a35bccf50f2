/**
 * The desk from which the tunnel is broken: by a key on the terminal, by a button of the path page.
 *
 * Invariant: one thing is broken at a time. What came of it is kept, a bounded number of lines, for
 * whoever looks later.
 */
import { type Breakage, breakages, type Playground } from './breakages.ts'
import { messageOf, secondsText } from './narration.ts'

/** Something that happened. */
export interface Event {
  /** Counts from 1. */
  readonly number: number
  /** When, as the wall clock says it. */
  readonly at: string
  readonly text: string
}

export class Desk {
  readonly #playground: Playground
  readonly #say: (line: string) => void
  readonly #events: Event[] = []
  #count = 0
  #broken = 0
  #busyWith: Breakage | undefined

  /** `say` hears each line as it happens. */
  constructor(playground: Omit<Playground, 'say'>, say: (line: string) => void) {
    this.#say = say
    this.#playground = { ...playground, say: (line) => this.#tell(`    ${line.trim()}`) }
  }

  get playground(): Playground {
    return this.#playground
  }

  /** What happened last, the oldest first. */
  get events(): readonly Event[] {
    return this.#events
  }

  /** How often something was broken. */
  get broken(): number {
    return this.#broken
  }

  /** What is broken now. */
  get busyWith(): string | undefined {
    return this.#busyWith?.name
  }

  /**
   * Breaks it and waits until it works again; gives what to tell, or undefined when something else
   * is broken already.
   */
  async break(id: Breakage['id']): Promise<string | undefined> {
    if (this.#busyWith !== undefined) return undefined
    const breakage = breakages[id]
    this.#busyWith = breakage
    this.#broken += 1
    this.#tell(`  ✂ ${breakage.name}`)
    const outcome = await this.#outcomeOf(breakage)
    this.#busyWith = undefined
    this.#tell(outcome)
    return outcome.trim()
  }

  async #outcomeOf({ run }: Breakage): Promise<string> {
    const { scene, sequence } = this.#playground
    try {
      const pause = sequence.beginWatch()
      // So that something is under way that can be struck.
      sequence.send(1)
      const told = await run(this.#playground)
      return `    ${told}; longest pause ${secondsText(pause())}`
    } catch (error) {
      return scene.signal.aborted ? '' : `  ✗ ${messageOf(error)}`
    }
  }

  #tell(line: string): void {
    if (line === '') return
    this.#say(line)
    this.#count += 1
    this.#events.push({ number: this.#count, at: new Date().toISOString(), text: line.trim() })
    if (this.#events.length > eventsMax) this.#events.shift()
  }
}

const eventsMax = 50
