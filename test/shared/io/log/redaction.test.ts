/** Tests of what a value becomes before it is logged. */
import test from 'ava'
import {
  depthMax,
  entriesMax,
  harmless,
  harmlessText,
  textCharactersMax,
} from '../../../../shared/io/log/redaction.ts'
import { processorWatch } from '../../../support/processor.ts'

test('plain values stay as they are', (t) => {
  for (const value of ['text', 0, -1.5, true, false, null]) t.is(harmless(value), value)
  t.deepEqual(harmless({ a: [1, 'b', { c: null }] }), { a: [1, 'b', { c: null }] })
})

test('what JSON does not have becomes text, or nothing', (t) => {
  t.is(harmless(Number.NaN), 'NaN')
  t.is(harmless(2n ** 64n), '18446744073709551616')
  t.is(harmless(new Date(0)), '1970-01-01T00:00:00.000Z')
  t.is(harmless(new Date(Number.NaN)), null)
  t.is(harmless(undefined), undefined)
  t.is(harmless(Symbol('x')), undefined)
  t.deepEqual(harmless({ a: undefined, b: () => 1 }), {})
  t.deepEqual(harmless([undefined]), [null])
})

test('bytes and instances are named, not shown', (t) => {
  t.is(harmless(new Uint8Array(12)), '[12 bytes]')
  t.is(harmless(new Map([['a', 1]])), '[Map]')
  t.is(harmless(new AbortController()), '[AbortController]')
})

test('an error is its type, code, message and causes, and nothing else', (t) => {
  const root = Object.assign(new RangeError('root'), { code: 'E_ROOT', cert: { raw: 'secret' } })
  t.deepEqual(harmless(new Error('top', { cause: root })), {
    type: 'Error',
    message: 'top',
    cause: { type: 'RangeError', code: 'E_ROOT', message: 'root' },
  })
})

test('secrets are known by the name of their field', (t) => {
  for (const name of ['authorization', 'set-cookie', 'Password', 'joinToken', 'private_key']) {
    t.deepEqual(harmless({ [name]: 'x' }), { [name]: '[redacted]' })
    t.deepEqual(harmless({ [name]: { nested: 'x' } }), { [name]: '[redacted]' })
  }
  t.deepEqual(harmless({ tokens: 3, keyboard: 'x' }), { tokens: 3, keyboard: 'x' })
})

test('a field named __proto__ is only a field (W8)', (t) => {
  const clean = harmless(JSON.parse('{"__proto__":{"polluted":1},"constructor":"x"}') as unknown)
  t.is(JSON.stringify(clean), '{"__proto__":{"polluted":1},"constructor":"x"}')
  t.is(({} as { polluted?: number }).polluted, undefined)
})

test('size and depth are bounded', (t) => {
  t.is(harmlessText('x'.repeat(textCharactersMax)).length, textCharactersMax)
  t.is(harmlessText('x'.repeat(1_000_000)).length, textCharactersMax + 1)
  t.is((harmless(Array(1_000).fill(1)) as readonly unknown[]).length, entriesMax)
  let deep: unknown = 'bottom'
  for (let level = 0; level <= depthMax; level += 1) deep = [deep]
  t.regex(JSON.stringify(harmless(deep)), /\[deeper\]/)
})

test('a megabyte of text that looks like secrets takes no time', (t) => {
  const computedMs = processorWatch()
  for (const piece of ['-----BEGIN PRIVATE KEY-----', 'Bearer ', '://', 'cookie: ', 'spi1_']) {
    harmlessText(piece.repeat(1_000_000 / piece.length))
  }
  t.log(computedMs())
  t.true(computedMs() < 500)
})
