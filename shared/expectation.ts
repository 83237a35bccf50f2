/**
 * Expectations: a policy's own tests, written beside its rules and run before it is used.
 *
 *     allow client/crm -> plant-1/mqtt
 *     deny 10.9.9.9 -> plant-1/mqtt
 *
 * Invariant: an expectation is answered by the decision that real requests get.
 */
import { parseAddress } from './address.ts'
import { parseServiceName } from './identity.ts'
import {
  decide,
  matchingRules,
  type Policy,
  type PolicyRequest,
  parseSubject,
  type RuleReference,
} from './policy.ts'

/** One parsed line of `expect`; `line` is its place in the file, 1-based, when it has one. */
export interface Expectation {
  readonly verdict: 'allow' | 'deny'
  readonly request: PolicyRequest
  readonly text: string
  readonly line?: number
}

/** An expectation that does not hold: `expected deny, rule 1 (line 12) allows it`. */
export interface UnmetExpectation {
  readonly expectation: Expectation
  readonly says: string
}

/** What running the expectations has shown. */
export interface ExpectationReport {
  readonly unmet: readonly UnmetExpectation[]
  /** The rules that could be taken away without any expectation noticing. */
  readonly unneeded: readonly RuleReference[]
}

/** The expectation in `allow FROM -> SERVICE`; FROM is one identity or one address. */
export function parseExpectation(text: string, line?: number): Expectation | undefined {
  const words = /^(allow|deny) (\S+) -> (\S+)$/.exec(text)
  if (words === null) return undefined
  const [, verdict = '', requester = '', to = ''] = words
  const from = parseRequester(requester)
  if (from === undefined || parseServiceName(to) === undefined) return undefined
  return {
    verdict: verdict === 'allow' ? 'allow' : 'deny',
    request: { from, to },
    text,
    ...(line !== undefined && { line }),
  }
}

/** Runs every expectation against the policy. */
export function checkExpectations(
  policy: Policy,
  expectations: readonly Expectation[],
): ExpectationReport {
  const unmet = expectations.flatMap((expectation) => {
    const says = contradiction(policy, expectation)
    return says === undefined ? [] : [{ expectation, says }]
  })
  return { unmet, unneeded: unneededRules(policy, expectations) }
}

/** A rule for people: `rule 1 (line 12)`. */
export function describeRule({ number, line }: RuleReference): string {
  return line === undefined ? `rule ${number}` : `rule ${number} (line ${line})`
}

function contradiction(policy: Policy, { verdict, request }: Expectation): string | undefined {
  const decision = decide(policy, request)
  if (decision.allowed) {
    if (verdict === 'allow') return undefined
    return `expected deny, ${describeRule(decision.rule)} allows it`
  }
  if (verdict === 'deny') return undefined
  const { nearest, reason } = decision
  if (nearest === undefined) return `expected allow, ${reason}`
  return `expected allow, ${reason}; nearest is ${describeRule(nearest)}, from ${nearest.from}`
}

function unneededRules(policy: Policy, expectations: readonly Expectation[]): RuleReference[] {
  const needed = new Set<number>()
  for (const { verdict, request } of expectations) {
    if (verdict === 'deny') continue
    const [rule, ...others] = matchingRules(policy, request)
    if (rule !== undefined && others.length === 0) needed.add(rule.number)
  }
  return policy.rules.filter(({ number }) => !needed.has(number))
}

function parseRequester(text: string): PolicyRequest['from'] | undefined {
  if (parseAddress(text) !== undefined) return { address: text }
  return parseSubject(text)?.kind === 'identity' ? { identity: text } : undefined
}
