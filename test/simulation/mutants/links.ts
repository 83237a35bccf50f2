/**
 * Mutants of links and sessions: who resumes what, who takes over, and who is told.
 */
import type { Mutant } from './mutant.ts'

const link = 'shared/protocol/link.ts'
const pulse = 'shared/protocol/pulse.ts'
const ports = 'shared/protocol/ports.ts'
const relayLink = 'relay/switch/link.ts'
const carrier = 'relay/switch/carrier.ts'
const theSwitch = 'relay/switch/switch.ts'
const voice = 'shared/protocol/voice.ts'
const greeting = 'relay/switch/greeting.ts'
const routing = 'relay/switch/routing.ts'

export const mutantsOfLinks: readonly Mutant[] = [
  {
    rule: 'a relay resumes only the session that is asked for',
    file: relayLink,
    find: 'return hello.epoch === this.epoch && hello.session === this.session',
    replace: 'return hello.epoch === this.epoch',
    why: 'A WELCOME that was lost leaves the two with different sessions.',
    within: 50,
  },
  {
    rule: 'an agent tells a new session from the old one',
    file: link,
    find: 'this.#options.endpoint.portUp(this.port, frame, now)',
    replace: 'this.#options.endpoint.portUp(this.port, { ...frame, resumed: true }, now)',
    why: 'Old ids meet new ones after a restart of the relay.',
    within: 50,
  },
  {
    rule: 'carriers come in the order of their attempts',
    file: greeting,
    find: 'if (known !== undefined && hello.attempt <= known.attempt) {',
    replace: 'if (known !== undefined && isFull) {',
    why: 'A late HELLO takes the link back to a dead carrier.',
    within: 50,
  },
  {
    rule: 'a life that was displaced is late for a while',
    file: greeting,
    find: 'if (isLate) {',
    replace: 'if (isLate && isFull) {',
    why: 'A late HELLO of a dead life ends every stream of the living one.',
    within: 50,
  },
  {
    rule: 'a fenced carrier is handled no more',
    file: carrier,
    find: 'receive(frame: Frame, bytes: number, now: number): void {\n    if (this.#fenced) return\n',
    replace: 'receive(frame: Frame, bytes: number, now: number): void {\n',
    why: 'Frames of two carriers mix.',
    within: 50,
  },
  {
    rule: 'a takeover fences the old carrier',
    file: theSwitch,
    find: 'if (known !== undefined) this.#fence(known)',
    replace: '',
    why: 'Frames of two carriers mix.',
    within: 50,
  },
  {
    rule: 'another epoch resets the streams of the old one',
    file: theSwitch,
    find: "this.#endLink(link, code, 'reset')",
    replace: "this.#endLink(link, code, 'void')",
    why: 'The far ends look for streams that nobody has any longer.',
    within: 50,
  },
  {
    rule: 'a session that one life replaces is VOID, not RESET',
    file: theSwitch,
    find: "this.#endLink(old, 'closed', 'void')",
    replace: "this.#endLink(old, 'closed', 'reset')",
    why: 'A WELCOME that was lost costs every stream of the agent.',
    within: 2_000,
  },
  {
    rule: 'HOLD is said when a leg goes down',
    file: relayLink,
    find: "      far.say.word = 'hold'\n",
    replace: '',
    why: 'The far end believes in a way that leads nowhere.',
    within: 50,
  },
  {
    rule: 'each route is named on resumption',
    file: theSwitch,
    find: '    for (const leg of [...legs.values()]) leg.route.resync()\n',
    replace: '',
    why: 'Everything that lives is detached, and looks for another way.',
    within: 50,
  },
  {
    rule: 'a session ends with its window',
    file: theSwitch,
    find: 'if (link.lostUntil > now) continue',
    replace: 'if (link.lostUntil > 0) continue',
    why: 'An agent that never returns is remembered for ever.',
    within: 50,
  },
  {
    rule: 'silence is death',
    file: pulse,
    find: 'return now >= this.#deathAt(oldest.at)',
    replace: 'return false',
    why: 'A black path holds its streams for ever.',
    within: 50,
  },
  {
    rule: 'a last word waits for who is away',
    file: routing,
    find: '      if (leg === from) continue\n',
    replace: '      if (leg === from || !leg.port.up) continue\n',
    why: 'Who was away never learns why a stream ended.',
    within: 50,
  },
  {
    rule: 'streams do not wait for a lane while another one is up',
    file: theSwitch,
    find: 'if (isHere) this.#routing.leave(link.port)',
    replace: '',
    why: 'A stream waits for a carrier that cannot be dialled, beside one that serves.',
    within: 1_500,
  },
  {
    rule: 'a lane that is up takes the streams of those that are not',
    file: theSwitch,
    find: '      if (!other.port.up) this.#routing.leave(other.port)\n',
    replace: '',
    why: 'The same, when all were lost and one is back.',
    within: 500,
    from: 4_001,
  },
  {
    rule: 'VOID takes the place of no other last word',
    file: voice,
    find: "    if (frame.kind === 'void' && this.#lastWords.has(frame.id)) return\n",
    replace: '',
    why: 'Who is to be told RESET is told to look for another way.',
    within: 500,
    from: 4_001,
  },
  {
    rule: 'another life ends all lanes of the old one',
    file: theSwitch,
    find: 'this.#displace(others)',
    replace: 'this.#displace(others.filter((one) => one.lane === lane))',
    why: 'Two lives of one agent stand side by side.',
    within: 1_500,
  },
  {
    rule: 'an opener that has lost its lane asks by another',
    file: ports,
    find: 'for (const port of avoid) if (port.ready) avoided.add(port.name)',
    replace: 'for (const port of avoid) avoided.add(port.name)',
    why: 'It waits for the carrier that it has lost.',
    within: 2_000,
  },
]
