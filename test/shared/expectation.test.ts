/** Expectations are parsed, run and answered with both sides and their lines. */
import test from 'ava'
import {
  checkExpectations,
  describeRule,
  type Expectation,
  parseExpectation,
} from '../../shared/expectation.ts'
import { parsePolicy } from '../../shared/policy.ts'

const policy = parsePolicy([
  { rule: 'apps', from: ['10.0.0.0/16', 'client/crm'], to: ['plant-1/mqtt'], line: 12 },
  { rule: 'crm', from: ['client/crm'], to: ['plant-1/mqtt', 'plant-1/ldap'], line: 16 },
  { rule: 'other', from: ['agent/a'], to: ['plant-2/mqtt'], line: 19 },
])

test('an expectation is a verdict, one requester and one service', (t) => {
  t.deepEqual(parseExpectation('allow client/crm -> plant-1/mqtt', 7), {
    verdict: 'allow',
    request: { from: { identity: 'client/crm' }, to: 'plant-1/mqtt' },
    text: 'allow client/crm -> plant-1/mqtt',
    line: 7,
  })
  t.like(parseExpectation('deny ::ffff:10.9.9.9 -> plant-1/mqtt'), {
    verdict: 'deny',
    request: { from: { address: '::ffff:10.9.9.9' }, to: 'plant-1/mqtt' },
  })
})

test('anything else is not an expectation', (t) => {
  const wrong = [
    '',
    'allow',
    'permit client/crm -> plant-1/mqtt',
    'Allow client/crm -> plant-1/mqtt',
    'allow client/crm => plant-1/mqtt',
    'allow client/crm->plant-1/mqtt',
    'allow  client/crm -> plant-1/mqtt',
    'allow client/crm -> plant-1/mqtt at sun 12:00',
    'allow client/crm -> plant-1',
    'allow crm -> plant-1/mqtt',
    'allow relay/r -> plant-1/mqtt',
    'allow 10.0.0.0/8 -> plant-1/mqtt',
    'allow 127.1 -> plant-1/mqtt',
    'allow client/crm -> plant-1/mqtt\n',
  ]
  for (const text of wrong) t.is(parseExpectation(text), undefined, text)
})

test('expectations that hold say nothing', (t) => {
  const { unmet } = checkExpectations(policy, [
    expectation('allow client/crm -> plant-1/mqtt'),
    expectation('allow 10.0.3.4 -> plant-1/mqtt'),
    expectation('deny 10.9.9.9 -> plant-1/mqtt'),
    expectation('deny client/crm -> plant-9/nothing'),
  ])
  t.deepEqual(unmet, [])
})

test('a failure names both sides with their lines', (t) => {
  const wrong = [
    expectation('deny 10.0.0.9 -> plant-1/mqtt', 22),
    expectation('allow 10.9.9.9 -> plant-1/mqtt', 23),
    expectation('allow client/crm -> plant-1/ssh', 24),
  ]
  const { unmet } = checkExpectations(policy, wrong)
  t.deepEqual(
    unmet.map(({ expectation: { line }, says }) => [line, says]),
    [
      [22, 'expected deny, rule 1 (line 12) allows it'],
      [
        23,
        'expected allow, no rule allows 10.9.9.9 to reach plant-1/mqtt; ' +
          'nearest is rule 1 (line 12), from 10.0.0.0/16',
      ],
      [24, 'expected allow, no rule names plant-1/ssh'],
    ],
  )
  t.is(describeRule({ rule: 'apps', number: 1 }), 'rule 1')
})

test('a rule is needed when taking it away would break an expectation', (t) => {
  // Both rules 1 and 2 allow the first; a denial needs no rule.
  const shared = [
    expectation('allow client/crm -> plant-1/mqtt'),
    expectation('deny agent/a -> plant-1/mqtt'),
  ]
  t.deepEqual(unneeded(shared), [1, 2, 3])
  t.deepEqual(unneeded([...shared, expectation('allow 10.0.0.1 -> plant-1/mqtt')]), [2, 3])
  t.deepEqual(unneeded([...shared, expectation('allow client/crm -> plant-1/ldap')]), [1, 3])
})

function unneeded(expectations: readonly Expectation[]): readonly number[] {
  return checkExpectations(policy, expectations).unneeded.map(({ number }) => number)
}

function expectation(text: string, line?: number): Expectation {
  const parsed = parseExpectation(text, line)
  if (parsed === undefined) throw new Error(text)
  return parsed
}
