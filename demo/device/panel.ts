/**
 * Simulated boards in front of a person or a program: keys and one line on a terminal, lines of
 * text elsewhere.
 *
 * Invariant: the terminal is given back as it was, and what is written to it never breaks the line.
 */
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import type { LogStream } from '../../shared/io/log.ts'
import { listenForKeys, type Terminal } from '../keys.ts'
import { Narrator, type Stage } from '../narration.ts'
import { Twin } from './twin.ts'

export class Panel implements Disposable {
  /** Where a log may write without disturbing the line. */
  readonly stream: LogStream
  readonly #narrator: Narrator
  readonly #twins: ReadonlyMap<string, Twin>
  #listening: Disposable | undefined

  constructor(ids: readonly string[], stage: Stage) {
    this.#narrator = new Narrator(stage)
    this.#twins = new Map(ids.map((id) => [id, new Twin(() => this.#draw())]))
    this.stream = besideTheLine(stage, this.#narrator)
  }

  /** The board of this id. */
  twin(id: string): Twin | undefined {
    return this.#twins.get(id)
  }

  /** Hears keys, or lines such as `click pi1`; `quit` is for the key q. */
  listen(input: Terminal, quit: () => void): void {
    const twins = [...this.#twins.values()]
    const numbered = twins.map((twin, index) => [`${index + 1}`, () => twin.click()] as const)
    const keys = Object.fromEntries(numbered.slice(0, digitsMax))
    const first = (): void => twins[0]?.click()
    this.#listening = listenForKeys(input, { ...keys, ' ': first, q: quit }) ?? this.#read(input)
    this.#draw()
  }

  [Symbol.dispose](): void {
    this.#listening?.[Symbol.dispose]()
    this.#narrator.draft('')
  }

  #read(input: Terminal): Disposable {
    const lines = createInterface({ input })
    lines.on('line', (line) => {
      const [word, id = [...this.#twins.keys()][0] ?? ''] = line.trim().split(/\s+/)
      if (word === 'click') this.#twins.get(id)?.click()
    })
    return { [Symbol.dispose]: () => lines.close() }
  }

  /** `pi1 ● light on, 12 clicks · pi2 ○ light off, 0 clicks · space clicks pi1, q quits`. */
  #draw(): void {
    const ids = [...this.#twins.keys()]
    const states = [...this.#twins].map(([id, { light, clicks }]) => {
      const lamp = light === 'on' ? '●' : '○'
      return `${id} ${lamp} light ${light}, ${clicks} ${clicks === 1 ? 'click' : 'clicks'}`
    })
    const last = Math.min(ids.length, digitsMax)
    const more = ids.length > 1 ? `, 1 to ${last} click each` : ''
    const help = `space clicks ${ids[0] ?? ''}${more}, q quits`
    this.#narrator.draft(`  ${[...states, help].join(' · ')}`)
  }
}

/** There are no more digits on a keyboard. */
const digitsMax = 9

function besideTheLine(stage: Stage, narrator: Narrator): LogStream {
  const stream: Writable & { isTTY?: boolean } = new Writable({
    write(chunk: Buffer, _encoding, done) {
      narrator.say(chunk.toString().trimEnd())
      done()
    },
  })
  stream.isTTY = stage.isTTY === true
  return stream
}
