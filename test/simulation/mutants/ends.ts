/**
 * Mutants of the two ends: what they count, what they say, and how long they wait.
 */
import type { Mutant } from './mutant.ts'

const send = 'shared/protocol/send.ts'
const receive = 'shared/protocol/receive.ts'
const stream = 'shared/protocol/stream.ts'
const hearing = 'shared/protocol/hearing.ts'
const watch = 'shared/protocol/watch.ts'
const endpoint = 'shared/protocol/endpoint.ts'

export const mutantsOfEnds: readonly Mutant[] = [
  {
    rule: 'consumed advances only when the socket took the bytes',
    file: receive,
    find: '    this.#received = end\n    this.#check()\n',
    replace: '    this.#received = end\n    this.#consumed = end\n    this.#check()\n',
    why: 'The far end lets bytes go that die in a buffer here.',
    within: 50,
  },
  {
    rule: 'what is heard again is cut off',
    file: receive,
    find: 'offset === this.#received ? bytes : bytes.subarray(this.#received - offset)',
    replace: 'bytes',
    why: 'After a cut the socket is given bytes twice.',
    within: 50,
  },
  {
    rule: 'what leaves a hole is dropped',
    file: receive,
    find: 'if (offset > this.#received || end <= this.#received) return undefined',
    replace: 'if (end <= this.#received) return undefined',
    why: 'Bytes are missing in the middle.',
    within: 500,
  },
  {
    rule: "a socket's reset is a FIN with a code, behind its bytes",
    file: stream,
    find: "if (this.#phase === 'open') this.send.finish('connection_reset')",
    replace: "if (this.#phase === 'open') return this.fail('connection_reset')",
    why: 'RESET overtakes the bytes that were written before it.',
    within: 50,
  },
  {
    rule: 'bytes before a reset are delivered first',
    file: stream,
    find: "if (this.#phase === 'aborted' && this.receive.drained) {",
    replace: "if (this.#phase === 'aborted') {",
    why: 'A slow reader loses what it has not read yet.',
    within: 50,
  },
  {
    rule: 'a little that was consumed is acknowledged after a moment',
    file: endpoint,
    find: 'if (this.#watch.owesCredit(end, this.#now)) this.#options.wake()',
    replace: 'void end',
    why: 'Idle streams keep their last bytes, and drains wait for them.',
    within: 50,
  },
  {
    rule: 'RESUME rewinds the sender',
    file: hearing,
    find: '    this.send.allow(numbers.limit)\n    this.send.rewind(numbers.received)\n',
    replace: '    this.send.allow(numbers.limit)\n',
    why: 'What died under way is never said again.',
    within: 50,
  },
  {
    rule: 'the limit of a new attachment replaces that of the old one',
    file: send,
    find: 'replaceLimit(limit: number): void {\n    this.#limit = limit\n',
    replace:
      'replaceLimit(limit: number): void {\n    this.#limit = Math.max(this.#limit, limit)\n',
    why: 'The new relay is overrun by credit that the old one gave.',
    within: 200,
  },
  {
    rule: 'CLOSE is said',
    file: stream,
    find: "    this.control.drop('credit')\n    this.say('close')\n",
    replace: "    this.control.drop('credit')\n",
    why: 'Finished streams linger for a whole window.',
    within: 50,
  },
  {
    rule: 'bytes flow only when the far end has restated itself',
    file: stream,
    find: 'if (current?.port !== port || !current.ready || !current.synced) return false',
    replace: 'if (current?.port !== port || !current.ready) return false',
    why: 'They are said into a switch that has begun anew, and are lost.',
    within: 50,
  },
  {
    rule: 'RESYNC has an end restate itself',
    file: hearing,
    find: '        unsync(this.current, true)\n        return this.restate()\n',
    replace: '        return unsync(this.current, true)\n',
    why: 'Both ends wait for each other.',
    within: 50,
  },
  {
    rule: 'HOLD stops the bytes',
    file: hearing,
    find: 'return unsync(this.current, false)',
    replace: 'return',
    why: 'An end believes in a way that leads nowhere.',
    within: 50,
  },
  {
    rule: 'the resume window ends a stream',
    file: watch,
    find: "        if (lostMs >= resumeWindowMs) return end.expire('expired')\n        break\n      case 'aborting'",
    replace: "        break\n      case 'aborting'",
    why: 'A stream without a way waits for ever.',
    within: 50,
  },
  {
    rule: 'of two windows the smaller holds',
    file: watch,
    find: 'this.#resumeWindowMs = Math.min(this.#limits.resumeWindowMs, resumeWindowMs)',
    replace: 'void resumeWindowMs',
    why: 'One end waits for what the relay has given up.',
    within: 50,
  },
  {
    rule: 'a last word is waited for no longer than the window',
    file: watch,
    find: "if (inPhaseMs >= resumeWindowMs) return end.expire('expired')\n        break\n      case 'closed'",
    replace: "break\n      case 'closed'",
    why: 'An end lingers for ever when the far one is gone.',
    within: 200,
  },
  {
    rule: 'an opening has its time',
    file: watch,
    find: "if (inPhaseMs >= openTimeoutMs) end.expire('open_timeout')",
    replace: '',
    why: 'A consumer waits for ever.',
    within: 500,
  },
  {
    rule: 'the waits of a stream count from its opening',
    file: endpoint,
    find: '): Opener<EndpointPort> {\n    this.#now = now\n',
    replace: '): Opener<EndpointPort> {\n',
    why: 'The first stream after a quiet hour is taken for an hour old.',
    within: 50,
  },
  {
    rule: 'the watch-dog has a stream restated on which nothing moves',
    file: watch,
    find: "    end.restate()\n    end.say('resync')\n",
    replace: '',
    why: 'A frame that a lossy hop has lost is never asked for.',
    within: 500,
  },
]
