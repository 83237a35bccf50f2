/**
 * Reading DER (ITU-T X.690, section 10), element by element.
 *
 * Invariant: only DER is read: definite lengths in their shortest form, tags of one byte, nothing
 * past the end, nothing left over. The reader is flat: it goes as deep as its caller names tags, so
 * no input decides how deep it goes (K2), and it copies nothing.
 */

/** The tags that certificates and revocation lists are made of. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  identifier: 0x06,
  enumerated: 0x0a,
  sequence: 0x30,
  utcTime: 0x17,
  generalizedTime: 0x18,
  explicitZero: 0xa0,
  explicitThree: 0xa3,
} as const

/** A cursor over the elements of one constructed element. Every method throws a SyntaxError. */
export class DerReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** The tag of the next element, or undefined at the end. */
  get next(): number | undefined {
    return this.#bytes[this.#at]
  }

  /** A reader of what the next element holds; its tag must be this one. */
  enter(tag: number): DerReader {
    return new DerReader(this.take(tag))
  }

  /** The contents of the next element; its tag must be this one. */
  take(tag: number): Uint8Array {
    const { contents, end } = this.#element(tag)
    this.#at = end
    return this.#bytes.subarray(contents, end)
  }

  /** The next element as it stands, tag and length included; its tag must be this one. */
  takeWhole(tag: number): Uint8Array {
    const start = this.#at
    this.#at = this.#element(tag).end
    return this.#bytes.subarray(start, this.#at)
  }

  /** Passes over the next element if its tag is this one. */
  passOver(tag: number): void {
    if (this.next === tag) this.take(tag)
  }

  /** Holds that nothing is left over. */
  end(): void {
    if (this.next !== undefined) throw wrong(this.#at, 'bytes are left over')
  }

  #element(tag: number): { readonly contents: number; readonly end: number } {
    const found = this.next
    if (found !== tag) throw wrong(this.#at, `tag ${tag} is due, ${found ?? 'the end'} was found`)
    const first = this.#bytes[this.#at + 1] ?? 0x80
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f
    const contents = this.#at + 2 + lengthBytes
    const length = lengthBytes === 0 ? first : this.#longLength(lengthBytes)
    if (first === 0x80 || contents + length > this.#bytes.length) {
      throw wrong(this.#at, 'the element runs past the end')
    }
    return { contents, end: contents + length }
  }

  #longLength(lengthBytes: number): number {
    let length = 0
    for (let index = 0; index < Math.min(lengthBytes, 4); index += 1) {
      length = length * 256 + (this.#bytes[this.#at + 2 + index] ?? 0)
    }
    const shortest = length < 0x80 ? 0 : Math.ceil((32 - Math.clz32(length)) / 8)
    if (lengthBytes !== shortest) throw wrong(this.#at, 'the length is not in its shortest form')
    return length
  }
}

/** The dotted form of an object identifier's contents. */
export function identifierText(contents: Uint8Array): string {
  const arcs: number[] = []
  let arc = 0
  for (const byte of contents) {
    arc = arc * 128 + (byte & 0x7f)
    if (!Number.isSafeInteger(arc)) throw new SyntaxError('an object identifier is too long')
    if (byte < 0x80) {
      arcs.push(arc)
      arc = 0
    }
  }
  const [first, ...rest] = arcs
  if (first === undefined || (contents.at(-1) ?? 0x80) >= 0x80) {
    throw new SyntaxError('an object identifier is cut')
  }
  const top = Math.min(Math.floor(first / 40), 2)
  return [top, first - top * 40, ...rest].join('.')
}

/** A non-negative INTEGER's contents in hexadecimal, as node spells serial numbers: `0A`, `0`. */
export function integerHex(contents: Uint8Array): string {
  const [first, second] = contents
  if (first === undefined || first >= 0x80) throw new SyntaxError('an integer is negative or empty')
  if (first === 0 && second !== undefined && second < 0x80) {
    throw new SyntaxError('an integer is not in its shortest form')
  }
  const magnitude = first === 0 ? contents.subarray(1) : contents
  const { buffer, byteOffset, byteLength } = magnitude
  return Buffer.from(buffer, byteOffset, byteLength).toString('hex').toUpperCase() || '0'
}

/** The next element's date: UTCTime or GeneralizedTime, in Zulu and whole seconds (RFC 5280). */
export function takeTime(reader: DerReader): Date {
  const short = reader.next === tags.utcTime
  const contents = reader.take(short ? tags.utcTime : tags.generalizedTime)
  const text = Buffer.from(contents).toString('latin1')
  // RFC 5280, section 4.1.2.5.1: two digits of 50 and more are of the last century.
  const century = short ? (text < '5' ? '20' : '19') : ''
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(century + text) ?? []
  const [year, month, day, hour, minute, second] = parts
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`
  const date = new Date(iso)
  // A date that does not exist, such as 30 February, comes back as another one.
  if (Number.isNaN(date.getTime()) || date.toISOString() !== iso) {
    throw new SyntaxError('a time is malformed')
  }
  return date
}

function wrong(at: number, what: string): SyntaxError {
  return new SyntaxError(`byte ${at}: ${what}`)
}
