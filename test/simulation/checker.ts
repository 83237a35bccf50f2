/**
 * What must hold in every world: at each step, and when everything has ended.
 *
 * Invariant: the checker only looks. The numbers of each check are those of the list in
 * docs/protocol.md, "What the simulation checks".
 */
import assert from 'node:assert'
import type { FaultCode } from '../../shared/protocol/fault.ts'
import type { Socket } from './application.ts'
import type { Stream } from './stream.ts'
import type { World } from './world.ts'

/** After every event. */
export function checkStep(world: World): void {
  for (const stream of world.streams) checkStream(stream)
  for (const relay of world.relays) {
    const { relayWindowBytes } = world.options
    for (const { opener } of relay.switch.routes) {
      // Small pieces share slabs: what is charged may be above the bytes by one slab and its object.
      const chargeMax = 2 * relayWindowBytes + 2 * 4_400
      for (const direction of [opener.incoming, opener.outgoing]) {
        assert.ok(direction.charged <= chargeMax * 2, 'the switch queues more than its window')
      }
    }
  }
}

function checkStream(stream: Stream): void {
  const { openerEnd, acceptorEnd, opener, target } = stream
  if (openerEnd !== undefined && target !== undefined && !opener.died) {
    checkTaken(openerEnd.send.acked, target)
  }
  if (acceptorEnd !== undefined && !stream.acceptorDied) checkTaken(acceptorEnd.send.acked, opener)
}

/** Nothing is acknowledged that the far socket has not taken, but for a socket that was reset. */
function checkTaken(acked: number, far: Socket): void {
  const finish = far.farFinished ? 1 : 0
  assert.ok(
    acked <= far.taken + finish || far.didReset || far.outcome !== undefined,
    `${acked} is acknowledged, ${far.taken} was taken`,
  )
}

/** Once all faults have stopped and time enough has passed. */
export function checkEnd(world: World): void {
  for (const stream of world.streams) {
    assert.ok(stream.over, `a stream did not end: ${describe(stream)}`)
    checkOutcome(world, stream)
  }
  for (const relay of world.relays) {
    assert.strictEqual(relay.switch.routes.size, 0, 'routes are left')
    for (const link of relay.switch.links.values()) {
      assert.strictEqual(link.port.legs.size, 0, 'legs are left')
    }
    assert.strictEqual(relay.endpoint.ends.size, 0, 'ends are left at a relay')
    assert.strictEqual(relay.budget.used, 0, 'a relay still keeps bytes')
  }
  for (const agent of world.agents) {
    assert.strictEqual(agent.endpoint.ends.size, 0, 'ends are left at an agent')
    assert.strictEqual(agent.budget.used, 0, 'an agent still keeps bytes')
    agent.endpoint.tick(world.clock.now + 2 * world.options.resumeWindowMs + 1)
    assert.strictEqual(agent.endpoint.tombstones, 0, 'tombstones are left')
    if (world.options.calm) {
      assert.strictEqual(agent.endpoint.stalls, 0, 'a stream had to be restated without a loss')
    }
  }
}

function checkOutcome(world: World, stream: Stream): void {
  const { opener, target } = stream
  const allowed = allowedCodes(world, stream)
  for (const socket of [opener, target]) {
    if (socket === undefined || socket.died) continue
    const code = socket.outcome?.code
    assert.ok(code !== undefined, `a socket has no outcome: ${describe(stream)}`)
    world.report.ended(code)
    assert.ok(allowed.has(code), `ended with ${code}: ${describe(stream)}`)
  }
  if (target === undefined || opener.died || target.died) return
  const wasReset = opener.didReset || target.didReset
  const [one, other] = [opener.outcome?.code, target.outcome?.code]
  if (!wasReset && !stream.forbidden && one === 'end')
    assert.strictEqual(other, 'end', describe(stream))
  if (one === 'end' && other === 'end') {
    world.report.cleanEnds += 1
    if (!wasReset) checkAllRead(stream, opener, target)
  }
  if (wasReset) checkReadBeforeReset(stream, opener, target, allowed.size <= normalCodes.length)
}

function checkAllRead(stream: Stream, opener: Socket, target: Socket): void {
  assert.strictEqual(target.read, opener.wrote, `not all bytes came: ${describe(stream)}`)
  assert.strictEqual(opener.read, target.wrote, `not all bytes came back: ${describe(stream)}`)
  assert.ok(opener.farFinished && target.farFinished, `an end was not told: ${describe(stream)}`)
}

/** Bytes written before a reset arrive before it (protocol rule 18). */
function checkReadBeforeReset(
  stream: Stream,
  opener: Socket,
  target: Socket,
  normal: boolean,
): void {
  if (!normal) return
  for (const [from, to] of [
    [opener, target],
    [target, opener],
  ] as const) {
    if (!from.didReset || to.didReset) continue
    assert.strictEqual(to.read, from.wrote, `bytes before a reset are lost: ${describe(stream)}`)
  }
}

const normalCodes: readonly FaultCode[] = ['end', 'connection_reset']

/** The codes with which this stream may end, by what has befallen it; anything else is a loss. */
function allowedCodes(world: World, stream: Stream): ReadonlySet<FaultCode> {
  const codes = new Set<FaultCode>(['end'])
  const { opener, target, options } = stream
  if (opener.didReset || target?.didReset === true) codes.add('connection_reset')
  if (options.service === 'deaf') codes.add('target_refused')
  // Of two ends that policy parts, the one without a path learns late, by whatever ends it then.
  if (stream.forbidden) {
    for (const code of [
      'denied_by_policy',
      'expired',
      'unknown_stream',
      'relay_restarted',
    ] as const) {
      codes.add(code)
    }
  }
  if (stream.restarted) {
    for (const code of [
      'agent_restarted',
      'relay_restarted',
      'unknown_stream',
      'expired',
    ] as const) {
      codes.add(code)
    }
    codes.add('no_agent').add('open_timeout')
  }
  // An opener that gave up before it was established leaves a target that waits for its window.
  if (!stream.wasEstablished) codes.add('no_agent').add('open_timeout').add('expired')
  if (target === undefined && options.target.restarts > 0) codes.add('agent_restarted')
  if (world.options.harsh) codes.add('expired').add('unknown_stream').add('no_agent').add('closed')
  return codes
}

function describe(stream: Stream): string {
  const { opener, target, openerEnd, acceptorEnd, options } = stream
  const socket = (name: string, one: Socket | undefined) =>
    one === undefined
      ? `${name} absent`
      : `${name} wrote ${one.wrote} read ${one.read} taken ${one.taken} fin ${one.finished}` +
        ` farFin ${one.farFinished} reset ${one.didReset} died ${one.died}` +
        ` code ${one.outcome?.code}`
  return [
    `${options.opener.name} -> ${stream.to}`,
    socket('opener', opener),
    `phase ${openerEnd?.phase} n ${openerEnd?.attachmentNumber} current ${openerEnd?.current?.id}`,
    socket('target', target),
    `phase ${acceptorEnd?.phase} n ${acceptorEnd?.attachmentNumber}`,
    `forbidden ${stream.forbidden} restarted ${stream.restarted}`,
  ].join('; ')
}
