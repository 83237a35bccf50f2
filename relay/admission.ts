/**
 * Admission: the relay's decision about each stream, before any route is made.
 *
 * Invariant: an `Admitted` is made here alone, and only from an `Allowed` of the policy; the switch
 * connects nothing else (law 6). A decision taken once is taken again whenever the policy changes.
 */

import { parseServiceName } from '../shared/identity.ts'
import { type Allowed, decide, type Policy, type PolicyRequest } from '../shared/policy.ts'
import type { WireCode } from '../shared/protocol/fault.ts'
import { attributeTags, type FrameOf } from '../shared/protocol/frame.ts'

declare const admitted: unique symbol

/** Leave to connect one stream: to this service of this agent, under this rule. */
export interface Admitted {
  readonly admitted: true
  /** The identity that offers the service: `agent/plant-1`. */
  readonly agent: string
  /** The service's name at that agent: `mqtt`. */
  readonly service: string
  readonly allowed: Allowed
  readonly [admitted]: true
}

/** A refusal: the code that goes on the wire, and the reason for the log. */
export interface Denial {
  readonly admitted: false
  readonly code: WireCode
  readonly reason: string
}

export type Decision = Admitted | Denial

/** What decides for the switch, and counts what it let in. */
export class Admission {
  #policy: Policy
  /** Streams that live now, by the name of the rule that let them in: names outlive an edit. */
  readonly #streamsOfRule = new Map<string, number>()

  constructor(policy: Policy) {
    this.#policy = policy
  }

  /** Another policy holds from now on; the caller has the switch reconsider what lives. */
  replace(policy: Policy): void {
    this.#policy = policy
  }

  /**
   * Decides about an OPEN whose `from` was set from a verified certificate or a socket's address.
   */
  decide(open: FrameOf<'open'>): Decision {
    const decision = this.#decide({ from: subjectOf(open), to: open.to })
    if (!decision.admitted) return decision
    const { rule, limits } = decision.allowed
    const streams = this.#streamsOfRule.get(rule.rule) ?? 0
    if (limits.streams === undefined || streams < limits.streams) return decision
    const reason = `rule ${rule.number} "${rule.rule}" allows ${limits.streams} streams at once`
    return { admitted: false, code: 'overloaded', reason }
  }

  /** Decides again about a stream that lives. */
  reconsider(earlier: Admitted): Decision {
    return this.#decide(earlier.allowed.request)
  }

  /** A stream that was admitted has its route. */
  entered({ allowed }: Admitted): void {
    const { rule } = allowed.rule
    this.#streamsOfRule.set(rule, (this.#streamsOfRule.get(rule) ?? 0) + 1)
  }

  /** A route is over. */
  left({ allowed }: Admitted): void {
    const { rule } = allowed.rule
    const streams = (this.#streamsOfRule.get(rule) ?? 0) - 1
    if (streams > 0) this.#streamsOfRule.set(rule, streams)
    else this.#streamsOfRule.delete(rule)
  }

  #decide(request: PolicyRequest): Decision {
    const service = parseServiceName(request.to)
    if (service === undefined) {
      return { admitted: false, code: 'unknown_service', reason: 'this is no name of a service' }
    }
    const decision = decide(this.#policy, request)
    if (!decision.allowed) {
      return { admitted: false, code: 'denied_by_policy', reason: decision.reason }
    }
    const agent = `agent/${service.agent}`
    return { admitted: true, agent, service: service.service, allowed: decision } as Admitted
  }
}

const decoder = new TextDecoder()

/** Who asks. An agent is its certificate alone: an address that it names proves nothing (P2). */
function subjectOf(open: FrameOf<'open'>): PolicyRequest['from'] {
  const { from } = open
  if (from.startsWith('agent/')) return { identity: from }
  const source = open.attributes.find(({ tag }) => tag === attributeTags.source)
  const address = source === undefined ? {} : { address: decoder.decode(source.value) }
  return from.startsWith('client/') ? { identity: from, ...address } : address
}
