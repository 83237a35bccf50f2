/**
 * Each rule of the protocol, switched off, is missed: the simulation finds it out within the
 * seeds that are written beside it. `npm run mutants` hunts all of them, over 2,000 seeds each.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { repository } from '../support/sources.ts'
import { hunt, mutated } from './laboratory.ts'
import { mutants, seedsMax } from './mutants.ts'

test('each mutant is a change of its file, and has its bound', async (t) => {
  for (const mutant of mutants) {
    const text = await readFile(join(repository, mutant.file), 'utf8')
    t.not(mutated(mutant, text), text, mutant.rule)
    t.true(mutant.within <= seedsMax, mutant.rule)
  }
})

for (const mutant of mutants) {
  const { rule, within } = mutant
  test.serial(`it is found out when this is not so: ${rule}`, async (t) => {
    t.timeout(240_000)
    const failure = await hunt(mutant, within)
    t.not(failure, undefined, `nothing went wrong in ${within} worlds`)
  })
}
