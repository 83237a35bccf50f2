/**
 * Each rule of the protocol, switched off, is missed: the simulation finds it out within the
 * seeds that are written beside it. `npm run mutants` hunts all of them, over 2,000 seeds each.
 */
import test from 'ava'
import { hunt } from './laboratory.ts'
import { mutants } from './mutants.ts'

for (const mutant of mutants) {
  const { rule, within } = mutant
  if (within === undefined || within >= 500) continue
  test.serial(`it is found out when this is not so: ${rule}`, async (t) => {
    t.timeout(240_000)
    const failure = await hunt(mutant, within)
    t.not(failure, undefined, `nothing went wrong in ${within} worlds`)
  })
}
