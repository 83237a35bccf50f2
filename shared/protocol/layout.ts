/**
 * How one field of a frame lies on the wire: big-endian numbers, names, keys, lists.
 *
 * Invariant: what `read` accepts, `write` gives back byte for byte; what it does not accept is a
 * `Fault` with the code `frame_malformed`, and never any other error.
 */
import { Fault, type WireCode, wireCode, wireNumber } from './fault.ts'

/** One kind of field: how many bytes a value takes, how it is written and how it is read. */
export interface Field<Value> {
  readonly size: (value: Value) => number
  readonly write: (into: Cursor, value: Value) => void
  readonly read: (from: Cursor) => Value
}

/** A place in a frame's bytes; `at` moves forward as fields are read or written. */
export interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

/** An attribute of a frame; receivers skip tags that they do not know. */
export interface Attribute {
  readonly tag: number
  readonly value: Uint8Array
}

/** The greatest u48: the last byte position, id and echo there can be. */
export const u48Max: number = 2 ** 48 - 1

const malformed = (what: string): Fault => new Fault('frame_malformed', what)

function need(from: Cursor, count: number): void {
  if (from.at + count > from.bytes.length) throw malformed(`cut short at byte ${from.at}`)
}

function byteAt(from: Cursor): number {
  const value = from.bytes[from.at]
  if (value === undefined) throw malformed(`cut short at byte ${from.at}`)
  from.at += 1
  return value
}

export const u8: Field<number> = {
  size: () => 1,
  write: (into, value) => {
    into.bytes[into.at++] = value
  },
  read: byteAt,
}

export const u16: Field<number> = {
  size: () => 2,
  write: (into, value) => {
    into.bytes[into.at++] = value >>> 8
    into.bytes[into.at++] = value
  },
  read: (from) => byteAt(from) * 0x100 + byteAt(from),
}

export const u32: Field<number> = {
  size: () => 4,
  write: (into, value) => {
    into.bytes[into.at++] = value >>> 24
    into.bytes[into.at++] = value >>> 16
    into.bytes[into.at++] = value >>> 8
    into.bytes[into.at++] = value
  },
  read: (from) => u16.read(from) * 0x10000 + u16.read(from),
}

export const u48: Field<number> = {
  size: () => 6,
  write: (into, value) => {
    u16.write(into, Math.floor(value / 0x100000000))
    u32.write(into, value >>> 0)
  },
  read: (from) => u16.read(from) * 0x100000000 + u32.read(from),
}

/** A flag byte that is exactly 0 or 1. */
export const flag: Field<boolean> = {
  size: () => 1,
  write: (into, value) => u8.write(into, value ? 1 : 0),
  read: (from) => {
    const value = byteAt(from)
    if (value > 1) throw malformed(`a flag of ${value} at byte ${from.at - 1}`)
    return value === 1
  },
}

/** A code of the closed list, as its u8. */
export const code: Field<WireCode> = {
  size: () => 1,
  write: (into, value) => u8.write(into, wireNumber(value)),
  read: (from) => {
    const number = byteAt(from)
    const known = wireCode(number)
    if (known === undefined) throw malformed(`an unknown code ${number} at byte ${from.at - 1}`)
    return known
  },
}

/** A fixed number of bytes, held as lower-case hexadecimal so that it compares and keys a map. */
export function hex(count: number): Field<string> {
  return {
    size: () => count,
    write: (into, value) => {
      for (let index = 0; index < count; index += 1) {
        into.bytes[into.at++] = Number.parseInt(value.slice(index * 2, index * 2 + 2), 16)
      }
    },
    read: (from) => {
      need(from, count)
      let text = ''
      for (let index = 0; index < count; index += 1) text += hexOfByte[byteAt(from)]
      return text
    },
  }
}

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, value) =>
  value.toString(16).padStart(2, '0'),
)

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The longest name: what its u8 can say. */
export const nameBytesMax = 255

/** A name: u8 length and UTF-8 without control characters (T7: a NUL never cuts a name). */
export const name: Field<string> = {
  size: (value) => 1 + encoder.encode(value).length,
  write: (into, value) => {
    const bytes = encoder.encode(value)
    if (bytes.length > nameBytesMax) throw malformed(`a name of ${bytes.length} bytes`)
    u8.write(into, bytes.length)
    into.bytes.set(bytes, into.at)
    into.at += bytes.length
  },
  read: (from) => {
    const length = byteAt(from)
    need(from, length)
    const start = from.at
    from.at += length
    return textOf(from.bytes.subarray(start, from.at), start)
  },
}

function textOf(bytes: Uint8Array, start: number): string {
  let text: string
  try {
    text = decoder.decode(bytes)
  } catch (cause) {
    throw new Fault('frame_malformed', `a name at byte ${start} is not UTF-8`, { cause })
  }
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index)
    if (unit < 0x20 || unit === 0x7f) {
      throw malformed(`a name at byte ${start} holds a control character`)
    }
  }
  return text
}

/** A list with a count in front: no longer than that count can say. */
export function listOf<Value>(count: Field<number>, item: Field<Value>): Field<readonly Value[]> {
  const countMax = 2 ** (8 * count.size(0)) - 1
  return {
    size: (values) => values.reduce((sum, value) => sum + item.size(value), count.size(0)),
    write: (into, values) => {
      if (values.length > countMax) throw malformed(`a list of ${values.length}`)
      count.write(into, values.length)
      for (const value of values) item.write(into, value)
    },
    read: (from) => {
      const length = count.read(from)
      // Each item takes a byte at least, so a length beyond the frame is refused before any work.
      need(from, length)
      return Array.from({ length }, () => item.read(from))
    },
  }
}

/** The attributes that close a frame: {tag u8, length u16, bytes} until its end. */
export const attributes: Field<readonly Attribute[]> = {
  size: (values) => values.reduce((sum, { value }) => sum + 3 + value.length, 0),
  write: (into, values) => {
    for (const { tag, value } of values) {
      u8.write(into, tag)
      u16.write(into, value.length)
      into.bytes.set(value, into.at)
      into.at += value.length
    }
  },
  read: (from) => {
    const values: Attribute[] = []
    while (from.at < from.bytes.length) {
      const tag = byteAt(from)
      const length = u16.read(from)
      need(from, length)
      values.push({ tag, value: from.bytes.slice(from.at, from.at + length) })
      from.at += length
    }
    return values
  },
}

/** All bytes that are left, without a copy. */
export const rest: Field<Uint8Array> = {
  size: (value) => value.length,
  write: (into, value) => {
    into.bytes.set(value, into.at)
    into.at += value.length
  },
  read: (from) => {
    const bytes = from.bytes.subarray(from.at)
    from.at = from.bytes.length
    return bytes
  },
}
