/** Tests the closed list of a page's modules. */
import test from 'ava'
import { libraries, readModules } from '../../../demo/web/modules.ts'

test('the list is what the entry reaches, and holds no types', async (t) => {
  const { texts, imports } = await readModules('demo/path/page/main.ts', '/path')
  const paths = [...texts.keys()]
  t.true(paths.includes('/path/source/demo/path/page/main.ts'))
  t.true(paths.includes('/path/source/demo/todo/page/element.ts'))
  t.true(paths.every((path) => /^\/path\/source\/demo\/(?:path|todo)\/page\//.test(path)))
  t.deepEqual(imports, {})
  const script = texts.get('/path/source/demo/path/page/number.ts') ?? ''
  t.notRegex(script, /: (?:number|string)\b/)
  const place = await import('node:fs/promises')
  const source = await place.readFile(new URL('../../../demo/path/page/number.ts', import.meta.url))
  t.is(script.length, source.toString().length, 'a place in one is the same place in the other')
})

test('what leads out of the pages, or to no library of theirs, is refused', async (t) => {
  await t.throwsAsync(readModules('demo/ports.ts'), { message: /pages have no "node:\w+"/ })
  await t.throwsAsync(readModules('demo/certificates.ts'), { message: /leads out|pages have no/ })
  await t.throwsAsync(readModules('demo/nothing.ts'), { code: 'ENOENT' })
})

test('every library that pages may have is installed', async (t) => {
  for (const file of Object.values(libraries)) t.notThrows(() => import.meta.resolve(`./${file}`))
  const { texts, imports } = await readModules('demo/todo/page/settings.ts')
  t.is(imports.zod, '/library/zod/index.js')
  t.true([...texts.keys()].some((path) => path.startsWith('/library/zod/v4/core/')))
})
