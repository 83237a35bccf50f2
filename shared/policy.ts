/**
 * The white list: rules parsed once, and the one decision whether a requester may reach a service.
 *
 * Invariant: what no rule allows is denied. Rules only allow, so their order means nothing; names
 * are compared whole and addresses as numbers, and nothing in a rule is a pattern. `Allowed` is
 * made here and nowhere else, so whoever holds one has asked.
 */
import {
  type Address,
  contains,
  type Network,
  parseAddress,
  parseNetwork,
  sharedBits,
} from './address.ts'
import { parseIdentityName, parseServiceName } from './identity.ts'
import { Fault } from './protocol/fault.ts'

/** What a rule grants at most; absent means no limit of its own. */
export interface RuleLimits {
  /** Streams open under the rule at one time. */
  readonly streams?: number
}

/** A rule as it is written. `line` is its place in the file, 1-based, when it has one. */
export interface RuleText {
  readonly rule: string
  readonly from: readonly string[]
  readonly to: readonly string[]
  readonly limits?: RuleLimits
  readonly line?: number
}

/** A rule's name, its number in the file (1-based, as people count), and its place. */
export interface RuleReference {
  readonly rule: string
  readonly number: number
  readonly line?: number
}

/** Who a rule speaks of: one identity by its role and name, or every address of a network. */
export type Subject =
  | { readonly kind: 'identity'; readonly text: string }
  | { readonly kind: 'network'; readonly text: string; readonly network: Network }

/** A parsed rule. */
export interface Rule extends RuleReference {
  readonly from: readonly Subject[]
  readonly to: readonly string[]
  readonly limits: RuleLimits
}

/** Parsed rules, in the order of the file. */
export interface Policy {
  readonly rules: readonly Rule[]
  /** The rules that name each service, the widest limit first. */
  readonly rulesOfService: ReadonlyMap<string, readonly Rule[]>
}

/** Who asks for what. The identity is a verified one (`agent/plant-1`, `client/crm`). */
export interface PolicyRequest {
  readonly from: { readonly identity?: string; readonly address?: string }
  readonly to: string
}

/** The proof that a rule allows this request; what is acted upon is taken from here. */
export interface Allowed {
  readonly allowed: true
  readonly request: PolicyRequest
  readonly rule: RuleReference
  readonly limits: RuleLimits
  readonly [decided]: true
}

/** Why a request is denied, and the rule that came closest to allowing it. */
export interface Denied {
  readonly allowed: false
  /** One sentence for the operator's log. */
  readonly reason: string
  /** The rule for this service whose entry in `from`, quoted as written, is the most alike. */
  readonly nearest?: RuleReference & { readonly from: string }
}

export type Decision = Allowed | Denied

const decided: unique symbol = Symbol('decided')

/** The policy that allows nothing. */
export const denyAll: Policy = { rules: [], rulesOfService: new Map() }

/** The policy of these rules. Throws `config_invalid` for a subject or service that is not one. */
export function parsePolicy(texts: readonly RuleText[]): Policy {
  const rules = texts.map(parseRule)
  const rulesOfService = new Map<string, Rule[]>()
  for (const rule of rules) {
    for (const service of new Set(rule.to)) {
      const others = rulesOfService.get(service)
      if (others === undefined) rulesOfService.set(service, [rule])
      else others.push(rule)
    }
  }
  for (const ofService of rulesOfService.values()) ofService.sort(byWidth)
  return { rules, rulesOfService }
}

/** The subject in `10.0.0.0/8`, `fd00::1`, `agent/plant-1` or `client/crm`, or undefined. */
export function parseSubject(text: string): Subject | undefined {
  const role = parseIdentityName(text)?.role
  if (role !== undefined) return role === 'relay' ? undefined : { kind: 'identity', text }
  const network = parseNetwork(text)
  return network && { kind: 'network', text, network }
}

/** Whether the policy allows the request. Where several rules do, the widest limit speaks. */
export function decide(policy: Policy, request: PolicyRequest): Decision {
  const [rule] = matchingRules(policy, request)
  if (rule === undefined) return deny(policy, request)
  return {
    allowed: true,
    request: { from: { ...request.from }, to: request.to },
    rule: reference(rule),
    limits: rule.limits,
    [decided]: true,
  }
}

/** Every rule that allows the request, the widest limit first. */
export function matchingRules(policy: Policy, { from, to }: PolicyRequest): readonly Rule[] {
  const address = from.address === undefined ? undefined : parseAddress(from.address)
  const ofService = policy.rulesOfService.get(to) ?? []
  return ofService.filter((rule) =>
    rule.from.some((subject) => isSubject(subject, from.identity, address)),
  )
}

function isSubject(subject: Subject, identity?: string, address?: Address): boolean {
  switch (subject.kind) {
    case 'identity':
      return subject.text === identity
    case 'network':
      return address !== undefined && contains(subject.network, address)
    default:
      return subject satisfies never
  }
}

function deny(policy: Policy, { from, to }: PolicyRequest): Denied {
  // Both names come from outside: what is not well-formed is not repeated into a log.
  if (parseServiceName(to) === undefined) return refusal('what was asked for is no service name')
  const ofService = policy.rulesOfService.get(to)
  if (ofService === undefined) return refusal(`no rule names ${to}`)
  const address = from.address === undefined ? undefined : parseAddress(from.address)
  const identity =
    from.identity !== undefined && parseSubject(from.identity) ? from.identity : undefined
  const asked = [identity, address && from.address]
    .filter((part) => part !== undefined)
    .join(' at ')
  if (asked === '') return refusal(`who asks for ${to} has no identity and no address`)
  const nearest = nearestRule(ofService, identity, address)
  return { ...refusal(`no rule allows ${asked} to reach ${to}`), ...(nearest && { nearest }) }
}

function refusal(reason: string): Denied {
  return { allowed: false, reason }
}

function nearestRule(
  rules: readonly Rule[],
  identity?: string,
  address?: Address,
): Denied['nearest'] {
  let best: { readonly likeness: number; readonly rule: Rule; readonly from: string } | undefined
  for (const rule of rules) {
    for (const subject of rule.from) {
      const likeness = alike(subject, identity, address)
      if (likeness > (best?.likeness ?? 0)) best = { likeness, rule, from: subject.text }
    }
  }
  return best && { ...reference(best.rule), from: best.from }
}

/** From 0 to 1: how much of the subject, read from its front, the requester shares. */
function alike(subject: Subject, identity?: string, address?: Address): number {
  if (subject.kind === 'network') {
    if (address?.family !== subject.network.family) return 0
    return (1 + sharedBits(subject.network, address)) / (2 + subject.network.prefixBits)
  }
  if (identity === undefined) return 0
  let shared = 0
  while (shared < identity.length && identity[shared] === subject.text[shared]) shared += 1
  return shared / Math.max(identity.length, subject.text.length)
}

function parseRule(text: RuleText, index: number): Rule {
  const name = `rule ${index + 1}`
  return {
    ...place(text),
    rule: text.rule,
    number: index + 1,
    from: text.from.map((entry) => {
      const subject = parseSubject(entry)
      if (subject === undefined) throw new Fault('config_invalid', `${name}: from ${entry}`)
      return subject
    }),
    to: text.to.map((service) => {
      if (parseServiceName(service) !== undefined) return service
      throw new Fault('config_invalid', `${name}: to ${service}`)
    }),
    limits: text.limits ?? {},
  }
}

function reference(rule: Rule): RuleReference {
  return { rule: rule.rule, number: rule.number, ...place(rule) }
}

function place({ line }: { readonly line?: number }): { readonly line?: number } {
  return line === undefined ? {} : { line }
}

function byWidth(one: Rule, other: Rule): number {
  const [a, b] = [
    one.limits.streams ?? Number.POSITIVE_INFINITY,
    other.limits.streams ?? Number.POSITIVE_INFINITY,
  ]
  return a === b ? 0 : b - a
}
