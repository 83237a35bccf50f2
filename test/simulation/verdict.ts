/**
 * How each stream may have ended, by what has befallen it; anything else is a loss.
 *
 * Invariant: an excuse names its cause. A way that was lost is an excuse only when no relay linked
 * both ends for as long as the product promises to wait (check 13).
 */
import type { FaultCode } from '../../shared/protocol/fault.ts'
import { Agent } from './agent.ts'
import type { Socket } from './application.ts'
import { demand } from './demand.ts'
import { Relay } from './relay.ts'
import { dialMsMax } from './services.ts'
import type { Stream } from './stream.ts'
import { findsWayMs } from './ways.ts'
import type { World } from './world.ts'

/** The coarse tick of the ends, and of the looks here. */
const slackMs = 1_500

/** Once all faults have stopped and time enough has passed: checks 12, 13, 14. */
export function judge(world: World, stream: Stream): void {
  demand(stream.over, '12: a stream did not end', stream)
  const { opener, target } = stream
  judgeSocket(world, stream, opener, openerCodes(world, stream))
  for (const [index, socket] of stream.targets.entries()) {
    const isLast = index === stream.targets.length - 1
    if (isLast) judgeSocket(world, stream, socket, targetCodes(world, stream))
  }
  if (target === undefined || opener.died || target.died) return
  const [one, other] = [opener.outcome?.code, target.outcome?.code]
  const wasReset = opener.didReset || target.didReset
  if (one === 'end' && other === 'end') world.report.cleanEnds += 1
  // Of two ends one may have heard the last word, and the other waits for it until its window ends.
  // A new life of the target's agent knows nothing of what the old one had brought to its end.
  const isForgotten = stream.targetRestarted && one === 'unknown_stream'
  // And what was dialled for an OPEN that came when all was over has nobody on the other side.
  const isNobodys = isForgotten || stream.isGhost
  const isForced = wasReset || isNobodys || stream.denied || hadNoWay(world, stream)
  if (!isForced && (one === 'end' || other === 'end')) judgeClean(stream, opener, target)
  const spoken = stream.spokenTarget ?? target
  if (spoken.died) return
  judgeReset(world, stream, opener, spoken)
  judgeReset(world, stream, spoken, opener)
}

function judgeSocket(
  world: World,
  stream: Stream,
  socket: Socket,
  codes: ReadonlySet<FaultCode>,
): void {
  if (socket.died) return
  const code = socket.outcome?.code
  demand(code !== undefined, '12: a socket was told nothing', stream)
  world.report.ended(code)
  demand(codes.has(code), () => `12: ended with ${code}`, stream)
}

/** A clean end is one at both ends, with every byte. */
function judgeClean(stream: Stream, opener: Socket, target: Socket): void {
  const codes = [opener.outcome?.code, target.outcome?.code]
  demand(
    codes.every((code) => code === 'end'),
    '12: only one end is clean',
    stream,
  )
  demand(target.read === opener.wrote, '12: not all bytes came', stream)
  demand(opener.read === target.wrote, '12: not all bytes came back', stream)
  demand(opener.farFinished && target.farFinished, '12: an end was not told', stream)
}

/** An application that reset its socket is heard at the far one, behind all bytes before it. */
function judgeReset(world: World, stream: Stream, from: Socket, to: Socket): void {
  if (from.resetIn === undefined || from.resetIn === 'opening' || to.didReset) return
  const code = to.outcome?.code
  const isNormal = code === 'end' || code === 'connection_reset'
  if (!isNormal) return
  // Who does not read until it has written waits for room that nobody gives any longer.
  if (to.isDeaf) return
  // Who reads too slowly is cut short in the end: an aborted end has its window, and no more.
  const { agentResumeWindowMs, relayResumeWindowMs } = world.options
  const windowMs = Math.min(agentResumeWindowMs, relayResumeWindowMs)
  if ((to.outcome?.at ?? 0) - from.resetAt >= windowMs) return
  demand(to.taken === from.wrote, '14: bytes before a reset are lost', stream)
  // Who has closed and seen the far side close is told of no reset behind that, as with TCP itself.
  const wasOver = to.farFinished && to.finished
  demand(code === 'connection_reset' || wasOver, '14: a reset was told as an end', stream)
}

function openerCodes(world: World, stream: Stream): ReadonlySet<FaultCode> {
  const codes = commonCodes(stream)
  const { options } = stream
  if (options.service === 'deaf') codes.add('target_refused')
  const hadNoOther = stream.denied && stream.wayMsAtEnd < findsWayMs
  if (stream.forbidden || hadNoOther) codes.add('denied_by_policy')
  if (stream.targetRestarted) {
    codes.add('agent_restarted')
    // Whoever moves asks the new life itself.
    const moves = options.opener instanceof Agent || world.options.lanes > 1
    if (moves) codes.add('unknown_stream')
    // Which may have dialled for an OPEN that was under way, and knows of no byte.
    if (stream.isGhost) codes.add('never_sent')
  }
  if (!stream.wasEstablished) {
    // Each relay is asked once; the first may have found the agent since it refused.
    if (stream.unaskedWayMsAtEnd < findsWayMs) {
      codes.add('no_agent')
      // What was dialled for an ACCEPT that never came may have given up before.
      codes.add('expired')
    }
    // A way that is found is asked for an answer, which a slow target takes its time to give.
    const hadNoAnswer = stream.wayMsAtEnd < findsWayMs + dialMsMax
    if (world.options.loss > 0 || hadNoAnswer) codes.add('open_timeout')
  }
  if (hadNoWay(world, stream)) codes.add('expired')
  return codes
}

function targetCodes(world: World, stream: Stream): ReadonlySet<FaultCode> {
  const codes = commonCodes(stream)
  const { opener } = stream.options
  if (stream.forbidden) codes.add('denied_by_policy')
  if (!stream.wasEstablished) codes.add('open_timeout')
  // Nobody is left to ask for it, and the one who gave it up could not say so.
  const isLeft = stream.openerDied || stream.denied || stream.isGhost || !stream.wasEstablished
  if (isLeft && opener instanceof Relay && opener.restarts > 0) codes.add('relay_restarted')
  if (isLeft && stream.openerRestarted) codes.add('agent_restarted')
  if (isLeft || hadNoWay(world, stream)) codes.add('expired')
  return codes
}

function commonCodes({ opener, targets }: Stream): Set<FaultCode> {
  const codes = new Set<FaultCode>(['end'])
  if ([opener, ...targets].some(({ didReset }) => didReset)) codes.add('connection_reset')
  return codes
}

/** No relay linked both ends for about as long as the shorter window. */
function hadNoWay({ options }: World, stream: Stream): boolean {
  // Nobody asks again for an ACCEPT that a lossy hop has lost, and carriers are none.
  if (options.loss > 0) return true
  const windowMs = Math.min(options.agentResumeWindowMs, options.relayResumeWindowMs)
  return stream.wayLostMs >= windowMs - slackMs
}
