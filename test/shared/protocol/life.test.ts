/** The table of an end's life: what must be true of every row of it. */
import test from 'ava'
import { type LifeEvent, life, type Phase, phaseAfter } from '../../../shared/protocol/life.ts'

const phases = Object.keys(life) as Phase[]

/** All phases that some row of events leads to from here. */
function reachable(from: Phase): ReadonlySet<Phase> {
  const seen = new Set<Phase>([from])
  for (const phase of seen) {
    for (const next of Object.values(life[phase])) seen.add(next)
  }
  return seen
}

test('from every phase there is a way to the end', (t) => {
  for (const phase of phases) t.true(reachable(phase).has('closed'), phase)
})

test('an opener and an acceptor come through every phase that is theirs', (t) => {
  const shared = ['open', 'aborting', 'aborted', 'lingering', 'closed']
  t.deepEqual([...reachable('opening')].sort(), ['opening', ...shared].sort())
  t.deepEqual([...reachable('dialling')].sort(), ['dialling', ...shared].sort())
})

test('nothing leads out of closed, and nothing back to a beginning', (t) => {
  t.deepEqual(life.closed, {})
  for (const phase of phases) {
    const next = Object.values(life[phase])
    t.false(next.includes('opening') || next.includes('dialling'), phase)
  }
})

test('a reset, and time, lead on from every phase but closed', (t) => {
  const living = phases.filter((phase) => phase !== 'closed')
  for (const phase of living) {
    t.is(phaseAfter(phase, 'reset'), 'closed')
    t.truthy(phaseAfter(phase, 'expired'), phase)
  }
})

test('only REFUSE of what lives, and never ACCEPT, is heard behind the opening', (t) => {
  const hearing = (event: LifeEvent) => phases.filter((phase) => phaseAfter(phase, event))
  t.deepEqual(hearing('accepted'), ['opening'])
  t.deepEqual(hearing('connected'), ['dialling'])
  t.deepEqual(hearing('refused'), ['opening', 'open', 'aborting', 'aborted', 'lingering'])
})

test('rule 9: VOID ends a lingering end alone', (t) => {
  t.deepEqual(
    phases.filter((phase) => phaseAfter(phase, 'voided')),
    ['lingering'],
  )
})

test('what a phase does not list leaves it as it is', (t) => {
  t.is(phaseAfter('opening', 'done'), undefined)
  t.is(phaseAfter('closed', 'reset'), undefined)
})
