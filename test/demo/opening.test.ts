/** Tests that an address reaches what opens it as it is, and that nothing need be there for it. */
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import test from 'ava'
import { openInBrowser } from '../../demo/opening.ts'
import { temporaryFolder } from '../support/temporary.ts'

const program = process.platform === 'darwin' ? 'open' : 'xdg-open'
const url = 'http://localhost:3000/$(id);&"\''

test.serial('the address is one argument, whatever is in it', async (t) => {
  await using folder = await temporaryFolder()
  const opener = join(folder.path, program)
  const told = join(folder.path, 'told')
  await writeFile(
    opener,
    `#!/bin/sh\nprintf '%s' "$1" > '${told}.new'\nmv '${told}.new' '${told}'\n`,
  )
  await chmod(opener, 0o755)
  const path = process.env.PATH
  process.env.PATH = `${folder.path}:${path}`
  try {
    t.true(await openInBrowser(url))
    t.is(await eventually(told), url)
  } finally {
    process.env.PATH = path
  }
})

test.serial('where there is nothing to open it with, the answer is no', async (t) => {
  await using folder = await temporaryFolder()
  const path = process.env.PATH
  process.env.PATH = folder.path
  try {
    t.false(await openInBrowser(url))
  } finally {
    process.env.PATH = path
  }
})

async function eventually(file: string): Promise<string> {
  for (let tries = 0; tries < 500; tries += 1) {
    const text = await readFile(file, 'utf8').catch(() => undefined)
    if (text !== undefined) return text
    await pause(20)
  }
  throw new Error(`${file} did not come`)
}
