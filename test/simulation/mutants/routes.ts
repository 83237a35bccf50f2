/**
 * Mutants of the switch: what it leads where, what it keeps, and what it owes.
 */
import type { Mutant } from './mutant.ts'

const routing = 'relay/switch/routing.ts'
const route = 'relay/switch/route.ts'
const direction = 'relay/switch/direction.ts'

export const mutantsOfRoutes: readonly Mutant[] = [
  {
    rule: 'an opener is who its certificate says',
    file: routing,
    find: "identity === '' ? frame : { ...frame, from: identity, attributes: [] }",
    replace: 'frame',
    why: 'An agent opens in the name of another.',
  },
  {
    rule: 'an id without a route is VOID, not RESET',
    file: routing,
    find: "if (!isFinal) port.voice.sayLast({ kind: 'void', id: frame.id })",
    replace:
      "if (!isFinal) port.voice.sayLast({ kind: 'reset', id: frame.id, code: 'unknown_stream' })",
    why: 'A stream that has moved is killed by what it left behind.',
  },
  {
    rule: 'VOID is passed on as VOID',
    file: routing,
    find: "return this.#end(route, 'closed', 'void', leg)",
    replace: "return this.#end(route, 'closed', 'reset', leg)",
    why: 'An end that left a way kills the stream at the other.',
  },
  {
    rule: 'the second CLOSE is answered',
    file: routing,
    find: "    leg.port.voice.sayLast({ kind: 'close', id: leg.id, consumed: far.closeSeen })\n",
    replace: '',
    why: 'The first may have died beyond the switch, and its hearer lingers.',
  },
  {
    rule: 'the second CLOSE frees the route',
    file: routing,
    find: "    this.#forget(leg.route, 'end')\n",
    replace: '',
    why: 'Routes of nobody fill the relay.',
  },
  {
    rule: 'a changed policy ends what it forbids',
    file: routing,
    find: "if (!decision.admitted) this.#end(route, decision.code, 'reset')",
    replace: 'void decision',
    why: 'Who was let in stays for ever.',
  },
  {
    rule: 'a changed policy is asked about what is parked and detached too',
    file: routing,
    find: '    for (const route of [...this.#routes]) {\n',
    replace:
      '    for (const route of [...this.#routes]) {\n      if (route.acceptor?.port.up !== true || !route.opener.port.up) continue\n',
    why: 'What is away when it is forbidden comes back.',
  },
  {
    rule: 'no OPEN is parked for ever',
    file: routing,
    find: "if (route.parkedUntil <= now) this.#end(route, 'no_agent', 'refuse')",
    replace: 'void route',
    why: 'A consumer waits for an agent that does not come.',
  },
  {
    rule: 'a parked OPEN goes on when its agent is there',
    file: routing,
    find: '      route.lead(link.port)\n',
    replace: '',
    why: 'It is refused although the agent is there.',
  },
  {
    rule: 'RESYNC is said to the opener',
    file: route,
    find: 'for (const leg of this.legs) {\n      // An OPEN',
    replace: 'for (const leg of this.legs.slice(1)) {\n      // An OPEN',
    why: 'It waits for a word after each cut.',
  },
  {
    rule: 'RESYNC is said to the acceptor',
    file: route,
    find: 'for (const leg of this.legs) {\n      // An OPEN',
    replace: 'for (const leg of this.legs.slice(0, 1)) {\n      // An OPEN',
    why: 'It waits for a word after each cut.',
  },
  {
    rule: 'RESYNC is said only when both legs are up',
    file: route,
    find: "leg.say.word = bothUp ? 'resync' : 'hold'",
    replace: "leg.say.word = 'resync'",
    why: 'An end restates itself to nobody, and believes in its way.',
  },
  {
    rule: 'an id whose OPEN was said is named after a resumption',
    file: route,
    find: '      this.named = true\n',
    replace: '',
    why: 'Its end is detached although the route is there.',
  },
  {
    rule: 'the switch trims what it holds already',
    file: direction,
    find: 'const from = cursor - frame.offset',
    replace: 'const from = 0 * cursor',
    why: 'Bytes that are said again stand twice in the queue.',
  },
  {
    rule: 'the switch takes nothing behind a hole',
    file: direction,
    find: '    if (frame.offset > cursor) return this.#drop(!this.#rewinding)\n',
    replace: '',
    why: 'Bytes move to a place that is not theirs.',
  },
  {
    rule: 'RESUME empties the queue',
    file: direction,
    find: '    this.#empty(numbers.received)\n',
    replace: '',
    why: 'An agent that comes and goes fills the queue with its window again and again.',
  },
  {
    rule: 'the switch passes on no more than its window',
    file: direction,
    find: 'const ahead = this.#pieces.start + this.#windowBytes',
    replace: 'const ahead = this.#pieces.start + 100 * this.#windowBytes',
    why: 'A fast agent fills the relay for a slow one.',
  },
  {
    rule: 'the limit that was passed on never falls',
    file: direction,
    find: 'this.#passed = Math.max(this.#passed, Math.min(this.#limit, ahead))',
    replace: 'this.#passed = Math.min(this.#limit, ahead)',
    why: 'What was granted is taken back, and its bytes are dropped.',
  },
  {
    rule: 'the switch gives credit itself',
    file: direction,
    find: 'return unsaid * 4 >= this.#windowBytes || (unsaid > 0 && this.cursor >= this.#passedSaid)',
    replace: 'return unsaid < 0',
    why: 'A window that the switch made smaller than that of the end stalls without any fault.',
  },
  {
    rule: 'whoever drops owes',
    file: direction,
    find: 'if (owes) this.#debt = true',
    replace: 'void owes',
    why: 'A lost tail is never asked for.',
  },
  {
    rule: 'debts are paid',
    file: route,
    find: 'if (due && this.acceptor?.port.up === true && this.opener.port.up) this.resync()',
    replace: 'void due',
    why: 'A lost tail is never asked for.',
  },
  {
    rule: 'beyond the budget the tail is dropped',
    file: direction,
    find: '    if (this.#pieces.charged >= this.#budget.share(Number.POSITIVE_INFINITY))\n      return this.#drop(true)\n',
    replace: '',
    why: 'The queues of slow agents take the memory of all.',
  },
  {
    rule: 'the cursor is never behind what was consumed',
    file: direction,
    find: 'if (consumed > this.cursor) this.#empty(consumed)\n    else this.#trim(consumed)',
    replace: 'this.#trim(consumed)',
    why: 'A credit that crossed an older RESUME leaves a hole for ever.',
    within: 1_000,
  },
]
