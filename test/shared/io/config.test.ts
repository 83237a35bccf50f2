/** The loader: what it bounds, what it reports, and in which order the sources count. */
import { writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { z } from 'zod'
import { ConfigFault, reportedMax } from '../../../shared/io/config/diagnostic.ts'
import { depthMax, fileBytesMax, nodesMax } from '../../../shared/io/config/document.ts'
import { describeEffective } from '../../../shared/io/config/effective.ts'
import { count, duration, filePath, name } from '../../../shared/io/config/schema.ts'
import { type ConfigSource, loadConfig } from '../../../shared/io/config.ts'
import { Fault } from '../../../shared/protocol/fault.ts'
import { loaded, reportOf, withFile, wrongs } from '../../support/config-files.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const schema = z.strictObject({
  title: z.string().prefault('none'),
  wait: duration('1s', '1h').prefault('5s'),
  file: filePath().prefault('a.pem'),
  limits: z.strictObject({ deepMax: count(0, 9).prefault(3) }).prefault({}),
  list: z.array(z.unknown()).prefault([]),
  map: z.record(name(), z.unknown()).prefault({}),
})

/** Loads by the schema above; `check` complains about a title of "bad". */
function load(source: ConfigSource) {
  return loadConfig(
    {
      schema,
      nouns: { list: 'entry' },
      starter: 'sallyport start',
      check: ({ title }, { complain, lineOf }) => {
        if (title === 'bad') complain(['title'], `bad on line ${lineOf(['title'])}`)
      },
    },
    source,
  )
}

test('a report shows each place with its line and a caret', async (t) => {
  const report = await reportOf(load, '# first\nlimits:\n  deepMaks: 1\nwait: 90\n')
  t.is(
    report,
    [
      'file.yaml:3:3  unknown key "deepMaks" in limits; did you mean "deepMax"?',
      '  3 |   deepMaks: 1',
      '    |   ^^^^^^^^',
      'file.yaml:4:7  wait: 90 has no unit: write 90 and one of ms, s, m, h, d',
      '  4 | wait: 90',
      '    |       ^^',
    ].join('\n'),
  )
})

test('the caret stays under its place in long lines and behind tabs', async (t) => {
  const far = await reportOf(load, `{ title: "${'x'.repeat(200)}", wait: 90 }\n`)
  const [, excerpt = '', caret = ''] = far.split('\n')
  t.is(excerpt.slice(caret.indexOf('^'), caret.indexOf('^') + 2), '90')
  t.true(excerpt.length < 100)
  const tabbed = await reportOf(load, 'wait:\t\t90\u0007\n')
  const [, line = '', mark = ''] = tabbed.split('\n')
  t.is(line.slice(mark.indexOf('^')).startsWith('90'), true)
  t.false(/\p{Cc}/u.test(tabbed.replaceAll('\n', '')))
  t.false((await reportOf(load, '"\\u001b[2J": 1\n')).includes('\u001b'))
})

test(`a report spells out ${reportedMax} faults, and counts the others`, async (t) => {
  const text = Array.from({ length: 40 }, (_, index) => `unknown${index}: 1`).join('\n')
  const report = await reportOf(load, text)
  t.is(report.split('\n').length, reportedMax * 3 + 1)
  t.true(report.endsWith('and 15 more'))
})

test('the fault is config_invalid', async (t) => {
  await withFile('nothing: 1', (file) => {
    t.is(t.throws(() => load({ file }), { instanceOf: Fault })?.code, 'config_invalid')
  })
})

test('YAML that is not good is told in YAML words', async (t) => {
  t.deepEqual(await wrongs(load, 'title: [a, b\n'), [
    '2:1 flow sequence in block collection must be sufficiently indented and end with a ]',
  ])
  t.deepEqual(await wrongs(load, 'title: a\n\twait: 1s\n'), [
    '2:1 tabs are not allowed as indentation',
  ])
  t.deepEqual(await wrongs(load, 'title: *nobody\n'), [
    '1:8 no anchor &nobody stands before this alias',
  ])
  t.deepEqual(await wrongs(load, 'title: !secret x\n'), ['1:8 unresolved tag: !secret'])
  t.is((await wrongs(load, 'title: a\n---\ntitle: b\n')).length, 1)
  t.is((await wrongs(load, '%YAML 1.1\n---\ntitle: a\n')).length, 1)
})

test('a key appears once, is text, and is never __proto__', async (t) => {
  t.deepEqual(await wrongs(load, 'title: a\ntitle: b\n'), ['2:1 key "title" appears twice'])
  t.deepEqual(await wrongs(load, 'map: { a: 1, a: 2 }\n'), ['1:14 key "a" appears twice'])
  t.deepEqual(await wrongs(load, '? [a]\n: 1\n'), ['1:3 a key is one word of text'])
  t.deepEqual(await wrongs(load, 'map: { ~: 1 }\n'), ['1:8 a key is one word of text'])
  t.deepEqual(await wrongs(load, '<<: { title: a }\n'), [
    '1:1 unknown key "<<"; known here: title, wait, file, limits, list, map',
  ])
})

test('W8: keys of the prototype are keys like any other, and change nothing', async (t) => {
  for (const text of [
    '__proto__: { polluted: 1 }',
    'map: { __proto__: 1 }',
    'list: [{ __proto__: 1 }]',
  ]) {
    const [wrong = ''] = await wrongs(load, text)
    t.true(wrong.endsWith('"__proto__" cannot be a key'), wrong)
  }
  t.is((await wrongs(load, 'constructor: 1\ntoString: 1\n')).length, 2)
  const { value } = await loaded(load, 'map: { constructor: 1, valueof: 2 }')
  t.deepEqual({ ...value.map }, { constructor: 1, valueof: 2 })
  t.false('polluted' in {})
})

test('A5: nesting is bounded, whatever it is made of', async (t) => {
  const levels = depthMax - 1
  t.deepEqual(await wrongs(load, `list: ${'['.repeat(levels)}${']'.repeat(levels)}`), [])
  const [wrong] = await wrongs(load, `list: ${'['.repeat(levels + 2)}${']'.repeat(levels + 2)}`)
  t.is(wrong, `1:23 nested deeper than ${depthMax} levels`)
  for (const bomb of ['[', '{', '- ', '{a: ', '[[', '&a [', '? ', '"a": [']) {
    for (const times of [20, 5000]) {
      const text = `list: ${bomb === '- ' || bomb === '? ' ? '\n' : ''}${bomb.repeat(times)}`
      t.not((await wrongs(load, text.slice(0, fileBytesMax))).length, 0, `${bomb} ${times}`)
    }
  }
})

test('A5: an alias bomb is refused at once', async (t) => {
  const lines = ['list:', '  - &a0 [x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 10; level += 1) {
    const alias = `*a${level - 1}`
    lines.push(`  - &a${level} [${Array(9).fill(alias).join(', ')}]`)
  }
  const [wrong = '', ...others] = await wrongs(load, lines.join('\n'))
  t.true(wrong.endsWith(`more than ${nodesMax} values`), wrong)
  t.deepEqual(others, [])
  t.is((await wrongs(load, 'list: &a [*a]\n'))[0], `1:10 nested deeper than ${depthMax} levels`)
  t.is((await wrongs(load, 'list: &a [*a, *a, *a]\n')).length, 1)
  const flat = `list: [${Array(nodesMax).fill('1').join(',')}]`
  t.is((await wrongs(load, flat)).length, 1)
})

test('an honest alias stands for its value, and its faults for their place', async (t) => {
  const { value } = await loaded(load, 'list: [&x 7s, *x]\nwait: *x\n')
  t.deepEqual([value.list, value.wait], [['7s', '7s'], 7000])
  t.deepEqual(await wrongs(load, 'list: [&x 7]\nwait: *x\n'), [
    '1:11 wait: 7 has no unit: write 7 and one of ms, s, m, h, d',
  ])
})

test('A4: a file is bounded, and must be text', async (t) => {
  const comment = `# ${'x'.repeat(fileBytesMax - 3)}\n`
  t.deepEqual(await wrongs(load, comment), [])
  t.deepEqual(await wrongs(load, `${comment}#`), [`longer than ${fileBytesMax} bytes`])
  t.deepEqual(await wrongs(load, Uint8Array.of(0x61, 0xff, 0xfe)), ['this is not UTF-8 text'])
  const endless = t.throws(() => load({ file: '/dev/zero' }), { instanceOf: Fault })
  t.is(endless?.message, `/dev/zero  longer than ${fileBytesMax} bytes`)
})

test('a file that is not there is told apart from one that cannot be read', async (t) => {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'none.yaml')
  const absent = t.throws(() => load({ file }), { instanceOf: Fault })
  t.is(absent?.code, 'file_unreadable')
  t.is(absent?.message, `${file} is not there.  next: sallyport start`)
  await mkdir(file)
  const directory = t.throws(() => load({ file }), { instanceOf: Fault })
  t.is(directory?.message, `${file} is a folder`)
})

test('a flag counts before a variable, the file and the default', async (t) => {
  const env = { SALLYPORT_TITLE: 'variable', SALLYPORT_LIMITS_DEEP_MAX: '2' }
  const flags = { title: 'flag' }
  const title = async (text: string, over: object): Promise<unknown> =>
    (await loaded(load, text, over)).value.title
  t.is(await title('', {}), 'none')
  t.is(await title('title: file', {}), 'file')
  t.is(await title('title: file', { env }), 'variable')
  t.is(await title('title: file', { env, flags }), 'flag')
  t.is((await loaded(load, 'limits: {}', { env })).value.limits.deepMax, 2)
})

test('a wrong flag or variable is named, and so is a misspelt one', async (t) => {
  const env = { SALLYPORT_WAIT: '90', SALLYPORT_TITEL: 'x', SALLYPORT_LIMITS_DEEP_MAX: 'many' }
  t.deepEqual(await wrongs(load, 'wait: 1s', { env, flags: { file: '', unknown: 'x' } }), [
    'SALLYPORT_TITEL there is no such variable; did you mean "SALLYPORT_TITLE"?',
    'unknown there is no such option',
    'SALLYPORT_WAIT wait: 90 has no unit: write 90 and one of ms, s, m, h, d',
    '--file file: a path is missing',
    'SALLYPORT_LIMITS_DEEP_MAX limits.deepMax: the text "many" stands where a number is expected',
  ])
})

test('variables of others are left alone, such as those that Kubernetes sets', async (t) => {
  const env = {
    SALLYPORT_PORT: 'tcp://10.0.0.1:443',
    SALLYPORT_SERVICE_HOST: '10.0.0.1',
    SALLYPORT_PORT_443_TCP_ADDR: '10.0.0.1',
    TITLE: 'x',
    sallyport_title: 'x',
  }
  t.is((await loaded(load, 'title: mine', { env })).value.title, 'mine')
})

test('what only the whole can show comes at its place, or at its flag', async (t) => {
  t.deepEqual(await wrongs(load, '\ntitle: bad'), ['2:8 title: bad on line 2'])
  const flags = { title: 'bad' }
  t.deepEqual(await wrongs(load, 'title: x', { flags }), ['--title title: bad on line undefined'])
  t.deepEqual(await wrongs(load, 'title: bad\nwait: 1'), [
    '2:7 wait: 1 has no unit: write 1 and one of ms, s, m, h, d',
  ])
})

test('what is in force says where each value comes from', async (t) => {
  const { origin } = await loaded(load, 'title: a\nlist: [1]\n', {
    env: { SALLYPORT_WAIT: '7s' },
    flags: { 'limits.deepMax': '1' },
  })
  t.is(
    describeEffective({ origin }),
    [
      'title: a # file.yaml:1',
      'wait: 7s # SALLYPORT_WAIT',
      'file: a.pem # default',
      'limits:',
      '  deepMax: 1 # --limits-deep-max',
      '# file.yaml:2',
      'list:',
      '  - 1',
      '# default',
      'map: {}',
      '',
    ].join('\n'),
  )
})

test('A5: the largest file of brackets is refused', async (t) => {
  t.not((await wrongs(load, '['.repeat(fileBytesMax))).length, 0)
})

test('any text is loaded or refused at a place; nothing else is thrown', async (t) => {
  const pieces = [
    'title',
    'wait',
    ': ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    ',',
    '\n',
    '  ',
    '&a ',
    '*a',
    '"',
  ]
  const text = fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 4 })), {
    maxLength: 30,
  })
  await withFile('', (file) =>
    fc.assert(
      fc.property(text, (parts) => {
        writeFileSync(file, parts.join(''))
        try {
          load({ file })
        } catch (error) {
          t.true(error instanceof ConfigFault && error.diagnostics.length > 0, String(error))
        }
      }),
      { numRuns: 500 },
    ),
  )
  t.pass()
})
