/**
 * The demo's voice: one line a step, with ✓ or ✗ and the time that it took.
 *
 * Invariant: a line with ✓ is written after its step is done, from what the step measured. A
 * terminal has one more line below all others, the draft, which is redrawn; elsewhere only lines
 * that stay are written. Colours follow NO_COLOR, FORCE_COLOR and the terminal.
 */
import { clearLine, cursorTo } from 'node:readline'
import { stripVTControlCharacters, styleText } from 'node:util'
import { Fault } from '../shared/protocol/fault.ts'

/** Where lines go. */
export type Stage = NodeJS.WritableStream & {
  readonly isTTY?: boolean
  readonly columns?: number
}

/** What a step gave: a sentence to tell, and a value to go on with. */
export interface Outcome<Value> {
  readonly text: string
  readonly value: Value
}

/** Tells how far a step has come; only a terminal shows it. */
export type Progress = (text: string) => void

export class Narrator {
  readonly #stage: Stage
  readonly #hasDraft: boolean
  #draft = ''

  constructor(stage: Stage) {
    this.#stage = stage
    this.#hasDraft = stage.isTTY === true && process.env.TERM !== 'dumb'
  }

  /**
   * Runs a step and tells what it gave. Rethrows what it threw, once the line says so; that it was
   * interrupted is nothing to say of the step.
   */
  async step<Value>(
    label: string,
    intent: string,
    work: (progress: Progress) => Promise<Outcome<Value>>,
  ): Promise<Value> {
    const start = performance.now()
    const draw = (text: string): void => this.draft(row(this.#paint('dim', '…'), label, text))
    const settle = (mark: string, text: string): void => {
      const took = this.#paint('dim', secondsText(performance.now() - start))
      const columns = Math.min(textColumns, (this.#stage.columns ?? 120) - besideText)
      this.#draft = ''
      this.say(`${row(mark, label, text.padEnd(columns))}  ${took}`)
    }
    draw(intent)
    try {
      const { text, value } = await work((progress) => draw(`${intent}: ${progress}`))
      settle(this.#paint('green', '✓'), text)
      return value
    } catch (error) {
      if (error instanceof Fault && error.code === 'shutdown') this.draft('')
      else settle(this.#paint('red', '✗'), `${intent}: ${firstLine(messageOf(error))}`)
      throw error
    }
  }

  /** Something to know or to type; it promises nothing. */
  point(label: string, text: string): void {
    this.say(row(this.#paint('cyan', '➜'), label, text))
  }

  /** A line that stays; whatever is drafted goes on below it. */
  say(line: string): void {
    this.#erase()
    this.#stage.write(`${line}\n`)
    if (this.#draft !== '') this.#stage.write(this.#draft)
  }

  /** Replaces the draft, cut to the width of the terminal; without a text it is gone. */
  draft(text: string): void {
    if (!this.#hasDraft) return
    this.#erase()
    this.#draft = cut(text, (this.#stage.columns ?? 80) - 1)
    this.#stage.write(this.#draft)
  }

  /** Quiet words, for what is evidence or an aside. */
  dim(text: string): string {
    return this.#paint('dim', text)
  }

  #erase(): void {
    if (!this.#hasDraft) return
    cursorTo(this.#stage, 0)
    clearLine(this.#stage, 0)
  }

  #paint(style: Parameters<typeof styleText>[0], text: string): string {
    return styleText(style, text, { stream: this.#stage })
  }
}

/** `0.2 s`, `12.3 s`. */
export function secondsText(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`
}

/** `10,000`. */
export function countText(count: number): string {
  return count.toLocaleString('en')
}

/** What an error says, with its code unless the sentence has it. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { message } = error
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  return code === '' || message.includes(code) ? message : `${message} (${code})`
}

/** Some drivers add their whole log to what failed. */
function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? ''
}

const labelColumns = 15
const textColumns = 79
/** Mark, label and time, with the room between them. */
const besideText = 28

function row(mark: string, label: string, text: string): string {
  return `  ${mark} ${label.padEnd(labelColumns)} ${text}`
}

/** At most so many characters that show; the escapes of colours take no room. */
function cut(text: string, columns: number): string {
  const shown = stripVTControlCharacters(text)
  if (shown.length <= columns) return text
  return `${shown.slice(0, columns - 1)}…`
}
