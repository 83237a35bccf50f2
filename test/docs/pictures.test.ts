/** Tests the pictures of the documents: each is shown, in light and in dark, and none is heavy. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { repository } from '../support/sources.ts'

const folder = join(repository, 'docs', 'pictures')
const bytesMax = 150_000

test('each picture is shown, there is one for each colour scheme, and none is heavy', async (t) => {
  const readme = await readFile(join(repository, 'README.md'), 'utf8')
  const shown = [...readme.matchAll(/docs\/pictures\/([\w-]+\.png)/g)].map(([, name]) => name)
  const files = (await readdir(folder)).sort()
  t.deepEqual(files, ['path-dark.png', 'path-light.png', 'todo-dark.png', 'todo-light.png'])
  t.deepEqual([...new Set(shown)].sort(), files)
  for (const name of files) {
    const bytes = await readFile(join(folder, name))
    t.is(bytes.subarray(1, 4).toString('latin1'), 'PNG', name)
    t.true(bytes.length < bytesMax, `${name} has ${bytes.length} bytes`)
  }
})
