/**
 * An agent with a real certificate to which consumers come, and which answers as no agent would:
 * its stream ends with a code, and the relay and every other stream go on.
 */
import test from 'ava'
import type { FaultCode } from '../../shared/protocol/fault.ts'
import type { Frame } from '../../shared/protocol/frame.ts'
import { u48Max } from '../../shared/protocol/layout.ts'
import { HostileAgent } from '../support/hostile-agent.ts'
import { consumerOf, echoes, readToEnd, startEcho } from '../support/tcp.ts'
import { openTunnel } from '../support/tunnel.ts'

const accept = (change: object, id: number): Frame => ({
  kind: 'accept',
  id,
  received: 0,
  consumed: 0,
  limit: 262_144,
  by: 'agent/mallory',
  ...change,
})

/** What it says on the id of the stream, and how the stream ends by it. */
const answers: Readonly<Record<string, readonly [FaultCode, (id: number) => readonly Frame[]]>> = {
  'ACCEPT of bytes that were never sent (R3)': [
    'never_sent',
    (id) => [accept({ received: 5, consumed: 5 }, id)],
  ],
  'ACCEPT of all bytes that there are (R3)': [
    'never_sent',
    (id) => [accept({ received: u48Max, consumed: u48Max, limit: u48Max }, id)],
  ],
  'CREDIT for bytes that were never sent (R3)': [
    'never_sent',
    (id) => [accept({}, id), { kind: 'credit', id, consumed: 1_000_000, limit: u48Max }],
  ],
  'RESUME of bytes that were never sent (R3)': [
    'never_sent',
    (id) => [accept({}, id), { kind: 'resume', id, received: 9, consumed: 9, limit: 9 }],
  ],
  'CLOSE before the end': [
    'frame_unexpected',
    (id) => [accept({}, id), { kind: 'close', id, consumed: 0 }],
  ],
  'REFUSE after ACCEPT': [
    'revoked',
    (id) => [accept({}, id), { kind: 'refuse', id, code: 'revoked' }],
  ],
  'REFUSE as if it had ended well': ['end', (id) => [{ kind: 'refuse', id, code: 'end' }]],
  'RESET as if it had ended well': ['end', (id) => [{ kind: 'reset', id, code: 'end' }]],
  'its own goodbye': ['agent_gone', (id) => [accept({}, id), goodbye]],
}

const goodbye: Frame = { kind: 'goaway', code: 'bye', deadlineMs: 0 }

test('a hostile answer ends the stream that it answers, and no other', async (t) => {
  t.timeout(240_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel({
    services: { 'plant-1/any': { target: echo.port }, 'mallory/any': { target: 9 } },
    absent: ['mallory'],
  })
  const honest = await consumerOf(tunnel.port('plant-1/any'))
  t.true(await echoes(honest, 'before'))
  for (const [what, [code, answer]] of Object.entries(answers)) {
    using agent = await HostileAgent.greeted(tunnel, 'mallory')
    agent.send({ kind: 'services', revision: 1, names: ['any'] })
    const from = tunnel.relay.here
    const consumer = await consumerOf(tunnel.port('mallory/any'))
    const { id, from: who } = await agent.take('open')
    t.is(who, 'address/127.0.0.1')
    for (const frame of answer(id)) agent.send(frame)
    await agent.settled()
    if (answer(id).includes(goodbye)) agent[Symbol.dispose]()
    const { bytes, by } = await readToEnd(consumer)
    t.deepEqual({ bytes: bytes.length, by }, { bytes: 0, by: 'reset' }, what)
    const record = await tunnel.relay.waitForCode(code, { from })
    t.is(record.service ?? record.peer, record.service ? 'mallory/any' : 'agent/mallory', what)
    t.true(await echoes(honest, what))
  }
  honest.destroy()
  const codes = tunnel.relay.records.map(({ code }) => code)
  t.false(codes.includes('internal'))
})
