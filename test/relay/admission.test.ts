/** Admission: who is asked about, what is let in, and how many at once. */
import test from 'ava'
import { Admission, type Admitted, type Decision } from '../../relay/admission.ts'
import { parsePolicy } from '../../shared/policy.ts'
import { attributeTags, type FrameOf } from '../../shared/protocol/frame.ts'
import { openFrame } from '../support/lone.ts'

const policy = parsePolicy([
  {
    rule: 'apps',
    from: ['10.0.0.0/8', 'client/app'],
    to: ['plant-1/mqtt'],
    limits: { streams: 2 },
  },
  { rule: 'crm', from: ['agent/crm-1'], to: ['plant-1/mqtt', 'plant-1/sql'] },
])

const source = (address: string) => ({
  tag: attributeTags.source,
  value: new TextEncoder().encode(address),
})
const decide = (change: Partial<FrameOf<'open'>>, admission = new Admission(policy)): Decision =>
  admission.decide(openFrame(change))

function admitted(decision: Decision): Admitted {
  if (!decision.admitted) throw new Error(`denied: ${decision.reason}`)
  return decision
}

/** Who asks, as the switch says it, for what; and the outcome. */
const decisions: readonly (readonly [string, Partial<FrameOf<'open'>>, string])[] = [
  ['an agent, by its certificate', { from: 'agent/crm-1' }, 'admitted'],
  ['an agent that no rule names', { from: 'agent/crm-2' }, 'denied_by_policy'],
  [
    'P2: an agent that claims an address which is allowed',
    { from: 'agent/crm-2', attributes: [source('10.0.0.1')] },
    'denied_by_policy',
  ],
  ['a client, by its certificate', { from: 'client/app' }, 'admitted'],
  ['a client that no rule names', { from: 'client/other' }, 'denied_by_policy'],
  [
    'a client that no rule names, at an address which is allowed',
    { from: 'client/other', attributes: [source('10.0.0.1')] },
    'admitted',
  ],
  ['an address', { from: 'address/x', attributes: [source('10.9.9.9')] }, 'admitted'],
  ['another address', { from: 'address/x', attributes: [source('11.0.0.1')] }, 'denied_by_policy'],
  [
    'S3: the same address mapped',
    { from: '', attributes: [source('::ffff:10.0.0.1')] },
    'admitted',
  ],
  ['S3: an address that is none', { from: '', attributes: [source('10.1')] }, 'denied_by_policy'],
  ['an empty address', { from: '', attributes: [source('')] }, 'denied_by_policy'],
  ['nobody', { from: '' }, 'denied_by_policy'],
  ['P3: a prefix of an identity', { from: 'agent/crm-' }, 'denied_by_policy'],
  ['P3: an identity and more', { from: 'agent/crm-1/x' }, 'denied_by_policy'],
  ['P4: another case', { from: 'agent/CRM-1' }, 'denied_by_policy'],
  [
    'a service that is not exposed to it',
    { from: 'client/app', to: 'plant-1/sql' },
    'denied_by_policy',
  ],
  ['a service of another agent', { from: 'agent/crm-1', to: 'plant-2/mqtt' }, 'denied_by_policy'],
  ['no service', { from: 'agent/crm-1', to: 'plant-1' }, 'unknown_service'],
  ['P3: a path', { from: 'agent/crm-1', to: 'plant-1/../sql' }, 'unknown_service'],
  ['P3: a pattern', { from: 'agent/crm-1', to: 'plant-1/*' }, 'unknown_service'],
  ['an empty name', { from: 'agent/crm-1', to: '' }, 'unknown_service'],
]

for (const [title, change, expected] of decisions) {
  test(`${title}: ${expected}`, (t) => {
    const decision = decide(change)
    t.is(decision.admitted ? 'admitted' : decision.code, expected)
    if (!decision.admitted) t.true(decision.reason.length > 0, 'the log needs a reason')
  })
}

test('law 6: what is admitted says the agent and the service that were decided on', (t) => {
  const decision = admitted(decide({ from: 'agent/crm-1', to: 'plant-1/sql' }))
  t.deepEqual([decision.agent, decision.service], ['agent/plant-1', 'sql'])
  t.is(decision.allowed.rule.rule, 'crm')
})

test('law 6: an Admitted that admission did not make does not type-check', (t) => {
  const honest = admitted(decide({ from: 'agent/crm-1' }))
  const { agent, service, allowed } = honest
  // @ts-expect-error the mark of a decision is missing
  const forged: Admitted = { admitted: true, agent, service, allowed }
  t.truthy(forged)
})

test('a rule lets in so many streams at once, and no stream of another rule counts', (t) => {
  const admission = new Admission(policy)
  const enter = (from: string) => {
    const decision = decide({ from }, admission)
    if (decision.admitted) admission.entered(decision)
    return decision
  }
  const first = admitted(enter('client/app'))
  admitted(enter('client/app'))
  const third = enter('client/app')
  t.is(third.admitted ? '' : third.code, 'overloaded')
  t.regex(third.admitted ? '' : third.reason, /rule 1 "apps" allows 2 streams/)
  for (let count = 0; count < 10; count += 1) admitted(enter('agent/crm-1'))
  admission.left(first)
  admitted(enter('client/app'))
})

test('a stream that lives is judged by the policy of now, not by how many there are', (t) => {
  const admission = new Admission(policy)
  const lives = admitted(decide({ from: 'client/app' }, admission))
  admission.entered(lives)
  admission.entered(lives)
  t.true(admission.reconsider(lives).admitted)
  admission.replace(parsePolicy([{ rule: 'crm', from: ['agent/crm-1'], to: ['plant-1/mqtt'] }]))
  const later = admission.reconsider(lives)
  t.is(later.admitted ? '' : later.code, 'denied_by_policy')
})

test('A4: a policy of no rules denies everything', (t) => {
  const decision = decide({ from: 'agent/crm-1' }, new Admission(parsePolicy([])))
  t.is(decision.admitted ? '' : decision.code, 'denied_by_policy')
})
