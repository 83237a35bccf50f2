/**
 * Holds the documents against the code: links lead somewhere, and what is said of a limit or a
 * constant is what stands there.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import test from 'ava'
import { agentSchema } from '../../agent/config.ts'
import { relaySchema } from '../../relay/config.ts'
import { anchorsOf, linksOf } from '../support/markdown.ts'
import { repository, textFiles } from '../support/sources.ts'

const pages = textFiles().filter(({ path }) => path.endsWith('.md'))
const threats = textOf('docs/threats.md')

test('every link in the documents leads to a file, and every anchor to a heading', (t) => {
  const dead = pages.flatMap(({ path, text }) =>
    linksOf(text)
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => !leadsSomewhere(path, target))
      .map((target) => `${path}: ${target}`),
  )
  t.deepEqual(dead, [])
})

for (const [title, schema] of [
  ['relay.yaml', relaySchema()],
  ['agent.yaml', agentSchema()],
] as const) {
  test(`docs/threats.md has each limit of ${title} with its default, and no other`, (t) => {
    const limits = Object.entries(schema.properties?.limits?.properties ?? {})
    const wanted = limits.map(([name, { default: value }]) => [name, String(value)])
    t.deepEqual(limitTable(title), wanted)
  })
}

test('each constant in docs/threats.md has the value that it has in its source', (t) => {
  const rows = [
    ...threats.matchAll(/^\| `(\w+)` \| \[([\w/.-]+)\]\(\.\.\/[\w/.-]+\) \| ([\d,]+) \|/gm),
  ]
  t.true(rows.length > 30)
  for (const [, name = '', path = '', value = ''] of rows) {
    const source = readFileSync(join(repository, path), 'utf8')
    const [, written = ''] =
      new RegExp(`\\b${name}(?:: number)?(?: =|:) ([\\d_ *]+)`).exec(source) ?? []
    t.is(product(written), Number(value.replaceAll(',', '')), `${name} in ${path}`)
  }
})

/** The names and defaults in the table of this file's limits. */
function limitTable(file: string): readonly (readonly string[])[] {
  const [, section = ''] = threats.split(`### In ${file}\n`)
  const [table = ''] = section.split('\n### ')
  const rows = table.matchAll(/^\| `(\w+)` \| `(\w+)` \|/gm)
  return [...rows].map(([, name = '', value = '']) => [name, value])
}

function leadsSomewhere(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? page : normalize(join(dirname(page), path))
  if (!existsSync(join(repository, file))) return false
  return anchor === undefined || anchorsOf(textOf(file)).has(anchor)
}

function textOf(path: string): string {
  return readFileSync(join(repository, path), 'utf8')
}

/** `16 * 1_024` as a number. */
function product(written: string): number {
  return written.split('*').reduce((all, factor) => all * Number(factor.replaceAll('_', '')), 1)
}
