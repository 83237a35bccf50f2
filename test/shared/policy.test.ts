/** Holds the decision against a slow, independent policy, and against names that fooled others. */
import test from 'ava'
import fc from 'fast-check'
import {
  type Allowed,
  type Denied,
  decide,
  denyAll,
  matchingRules,
  type PolicyRequest,
  parsePolicy,
  parseSubject,
  type RuleText,
} from '../../shared/policy.ts'
import { Fault } from '../../shared/protocol/fault.ts'
import { allowsSlowly } from '../support/slow-policy.ts'

const example: readonly RuleText[] = [
  {
    rule: 'apps use the broker',
    from: ['10.0.0.0/16', 'client/crm'],
    to: ['plant-1/mqtt'],
    limits: { streams: 200 },
    line: 12,
  },
  { rule: 'the CRM asks the directory', from: ['agent/crm-1'], to: ['plant-1/ldap'], line: 16 },
]
const policy = parsePolicy(example)

test('what no rule allows is denied: an empty policy denies everything', (t) => {
  const requests: readonly PolicyRequest[] = [
    { from: { identity: 'agent/plant-1', address: '127.0.0.1' }, to: 'plant-1/mqtt' },
    { from: {}, to: 'plant-1/mqtt' },
    { from: {}, to: '' },
  ]
  for (const request of requests) {
    t.false(decide(denyAll, request).allowed)
    t.false(decide(parsePolicy([]), request).allowed)
  }
})

test('an allowed request carries its rule, its limits and what was decided', (t) => {
  const request = { from: { address: '10.0.255.255' }, to: 'plant-1/mqtt' }
  const decision = allowed(request)
  t.deepEqual(decision.rule, { rule: 'apps use the broker', number: 1, line: 12 })
  t.deepEqual(decision.limits, { streams: 200 })
  t.deepEqual(decision.request, request)
  t.not(decision.request, request)
  t.is(allowed({ from: { identity: 'agent/crm-1' }, to: 'plant-1/ldap' }).limits.streams, undefined)
})

test('only the policy makes an Allowed: a look-alike does not type-check', (t) => {
  const honest = allowed({ from: { identity: 'client/crm' }, to: 'plant-1/mqtt' })
  const { allowed: yes, request, rule, limits } = honest
  // @ts-expect-error the mark of a decision is missing
  const forged: Allowed = { allowed: yes, request, rule, limits }
  t.notDeepEqual(Object.getOwnPropertySymbols(honest), Object.getOwnPropertySymbols(forged))
})

test('identity and address each suffice, and neither stands in for the other', (t) => {
  t.true(decide(policy, asking('client/crm', '203.0.113.1')).allowed)
  t.true(decide(policy, asking('client/other', '10.0.0.1')).allowed)
  t.false(decide(policy, asking('client/other', '203.0.113.1')).allowed)
  t.false(decide(policy, asking('10.0.0.1', undefined)).allowed)
  t.false(decide(policy, asking(undefined, 'client/crm')).allowed)
})

test('a denial says who wanted what, and names the nearest rule', (t) => {
  const denial = denied(asking(undefined, '10.4.0.9'))
  t.is(denial.reason, 'no rule allows 10.4.0.9 to reach plant-1/mqtt')
  t.deepEqual(denial.nearest, {
    rule: 'apps use the broker',
    number: 1,
    line: 12,
    from: '10.0.0.0/16',
  })
  t.is(denied(asking('client/crn', undefined)).nearest?.from, 'client/crm')
  t.is(denied(asking('client/x', '10.1.0.1')).reason.includes('client/x at 10.1.0.1'), true)
})

test('the nearest rule is the one that shares the most', (t) => {
  const many = parsePolicy([
    { rule: 'far', from: ['192.168.0.0/16'], to: ['plant-1/mqtt'] },
    { rule: 'near', from: ['fd00::/8', '10.4.0.0/24'], to: ['plant-1/mqtt'] },
    { rule: 'elsewhere', from: ['10.4.1.9'], to: ['plant-2/mqtt'] },
  ])
  const decision = decide(many, asking(undefined, '10.4.1.9'))
  t.like(decision, { allowed: false, nearest: { rule: 'near', number: 2, from: '10.4.0.0/24' } })
})

test('a service that no rule names has no nearest rule', (t) => {
  const denial = denied({ from: { address: '10.0.0.1' }, to: 'plant-1/ssh' })
  t.deepEqual(denial, { allowed: false, reason: 'no rule names plant-1/ssh' })
  t.is(
    denied(asking(undefined, undefined)).reason,
    'who asks for plant-1/mqtt has no identity and no address',
  )
})

test('a reason never repeats what is not well formed', (t) => {
  for (const hostile of ['plant-1/mqtt\r\nok', '\u001b[2J', 'a'.repeat(100_000), 'x/y/z', '']) {
    const service = denied({ from: { address: '1.1.1.1' }, to: hostile })
    t.is(service.reason, 'what was asked for is no service name')
    const reason = denied(asking(hostile, hostile)).reason
    t.is(reason, 'who asks for plant-1/mqtt has no identity and no address')
  }
})

test('where several rules allow, the widest limit speaks, whatever the order', (t) => {
  const rules: readonly RuleText[] = [
    { rule: 'few', from: ['client/crm'], to: ['plant-1/mqtt'], limits: { streams: 5 } },
    { rule: 'many', from: ['10.0.0.0/8'], to: ['plant-1/mqtt'], limits: { streams: 50 } },
    { rule: 'unlimited', from: ['agent/crm'], to: ['plant-1/mqtt'] },
  ]
  for (const order of [rules, rules.toReversed()]) {
    const ordered = parsePolicy(order)
    const request = asking('client/crm', '10.0.0.1')
    t.like(decide(ordered, request), { rule: { rule: 'many' }, limits: { streams: 50 } })
    t.deepEqual(
      matchingRules(ordered, request).map(({ rule }) => rule),
      ['many', 'few'],
    )
    t.like(decide(ordered, asking('agent/crm', '10.0.0.1')), { rule: { rule: 'unlimited' } })
  }
})

test('P3, P4, P5: a name is never a pattern, a prefix or a suffix of another', (t) => {
  const base = 'plant-1/mqtt'
  const metacharacters = '.*?+^$|()[]{}\\/"\'`%#@&;:,=<>~! \t\r\n\0\u2028'
    .split('')
    .concat('*.*', '.*', '%00')
  const variants = metacharacters.flatMap((mark) => [
    `${base}${mark}`,
    `${mark}${base}`,
    base.replace('-', mark),
    base.replace('/', mark),
    base.replace('mqtt', mark),
    mark,
  ])
  const others = ['plant-1/mqtt2', 'xplant-1/mqtt', 'plant-1/mqt', 'PLANT-1/mqtt', `${base}${base}`]
  const spellings = [
    'plant-1//mqtt',
    'plant-1/mqtt/',
    './plant-1/mqtt',
    'plant%2d1/mqtt',
    'plant‐1/mqtt',
  ]
  for (const to of [...variants, ...others, ...spellings]) {
    if (to === base) continue
    t.false(decide(policy, { from: { identity: 'client/crm' }, to }).allowed, JSON.stringify(to))
  }
})

test('P3, P4, P5: an identity is compared whole, role and all', (t) => {
  const marks = '.*?+^$|()[]{}\\/%\t\n\0 '.split('').concat('.*')
  const near = marks.flatMap((mark) => [`client/crm${mark}`, `${mark}client/crm`, `client/${mark}`])
  const others = [
    'agent/crm',
    'relay/crm',
    'crm',
    'client/',
    'client/crm2',
    'client/CRM',
    'CLIENT/crm',
  ]
  const spiffe = ['spiffe://example.com/client/crm', 'client//crm', 'client/crm/client/crm']
  for (const identity of [...near, ...others, ...spiffe]) {
    t.false(decide(policy, asking(identity, undefined)).allowed, JSON.stringify(identity))
  }
})

test('W8: names of the prototype are names like any other', (t) => {
  for (const word of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf']) {
    t.false(decide(policy, { from: { identity: word }, to: word }).allowed)
    t.false(decide(policy, { from: { identity: `client/${word}` }, to: `plant-1/${word}` }).allowed)
  }
  const named = parsePolicy([{ rule: 'r', from: ['client/constructor'], to: ['constructor/x'] }])
  t.true(decide(named, { from: { identity: 'client/constructor' }, to: 'constructor/x' }).allowed)
})

test('no rule is made of what is not exact', (t) => {
  const from = ['*', '', 'client/*', 'client/', 'relay/r', '10.0.0.1/8', '10.0.0.*', 'any', '127.1']
  for (const subject of from) {
    t.is(parseSubject(subject), undefined, subject)
    const rule = { rule: 'r', from: [subject], to: ['plant-1/mqtt'] }
    t.is(t.throws(() => parsePolicy([rule]), { instanceOf: Fault })?.code, 'config_invalid')
  }
  for (const to of ['*', '', 'plant-1/*', 'plant-1', 'plant-1/mqtt/x', 'Plant-1/mqtt']) {
    const rule = { rule: 'r', from: ['client/crm'], to: [to] }
    t.is(t.throws(() => parsePolicy([rule]), { instanceOf: Fault })?.code, 'config_invalid')
  }
})

test('20,000 decisions are those of a slow, independent policy', (t) => {
  let [decisions, yes] = [0, 0]
  fc.assert(
    fc.property(
      fc.array(ruleText, { maxLength: 6 }),
      fc.array(anyRequest, { minLength: 10, maxLength: 10 }),
      (rules, requests) => {
        const parsed = parsePolicy(rules)
        for (const request of requests) {
          const { allowed: isAllowed } = decide(parsed, request)
          decisions += 1
          if (isAllowed) yes += 1
          if (isAllowed !== allowsSlowly(rules, request)) return false
        }
        return true
      },
    ),
    { numRuns: 2000 },
  )
  t.is(decisions, 20_000)
  // Had the two agreed on "no" alone, they would have agreed on nothing.
  t.true(yes > 2000 && yes < 18_000, `${yes} of ${decisions} allowed`)
})

test('10,000 rules are parsed, and decide, without being walked one by one', (t) => {
  const rules = Array.from({ length: 10_000 }, (_, index) => ({
    rule: `rule ${index}`,
    from: [`10.${index >> 8}.${index & 255}.0/24`],
    to: [`plant-${index}/mqtt`],
  }))
  const parsed = parsePolicy(rules)
  t.is(parsed.rulesOfService.get('plant-77/mqtt')?.length, 1)
  t.true(decide(parsed, { from: { address: '10.0.77.9' }, to: 'plant-77/mqtt' }).allowed)
  t.false(decide(parsed, { from: { address: '10.0.78.9' }, to: 'plant-77/mqtt' }).allowed)
})

// Few names and close addresses, so that rules and requests meet about as often as they miss.
const identity = fc.constantFrom('agent/a', 'agent/b', 'client/a', 'client/b', 'client/a.b')
const service = fc.constantFrom('a/x', 'a/y', 'b/x', 'a.b/x')
const quad = fc
  .tuple(
    fc.constantFrom(10, 11, 127),
    fc.constantFrom(0, 1, 128),
    fc.constantFrom(0, 255),
    fc.nat(3),
  )
  .map((numbers) => numbers.join('.'))
const groups = fc
  .tuple(fc.constantFrom('fd00', 'fe80', '2001', '0'), fc.constantFrom('0', '1', 'ff'), fc.nat(3))
  .map(([first, second, last]) => `${first}:${second}::${last}`)
const address = fc.oneof(
  quad,
  groups,
  quad.map((text) => `::ffff:${text}`),
  quad.map((text) => `::${text}`),
)
const network = fc.oneof(
  fc.constantFrom('10.0.0.0/8', '10.128.0.0/9', '10.0.0.0/30', '0.0.0.0/0', '127.0.0.0/8'),
  fc.constantFrom('fd00::/8', '::/0', 'fe80::/10', '2001::/16', '::ffff:10.0.0.0/104', '::/96'),
  address,
)
const ruleText: fc.Arbitrary<RuleText> = fc.record({
  rule: fc.constant('a rule'),
  from: fc.array(fc.oneof(identity, network), { minLength: 1, maxLength: 3 }),
  to: fc.array(service, { minLength: 1, maxLength: 2 }),
})
const anyRequest: fc.Arbitrary<PolicyRequest> = fc.record({
  from: fc.record({ identity, address }, { requiredKeys: [] }),
  to: service,
})

function asking(identity: string | undefined, address: string | undefined): PolicyRequest {
  const from = {
    ...(identity !== undefined && { identity }),
    ...(address !== undefined && { address }),
  }
  return { from, to: 'plant-1/mqtt' }
}

function allowed(request: PolicyRequest): Allowed {
  const decision = decide(policy, request)
  if (!decision.allowed) throw new Error(decision.reason)
  return decision
}

function denied(request: PolicyRequest): Denied {
  const decision = decide(policy, request)
  if (decision.allowed) throw new Error(`allowed by ${decision.rule.rule}`)
  return decision
}
