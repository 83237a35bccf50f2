/** Tests of temporary folders. */
import { existsSync } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { temporaryFolder } from './temporary.ts'

test('a temporary folder is private, and goes with what is in it', async (t) => {
  const folder = await temporaryFolder()
  t.is((await stat(folder.path)).mode & 0o777, 0o700)
  await writeFile(join(folder.path, 'file'), 'text')
  await folder[Symbol.asyncDispose]()
  t.false(existsSync(folder.path))
})
