/**
 * Pins every number on the wire: a code that changes its meaning breaks peers that are not here.
 */
import test from 'ava'
import {
  Fault,
  type FaultCode,
  faults,
  isRetryable,
  wireCode,
  wireNumber,
} from '../../../shared/protocol/fault.ts'
import { wireCodes } from '../../support/frames.ts'

const pinned = {
  end: 0,
  connection_reset: 1,
  denied_by_policy: 10,
  target_denied: 11,
  revoked: 12,
  identity_mismatch: 13,
  no_agent: 20,
  unknown_service: 21,
  target_refused: 22,
  target_unreachable: 23,
  target_timeout: 24,
  target_unresolved: 25,
  overloaded: 30,
  exhausted: 31,
  expired: 40,
  open_timeout: 41,
  agent_restarted: 42,
  relay_restarted: 43,
  agent_gone: 44,
  unknown_stream: 45,
  closed: 46,
  stale: 47,
  shutdown: 48,
  state_lost: 50,
  limit_exceeded: 51,
  never_sent: 52,
  frame_malformed: 53,
  frame_unexpected: 54,
  version_unsupported: 55,
  drain: 60,
  bye: 61,
  displaced: 62,
}

test('each code that travels has the number that it always had', (t) => {
  t.deepEqual(Object.fromEntries(wireCodes.map((code) => [code, wireNumber(code)])), pinned)
})

test('a number leads back to its code, and an unknown one to none', (t) => {
  const known = new Map(Object.entries(pinned).map(([code, number]) => [number, code]))
  for (let number = 0; number <= 0xff; number += 1) {
    t.is<string | undefined, string | undefined>(wireCode(number), known.get(number))
  }
})

test('only what another relay or a later try may change is retryable', (t) => {
  const retryable = (Object.keys(faults) as FaultCode[]).filter(isRetryable)
  t.deepEqual(retryable, ['no_agent', 'overloaded', 'drain'])
})

test('each code says one sentence', (t) => {
  for (const [code, { says }] of Object.entries(faults)) {
    t.regex(says, /^[A-Z2][^.;]*(?:;[^.]*)?\.$|^[A-Z].*Node\.js.*\.$/, code)
  }
})

test('a fault says its sentence unless it is told another, and keeps its cause', (t) => {
  const cause = new Error('below')
  const fault = new Fault('no_agent', undefined, { cause })
  t.is(fault.message, faults.no_agent.says)
  t.is(fault.cause, cause)
  t.is(fault.code, 'no_agent')
  t.is(fault.name, 'Fault')
  t.is(new Fault('no_agent', 'plant-1 is away').message, 'plant-1 is away')
})
