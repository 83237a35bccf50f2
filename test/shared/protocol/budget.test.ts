/** The budget: over it every holder falls back to its guaranteed minimum, and to no less. */
import test from 'ava'
import { Budget } from '../../../shared/protocol/budget.ts'

test('a holder may keep what it wishes while the budget lasts, and the minimum after', (t) => {
  const budget = new Budget(1_000, 100)
  t.is(budget.share(5_000), 5_000)
  budget.charge(999)
  t.is(budget.share(5_000), 5_000)
  budget.charge(1)
  t.is(budget.share(5_000), 100)
  t.is(budget.share(40), 40)
  budget.charge(-1)
  t.is(budget.share(5_000), 5_000)
})

test('what is given back was charged before', (t) => {
  const budget = new Budget(1_000, 100)
  budget.charge(10)
  budget.charge(-10)
  t.is(budget.used, 0)
  t.throws(() => budget.charge(-1))
})
