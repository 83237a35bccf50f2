/** Tests of the DER reader against what node-forge writes, and against what must not be read. */
import test from 'ava'
import fc from 'fast-check'
import * as write from '../../../certs/der.ts'
import { DerReader, identifierText, integerHex, tags, takeTime } from '../../../shared/io/der.ts'

const reader = (...bytes: readonly number[]): DerReader => new DerReader(Uint8Array.from(bytes))

test('reads the integers that forge writes', (t) => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 160n) - 1n }), (value) => {
      const contents = new DerReader(write.bytesOf(write.integer(value))).take(tags.integer)
      const hex = integerHex(contents)
      t.is(BigInt(`0x${hex}`), value)
      if (value > 0n) t.is(hex.length % 2, 0)
    }),
  )
  t.is(integerHex(Uint8Array.of(0)), '0')
  t.is(integerHex(Uint8Array.of(0, 0xff)), 'FF')
})

test('reads the times that are written, before and after 2050', (t) => {
  const from = new Date('1950-01-01T00:00:00Z')
  const to = new Date('9999-12-31T23:59:59Z')
  fc.assert(
    fc.property(fc.date({ min: from, max: to, noInvalidDate: true }), (date) => {
      const read = takeTime(new DerReader(write.bytesOf(write.time(date))))
      t.is(read.getTime(), Math.floor(date.getTime() / 1000) * 1000)
    }),
  )
})

test('a time is UTCTime to the end of 2049 and GeneralizedTime after (RFC 5280)', (t) => {
  const element = (text: string): string =>
    write.bytesOf(write.time(new Date(text))).toString('latin1')
  t.is(element('2049-12-31T23:59:59Z'), '\x17\x0d491231235959Z')
  t.is(element('2050-01-01T00:00:00Z'), '\x18\x0f20500101000000Z')
})

test('reads object identifiers', (t) => {
  for (const dotted of ['2.5.29.17', '1.2.840.10045.4.3.2', '1.3.101.112', '2.999.1', '0.9']) {
    const bytes = write.bytesOf(write.identifier(dotted))
    t.is(identifierText(new DerReader(bytes).take(tags.identifier)), dotted)
  }
  for (const cut of [
    [],
    [0x80],
    [0x2a, 0x86],
    [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
  ]) {
    t.throws(() => identifierText(Uint8Array.from(cut)), { instanceOf: SyntaxError })
  }
})

test('gives elements in order, whole or opened, and holds that nothing is left over', (t) => {
  const outer = reader(0x30, 0x08, 0x02, 0x01, 0x05, 0x30, 0x03, 0x02, 0x01, 0x06)
  const inner = outer.enter(tags.sequence)
  outer.end()
  inner.passOver(tags.octetString)
  t.is(inner.next, tags.integer)
  t.deepEqual([...inner.take(tags.integer)], [5])
  t.throws(() => inner.end(), { message: /left over/ })
  t.deepEqual([...inner.takeWhole(tags.sequence)], [0x30, 0x03, 0x02, 0x01, 0x06])
  inner.end()
  t.throws(() => inner.take(tags.integer), { message: /the end was found/ })
})

const notDer: Readonly<Record<string, readonly number[]>> = {
  nothing: [],
  'a tag alone': [0x30],
  'an indefinite length': [0x30, 0x80, 0x00, 0x00],
  'a length past the end': [0x30, 0x02, 0x00],
  'a long length of a short one': [0x30, 0x81, 0x01, 0x00],
  'a length that begins with zero': [0x30, 0x82, 0x00, 0x80, ...Array<number>(128).fill(0)],
  'a length without its bytes': [0x30, 0x82, 0x01],
  'a length of 2^32': [0x30, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00],
  'a length of 2^32 - 1': [0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
  'a length of 127 bytes': [0x30, 0xff, ...Array<number>(127).fill(0xff)],
  'another tag': [0x31, 0x00],
}

for (const [what, bytes] of Object.entries(notDer)) {
  test(`refuses ${what}`, (t) => {
    t.throws(() => reader(...bytes).enter(tags.sequence), { instanceOf: SyntaxError })
  })
}

test('refuses integers that are negative, empty or padded', (t) => {
  for (const contents of [[], [0x80], [0xff, 0x01], [0x00, 0x7f], [0x00, 0x00]]) {
    t.throws(() => integerHex(Uint8Array.from(contents)), { instanceOf: SyntaxError })
  }
})

test('refuses times that do not exist or are not in Zulu and whole seconds', (t) => {
  for (const text of [
    '260230000000Z',
    '261301000000Z',
    '260101240000Z',
    '260101000060Z',
    '2601010000Z',
    '260101000000+0100',
    '260101000000',
    '２60101000000Z',
    '',
  ]) {
    const bytes = Buffer.from(text)
    const short = new DerReader(Buffer.concat([Buffer.of(tags.utcTime, bytes.length), bytes]))
    t.throws(() => takeTime(short), { instanceOf: SyntaxError }, text)
  }
})

test('K2: whatever the bytes, reading ends with a value or a SyntaxError', (t) => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 64 }),
      fc.constantFrom(0x30, 0x02, 0x04),
      (bytes, tag) => {
        const hostile = new DerReader(bytes)
        try {
          while (hostile.next !== undefined) hostile.enter(tag)
        } catch (error) {
          t.true(error instanceof SyntaxError)
        }
      },
    ),
  )
  t.pass()
})
