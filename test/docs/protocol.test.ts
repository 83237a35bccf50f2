/** Holds docs/protocol.md against the source: frames, codes, the life of an end, and numbers. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { faults, type WireCode, wireNumber } from '../../shared/protocol/fault.ts'
import {
  attributeTags,
  dataBytesMax,
  type FrameKind,
  frameBytesMax,
  frames,
} from '../../shared/protocol/frame.ts'
import {
  attributes,
  code,
  type Field,
  flag,
  name,
  rest,
  u8,
  u16,
  u32,
  u48,
} from '../../shared/protocol/layout.ts'
import { life, type Phase } from '../../shared/protocol/life.ts'
import { flightBytesMin } from '../../shared/protocol/pulse.ts'
import { wireCodes } from '../support/frames.ts'
import { repository, textFiles } from '../support/sources.ts'

const page = readFileSync(join(repository, 'docs/protocol.md'), 'utf8')
const files = textFiles()

/** The part of the page under this heading. */
function section(heading: string): string {
  const [, behind] = page.split(`\n## ${heading}\n`)
  if (behind === undefined) throw new Error(`docs/protocol.md has no "## ${heading}"`)
  return behind.split('\n## ')[0] ?? ''
}

/** The cells of a table's rows, without its head. */
function rows(text: string): readonly (readonly string[])[] {
  const lines = text.split('\n').filter((line) => line.startsWith('|'))
  return lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

const types = { u8, u16, u32, u48, flag, code, name, attributes, rest }

/** How the page writes a field: by the name of its type, or by its size where it has none. */
function typeOf(title: string, field: Field<never>): string {
  if (title === 'alive') return 'u8 × u32'
  if (title === 'names') return 'u8 × name'
  const known = Object.entries(types).find(([, type]) => field === (type as unknown))
  return known?.[0] ?? `${field.size('' as never)} B`
}

test('every frame stands there with its code and its fields, in their order', (t) => {
  const expected = (Object.keys(frames) as FrameKind[]).map((kind) => {
    const { code: byte, fields } = frames[kind]
    const named = Object.entries(fields).map(([title, field]) => {
      const type = typeOf(title, field as unknown as Field<never>)
      return type === title ? title : `${title} ${type}`
    })
    const number = `0x${byte.toString(16).padStart(2, '0')}`
    return [`\`${kind.toUpperCase()}\``, number, named.join(', ')]
  })
  t.deepEqual(
    rows(section('Frames')).map((row) => row.slice(0, 3)),
    expected,
  )
})

test('every code that travels stands there with its number and its sentence, and no other', (t) => {
  const expected = wireCodes.map((code: WireCode) => {
    const { says, retryable } = faults[code]
    return [`\`${code}\``, String(wireNumber(code)), says, retryable === true ? 'yes' : '']
  })
  t.deepEqual(rows(section('Codes')), expected)
})

test('the drawing of the life of an end is the table in life.ts', (t) => {
  const [, drawing = ''] = section('The life of an end').split('```mermaid\n')
  t.is(drawing.split('```')[0], drawn())
})

/** The drawing that follows from the table: one arrow for all events between two phases. */
function drawn(): string {
  const arrows = (Object.keys(life) as Phase[]).flatMap((from) => {
    const events = new Map<Phase, string[]>()
    for (const [event, to] of Object.entries(life[from])) {
      events.set(to, [...(events.get(to) ?? []), event])
    }
    return [...events].map(([to, names]) => `  ${from} --> ${to}: ${names.join(', ')}`)
  })
  const begins = ['  [*] --> opening: the opener', '  [*] --> dialling: the acceptor']
  return ['stateDiagram-v2', ...begins, ...arrows, '  closed --> [*]', ''].join('\n')
}

test('every phase is explained below the drawing', (t) => {
  const [, , text = ''] = section('The life of an end').split('```')
  for (const phase of Object.keys(life)) t.true(text.includes(`\`${phase}\``), phase)
})

test('each wait of the table has its constant, with the value of its source', (t) => {
  const constants = rows(section('Waits')).filter(([, , where = '']) => where.startsWith('['))
  t.true(constants.length >= 8)
  for (const [name = '', value = '', where = ''] of constants) {
    const path = where.slice(1, where.indexOf(']'))
    const source = readFileSync(join(repository, path), 'utf8')
    const [, written = ''] = new RegExp(`\\b${name.slice(1, -1)} = ([\\d_]+)\n`).exec(source) ?? []
    t.is(Number(written.replaceAll('_', '')), Number(value.replaceAll(',', '')), name)
    t.true(section('Waits').split(name).length > 2, `${name} is used by no wait`)
  }
})

test('the sizes that the text names are those of the source', (t) => {
  for (const bytes of [frameBytesMax, dataBytesMax, flightBytesMin]) {
    t.true(page.includes(bytes.toLocaleString('en-US')), String(bytes))
  }
  const tags = Object.entries(attributeTags).map(([name, tag]) => `${tag} ${name}`)
  for (const tag of tags) t.true(section('Framing').includes(tag), tag)
})

test('each check that the simulation names stands in the list, in order', (t) => {
  const numbers = [...section('What the simulation checks').matchAll(/^(\d+)\. /gm)].map(
    ([, n]) => n,
  )
  t.deepEqual(
    numbers,
    Array.from({ length: 20 }, (_, index) => String(index + 1)),
  )
  const named = files
    .filter(({ path }) => path.startsWith('test/simulation/'))
    .flatMap(({ text }) => [...text.matchAll(/['"`](\d+): /g)].map(([, n]) => n))
  t.true(named.length > 20)
  for (const number of named) t.true(numbers.includes(number), `check ${number}`)
})

test('each rule and law that is named anywhere stands in its list', (t) => {
  const rules = new Set(rows(section('Rules')).map(([number]) => number))
  const laws = new Set([...section('Laws').matchAll(/^(\d+)\. /gm)].map(([, number]) => number))
  const unknown = files
    .filter(({ path }) => /\.(?:ts|md)$/.test(path) && path !== 'docs/protocol.md')
    .flatMap(({ path, text }) => [
      ...numbersOf(text, 'rules?')
        .filter((number) => !rules.has(number))
        .map((n) => `${path}: rule ${n}`),
      ...numbersOf(text, 'laws?')
        .filter((number) => !laws.has(number))
        .map((n) => `${path}: law ${n}`),
    ])
  t.deepEqual(unknown, [])
})

/** The numbers that follow this word: `rules 3 to 6`, `rule 4, 13`. */
function numbersOf(text: string, word: string): readonly string[] {
  const named = new RegExp(
    `(?<![\\w"'\`.])${word} (\\d+(?:(?:, | and | to )\\d+)*)(?! ["\\w]*")`,
    'gi',
  )
  return [...text.matchAll(named)].flatMap(([, list = '']) => list.match(/\d+/g) ?? [])
}
