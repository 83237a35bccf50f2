/** Each kind of field by its exact bytes, both ways, and what each refuses. */
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { Fault } from '../../../shared/protocol/fault.ts'
import {
  attributes,
  code,
  type Field,
  flag,
  hex,
  listOf,
  name,
  rest,
  u8,
  u16,
  u32,
  u48,
  u48Max,
} from '../../../shared/protocol/layout.ts'
import { fromHex } from '../../support/frames.ts'

function written<Value>(field: Field<Value>, value: Value): string {
  const into = { bytes: new Uint8Array(field.size(value)), at: 0 }
  field.write(into, value)
  if (into.at !== into.bytes.length) throw new Error('size and write disagree')
  return Array.from(into.bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const hexOf = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, '0')).join('')

type Reading<Value> = Pick<Field<Value>, 'read'>

const read = <Value>(field: Reading<Value>, bytes: string): Value =>
  field.read({ bytes: fromHex(bytes), at: 0 })

interface Vector {
  readonly title: string
  readonly check: (t: ExecutionContext) => void
}

function vector<Value>(kind: string, field: Field<Value>, value: Value, bytes: string): Vector {
  return {
    title: `${kind} ${JSON.stringify(value)} is ${bytes}`,
    check: (t) => {
      t.is(written(field, value), bytes)
      t.deepEqual(read(field, bytes), value)
    },
  }
}

/** A field, a value and its bytes. */
const vectors: readonly Vector[] = [
  vector('u8', u8, 0, '00'),
  vector('u8', u8, 255, 'ff'),
  vector('u16', u16, 0x0102, '0102'),
  vector('u32', u32, 0x80000001, '80000001'),
  vector('u32', u32, 0xffffffff, 'ffffffff'),
  vector('u48', u48, 0x100000000, '000100000000'),
  vector('u48', u48, 0x0000ffffffff, '0000ffffffff'),
  vector('u48', u48, u48Max, 'ffffffffffff'),
  vector('flag', flag, true, '01'),
  vector('flag', flag, false, '00'),
  vector('code', code, 'end', '00'),
  vector('code', code, 'displaced', '3e'),
  vector('hex', hex(3), '00ab10', '00ab10'),
  vector('name', name, '', '00'),
  vector('name', name, 'é', '02c3a9'),
  vector('name', name, '\ufeffx', '04efbbbf78'),
  vector('list', listOf(u8, u16), [1, 258], '0200010102'),
  vector('list', listOf(u8, u16), [], '00'),
  vector('attributes', attributes, [{ tag: 255, value: fromHex('00') }], 'ff000100'),
  vector('attributes', attributes, [], ''),
  vector('rest', rest, fromHex('0102'), '0102'),
]

for (const { title, check } of vectors) test(title, check)

/** What lies wrong, and the words of its fault. */
const refused: readonly (readonly [string, Reading<unknown>, string, RegExp])[] = [
  ['a u8 of nothing', u8, '', /cut short at byte 0/],
  ['half a u48', u48, 'ffffff', /cut short at byte 3/],
  ['a flag of 2', flag, '02', /a flag of 2/],
  ['a code that nobody knows', code, '02', /an unknown code 2/],
  ['the code of no wire', code, 'ff', /an unknown code 255/],
  ['half a key', hex(16), '0011', /cut short/],
  ['a name cut short', name, '0361', /cut short/],
  ['T7: a NUL in a name', name, '03610062', /control character/],
  ['T7: a line feed in a name', name, '010a', /control character/],
  ['T7: a delete in a name', name, '017f', /control character/],
  ['a name that is not UTF-8', name, '02c328', /not UTF-8/],
  ['an overlong NUL in a name', name, '02c080', /not UTF-8/],
  ['half a surrogate pair in a name', name, '03eda080', /not UTF-8/],
  ['a list longer than the frame', listOf(u32, u8), 'ffffffff00', /cut short/],
  ['an attribute longer than the frame', attributes, '01ffff00', /cut short/],
  ['an attribute without its length', attributes, '0100', /cut short/],
]

for (const [title, field, bytes, words] of refused) {
  test(`${title} is refused`, (t) => {
    const fault = t.throws(() => read(field, bytes), { instanceOf: Fault })
    t.is(fault?.code, 'frame_malformed')
    t.regex(fault?.message ?? '', words)
  })
}

test('T7: no control character is taken in a name, and every other letter is', (t) => {
  for (let unit = 0; unit < 0x100; unit += 1) {
    const bytes = `${unit < 0x80 ? '01' : '02'}${hexOf(String.fromCharCode(unit))}`
    if (unit < 0x20 || unit === 0x7f) t.throws(() => read(name, bytes), { instanceOf: Fault })
    else t.is(read(name, bytes), String.fromCharCode(unit))
  }
})

test('what a count cannot say is not written', (t) => {
  const long = 'x'.repeat(256)
  const many = Array.from({ length: 256 }, () => 1)
  t.throws(() => written(name, long), { instanceOf: Fault, code: 'frame_malformed' })
  t.throws(() => written(listOf(u8, u8), many), { instanceOf: Fault, code: 'frame_malformed' })
  t.is(written(name, long.slice(1)).length, 2 * 256)
})

test('R5: a list claims no memory that its bytes do not back', (t) => {
  const huge = listOf(u32, u32)
  t.throws(() => read(huge, 'ffffffff'), { instanceOf: Fault })
})

test('a key keeps its bytes, whatever they are', (t) => {
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 })
  fc.assert(
    fc.property(bytes, (value) => {
      const text = hex(16).read({ bytes: value, at: 0 })
      t.deepEqual(fromHex(written(hex(16), text)), value)
    }),
  )
})

test('attributes are copied out of the message, and bytes of the rest are not', (t) => {
  const message = fromHex('010001aa')
  const [attribute] = attributes.read({ bytes: message, at: 0 })
  const all = rest.read({ bytes: message, at: 1 })
  message.fill(0)
  t.deepEqual(attribute?.value, fromHex('aa'))
  t.deepEqual(all, fromHex('000000'))
})
