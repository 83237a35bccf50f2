/**
 * The log: one event a line, JSON for machines and plain words in a terminal.
 *
 * Invariant: what others chose (names, addresses, reasons) can neither begin a line nor steer a
 * terminal, and a secret is not written, not even where somebody logs it by mistake (L1, L2).
 * Nothing is logged per byte or per frame; fields are named as OpenTelemetry names them
 * (`client.address`, `server.port`, `error.type`).
 */
import { styleText } from 'node:util'
import { createLogger, format, type Logger, transports } from 'winston'
import { Fault, type FaultCode } from '../protocol/fault.ts'
import { harmless, harmlessText, type LogValue } from './log/redaction.ts'

/** How much is said: `error` least, `debug` most. */
export const logLevels = ['error', 'warn', 'info', 'debug'] as const
export type LogLevel = (typeof logLevels)[number]

/** What is known about an event besides its sentence. */
export type LogFields = Readonly<Record<string, unknown>>

/** A log, or a child of one whose fields stand in each of its lines. */
export interface Log {
  error(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
  /** False when `debug` writes nothing: then do not even make its fields. */
  readonly isDebugEnabled: boolean
  /** A log whose lines all have these fields too. */
  child(fields: LogFields): Log
}

/** How a log is written. */
export interface LogOptions {
  /** The last level that is written; `info` by default. */
  readonly level?: LogLevel
  /** `auto`, the default, is text in a terminal and JSON elsewhere. */
  readonly format?: 'auto' | 'json' | 'text'
  /** Standard error by default: standard output is for data. */
  readonly stream?: LogStream
}

/** Where lines go; a terminal gets colours, unless NO_COLOR is set. */
export type LogStream = NodeJS.WritableStream & { readonly isTTY?: boolean }

/** A log that writes to the stream. */
export function createLog(options: LogOptions = {}): Log {
  const { level = 'info', format: wanted = 'auto', stream = process.stderr } = options
  const isText = wanted === 'text' || (wanted === 'auto' && stream.isTTY === true)
  // A log whose reader has gone must not take the process with it.
  if (stream.listenerCount('error') === 0) stream.on('error', () => {})
  const logger = createLogger({
    level,
    levels: Object.fromEntries(logLevels.map((name, index) => [name, index])),
    format: format.printf((info) => {
      const event = info as unknown as LogEvent
      return isText ? textLine(event, stream) : jsonLine(event)
    }),
    transports: [new transports.Stream({ stream })],
    exitOnError: false,
  })
  return new WinstonLog(logger, level, {})
}

/**
 * Logs a fault as one line with its `code`. A fault of our own, `internal`, is an error with its
 * stack; anything else is a warning unless `level` says otherwise.
 */
export function logFault(log: Log, error: unknown, fields: LogFields = {}, level?: LogLevel): void {
  const fault = error instanceof Fault ? error : new Fault('internal', undefined, { cause: error })
  const isOurs = fault.code === 'internal'
  const reason = rootOf(fault)
  const cause: LogFields =
    reason === fault ? {} : { 'error.type': typeOf(reason), 'error.message': messageOf(reason) }
  const stack: LogFields =
    isOurs && reason instanceof Error ? { 'exception.stacktrace': reason.stack } : {}
  const code: FaultCode = fault.code
  log[level ?? (isOurs ? 'error' : 'warn')](fault.message, { code, ...fields, ...cause, ...stack })
}

interface LogEvent {
  readonly level: LogLevel
  readonly message: string
  readonly fields: LogFields
}

class WinstonLog implements Log {
  readonly isDebugEnabled: boolean
  readonly #logger: Logger
  readonly #level: LogLevel
  readonly #fields: LogFields
  readonly #rank: number

  constructor(logger: Logger, level: LogLevel, fields: LogFields) {
    this.#logger = logger
    this.#level = level
    this.#fields = fields
    this.#rank = logLevels.indexOf(level)
    this.isDebugEnabled = level === 'debug'
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields)
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields)
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields)
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields)
  }

  child(fields: LogFields): Log {
    return new WinstonLog(this.#logger, this.#level, { ...this.#fields, ...fields })
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    // Asked here because a level that is off still costs winston 4 µs a call.
    if (logLevels.indexOf(level) > this.#rank) return
    // The fields go in one property: winston would mix a `message` among them into the sentence.
    this.#logger.log({ level, message, fields: { ...this.#fields, ...fields } })
  }
}

function jsonLine({ level, message, fields }: LogEvent): string {
  const time = new Date().toISOString()
  const own = { time, level, message: harmlessText(message) }
  // Written twice: first in the line, and last so that no field takes their place.
  return escaped(JSON.stringify({ ...own, ...cleanFields(fields), ...own }))
}

const colours = { error: 'red', warn: 'yellow', info: 'green', debug: 'gray' } as const

function textLine({ level, message, fields }: LogEvent, stream: LogStream): string {
  const time = new Date().toTimeString().slice(0, 8)
  const word = level.padEnd(5)
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    stream.isTTY === true ? styleText(style, text, { stream }) : text
  const pairs = Object.entries(cleanFields(fields)).map(
    ([name, value]) => ` ${paint('dim', `${bare(name)}=`)}${bare(value)}`,
  )
  const sentence = escaped(JSON.stringify(harmlessText(message)).slice(1, -1)).replaceAll(
    '\\"',
    '"',
  )
  return `${paint('dim', time)} ${paint(colours[level], word)} ${sentence}${pairs.join('')}`
}

function cleanFields(fields: LogFields): Readonly<Record<string, LogValue>> {
  const clean = harmless(fields)
  return (clean ?? {}) as Readonly<Record<string, LogValue>>
}

/** A value as it stands behind `name=`: in quotes as soon as it holds anything but plain words. */
function bare(value: LogValue): string {
  return typeof value === 'string' && /^[\w.,:;/@+*()[\]-]+$/.test(value)
    ? value
    : escaped(JSON.stringify(value))
}

/** JSON in which what steers terminals, breaks lines or turns text round is written as `\u…`. */
function escaped(json: string): string {
  return json.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** The last cause: what really happened. */
function rootOf(error: Error): unknown {
  let root: unknown = error
  for (let depth = 0; depth < 8 && root instanceof Error && root.cause !== undefined; depth += 1) {
    root = root.cause
  }
  return root
}

function typeOf(reason: unknown): string {
  if (!(reason instanceof Error)) return typeof reason
  return 'code' in reason && typeof reason.code === 'string' ? reason.code : reason.name
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason)
}
