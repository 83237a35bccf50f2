/** Tests of the scanner: what it blanks, what it keeps, and which imports it sees. */
import test from 'ava'
import { codeOf, importsOf, linesMatching } from './scan.ts'

test('blanks comments, strings and expressions, and keeps lengths and line breaks', (t) => {
  const source = [
    'const a = "Date" // Date',
    "/* Date\n Date */ const b = 'it\\'s Date'",
    'const c = /[/"]Date/g.test(a) ? a / b / c : 1',
    `const d = \`Date \${Math.max(1, \`\${a} Date\`.length)} Date\``,
  ].join('\n')
  const code = codeOf(source)
  t.is(code.length, source.length)
  t.deepEqual(linesMatching(code, /Date/), [])
  t.regex(code, /const b = '/)
  t.regex(code, /\? a \/ b \/ c : 1/)
  t.regex(code, /\$\{Math\.max\(1, `\$\{a\}/)
})

test('keeps the code that stands in the hole of a template', (t) => {
  t.regex(codeOf(`const late = \`at \${Date.now()}, { really }\``), /\$\{Date\.now\(\)\}/)
})

test('sees each form of an import, and none in a comment or a string', (t) => {
  const source = [
    "import one from './one.ts'",
    "import {\n  two,\n  type Three,\n} from '../two.ts'",
    "import './effect.ts'",
    "export { four } from './four.ts'",
    "export type * from './five.ts'",
    "const six = await import('./six.ts')",
    "// import no from './no.ts'",
    'const text = "import no from \'./no.ts\'"',
    "export const from = 'nowhere'",
  ].join('\n')
  t.deepEqual(importsOf(source), [
    './one.ts',
    '../two.ts',
    './effect.ts',
    './four.ts',
    './five.ts',
    './six.ts',
  ])
})

test('numbers the lines that match from 1', (t) => {
  t.deepEqual(linesMatching('no\nyes\nno\nyes', /yes/), [2, 4])
})
