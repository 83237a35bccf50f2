/**
 * Runs seeds on a copy of the core in which one rule is switched off.
 *
 * Invariant: the repository itself is never touched; the copy lies in a folder of its own and is
 * removed, whatever happens.
 */
import { execFile } from 'node:child_process'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { repository } from '../support/sources.ts'
import { temporaryFolder } from '../support/temporary.ts'
import type { Mutant } from './mutants.ts'

/** What the simulation is made of. */
const rooms = ['shared', 'relay', 'test/simulation', 'package.json'] as const

/** The first seed on which the mutant fails, or undefined when it survives all of them. */
export async function firstFailure(mutant: Mutant, seeds: number): Promise<number | undefined> {
  await using folder = await temporaryFolder()
  for (const room of rooms) {
    await cp(join(repository, room), join(folder.path, room), { recursive: true })
  }
  await patch(join(folder.path, mutant.file), mutant)
  const script = `
    const { runWorld } = await import('./test/simulation/run.ts')
    for (let seed = 1; seed <= ${seeds}; seed += 1) {
      try {
        runWorld(seed)
      } catch {
        console.log(seed)
        break
      }
    }`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', script],
    { cwd: folder.path, timeout: 300_000 },
  )
  return stdout === '' ? undefined : Number(stdout)
}

/** Switches the rule off. Throws when its text is not there exactly once. */
async function patch(path: string, { find, replace, rule }: Mutant): Promise<void> {
  const text = await readFile(path, 'utf8')
  const places = text.split(find).length - 1
  if (places !== 1) throw new Error(`"${rule}": its text stands ${places} times in ${path}`)
  await writeFile(
    path,
    text.replace(find, () => replace),
  )
}
