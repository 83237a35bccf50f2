/**
 * Where mutants are made and hunted: a copy of the core and of the simulation, with one rule
 * switched off, run in a process of its own until a seed fails.
 *
 * Invariant: the product's own files are never touched, and the copy goes when the hunt is over.
 */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { repository } from '../support/sources.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { WorkerProcess } from './crew.ts'
import type { Mutant } from './mutants/mutant.ts'
import { type Failure, runBatch } from './worker.ts'

/** What the simulation consists of, and all that it is about. */
const copied = ['shared', 'relay/switch', 'relay/admission.ts', 'test/simulation']

/** Seeds between two looks at the result. */
const batchSeeds = 10

/** Hunts a mutant from its first seed on; undefined when it survives this many seeds. */
export async function hunt(mutant: Mutant, seeds: number): Promise<Failure | undefined> {
  await using folder = await temporaryFolder()
  for (const path of copied) {
    await cp(join(repository, path), join(folder.path, path), { recursive: true })
  }
  // Without it Node.js would have to guess what kind of modules these are.
  await writeFile(join(folder.path, 'package.json'), '{ "type": "module" }\n')
  const file = join(folder.path, mutant.file)
  await writeFile(file, mutated(mutant, await readFile(file, 'utf8')))
  using worker = new WorkerProcess(join(folder.path, 'test', 'simulation'))
  const { from = 1 } = mutant
  for (let first = from; first < from + seeds; first += batchSeeds) {
    const count = Math.min(batchSeeds, from + seeds - first)
    const { failure } = await worker.run({ first, count })
    if (failure === undefined) continue
    checkSound(failure)
    return failure
  }
  return undefined
}

/** A seed that fails by itself has found out nothing. */
function checkSound({ seed, message }: Failure): void {
  if (runBatch({ first: seed, count: 1 }).failure === undefined) return
  throw new Error(`seed ${seed} fails without the mutant too: ${message}`)
}

/** The text with the rule switched off. Throws when it does not stand there exactly once. */
export function mutated({ rule, file, find, replace }: Mutant, text: string): string {
  const parts = text.split(find)
  if (parts.length !== 2) {
    const times = parts.length - 1
    throw new Error(`${file}: the text of "${rule}" stands there ${times} times, not once`)
  }
  return parts.join(replace)
}
