/**
 * Each rule of the tables switched off, as a patch of the sources: what a mutant breaks, the simulation
 * must find.
 *
 * Invariant: `find` stands exactly once in its file, so that a mutant cannot go stale in silence.
 */

export interface Mutant {
  /** The rule that is switched off. */
  readonly rule: string
  /** The file, from the top of the repository. */
  readonly file: string
  readonly find: string
  readonly replace: string
}

const protocol = 'shared/protocol'
const relay = 'relay/switch'

export const mutants: readonly Mutant[] = [
  {
    rule: 'a session is resumed only by its name: ids live and die with it',
    file: `${relay}/link.ts`,
    find: 'hello.epoch === this.epoch && hello.session === this.session',
    replace: 'hello.epoch === this.epoch',
  },
  {
    rule: 'an agent forgets the ids of a session that is not resumed',
    file: `${protocol}/endpoint.ts`,
    find: 'if (!session.resumed)',
    replace: 'if (session.session === noNewSession)',
  },
  {
    rule: 'an unknown id is VOID, a matter of the path, and not RESET',
    file: `${relay}/routing.ts`,
    find: "if (!isFinal) port.voice.sayLast({ kind: 'void', id: frame.id })",
    replace: "if (!isFinal) port.voice.sayLast({ kind: 'reset', id: frame.id, code: 'closed' })",
  },
  {
    rule: 'a life that lost its WELCOME keeps its streams: VOID, not RESET',
    file: `${relay}/switch.ts`,
    find: "sameLife ? 'void' : 'reset'",
    replace: "'reset'",
  },
  {
    rule: 'an established stream is never dialled again',
    file: `${protocol}/reception.ts`,
    find: "if (open.established) return 'unknown_stream'",
    replace: '',
  },
  {
    rule: 'an opener says that it was established',
    file: `${protocol}/opener.ts`,
    find: 'established: this.#established,',
    replace: 'established: false,',
  },
  {
    rule: 'what is over is remembered: a ghost of its first OPEN does not dial',
    file: `${protocol}/reception.ts`,
    find: 'if (tombstone !== undefined) return tombstone',
    replace: '',
  },
  {
    rule: 'the opener is told to hold when the far leg is down',
    file: `${relay}/switch.ts`,
    find: "far.say.word = 'hold'",
    replace: 'far.say.word = undefined',
  },
  {
    rule: 'each route is named on resumption, on both its legs',
    file: `${relay}/switch.ts`,
    find: 'for (const leg of [...legs.values()]) leg.route.resync()',
    replace: '',
  },
  {
    rule: 'an attachment that is not named again leads nowhere',
    file: `${protocol}/port.ts`,
    find: '({ attachment: { id } }) => !naming.fresh.has(id) && !naming.named.has(id),',
    replace: '() => false,',
  },
  {
    rule: 'RESYNC has an end restate itself',
    file: `${protocol}/hearing.ts`,
    find: `unsync(this.current, true)
        return this.restate()`,
    replace: 'return unsync(this.current, true)',
  },
  {
    rule: 'bytes wait until the far end has restated itself, and then go on',
    file: `${protocol}/hearing.ts`,
    find: 'if (this.current !== undefined) this.current.synced = true',
    replace: '',
  },
  {
    rule: 'RESUME has a sender go on from what the far end holds',
    file: `${protocol}/hearing.ts`,
    find: 'this.send.rewind(numbers.received)\n    if',
    replace: 'if',
  },
  {
    rule: 'CLOSE is said when an end is done both ways',
    file: `${protocol}/stream.ts`,
    find: "this.say('close')",
    replace: '',
  },
  {
    rule: 'an acceptor moves only to a greater attachment',
    file: `${protocol}/acceptor.ts`,
    find: 'if (open.attachment > this.attachmentNumber) return undefined',
    replace: 'if (open.attachment !== this.attachmentNumber) return undefined',
  },
  {
    rule: 'only the identity that opened a stream moves it',
    file: `${protocol}/acceptor.ts`,
    find: "if (open.from !== this.from) return 'identity_mismatch'",
    replace: '',
  },
  {
    rule: "a socket's reset is said behind the bytes before it",
    file: `${protocol}/stream.ts`,
    find: "if (this.#phase === 'open') this.send.finish('connection_reset')",
    replace: "if (this.#phase === 'open') return this.fail('connection_reset')",
  },
  {
    rule: 'bytes are consumed when the socket took them, not when they came',
    file: `${protocol}/hearing.ts`,
    find: "if (this.phase === 'open') this.local?.deliver(fresh)",
    replace:
      "if (this.phase === 'open') { this.receive.takenAll(); this.local?.deliver(fresh) }",
  },
  {
    rule: 'a little consumption is acknowledged after a moment',
    file: `${protocol}/stream.ts`,
    find: 'else if (unsaidBytes > 0) this.host.owesCredit(this)',
    replace: '',
  },
  {
    rule: 'the switch cuts off what it has already taken',
    file: `${relay}/direction.ts`,
    find: 'const from = cursor - frame.offset',
    replace: 'const from = 0',
  },
  {
    rule: 'the switch goes back to what the far end holds',
    file: `${relay}/direction.ts`,
    find: `this.#empty(numbers.received)
    this.#rewinding = numbers.received !== cursor`,
    replace: 'this.#rewinding = numbers.received !== cursor',
  },
  {
    rule: 'the switch gives credit by itself as it forwards',
    file: `${relay}/route.ts`,
    find: 'if (far !== undefined && this.outgoing.creditDue()) {',
    replace: 'if (far !== undefined && this.outgoing.charged < 0) {',
  },
  {
    rule: 'the switch passes on no more than its window',
    file: `${relay}/direction.ts`,
    find: 'const ahead = this.#pieces.start + this.#windowBytes',
    replace: 'const ahead = this.#pieces.start + this.#windowBytes * 100',
  },
  {
    rule: 'who drops a frame of a live route owes a RESYNC',
    file: `${relay}/direction.ts`,
    find: 'if (owes) this.#debt = true',
    replace: 'if (owes) this.#debt = false',
  },
  {
    rule: 'a carrier that was fenced is heard no more',
    file: `${relay}/carrier.ts`,
    find: 'if (this.#fenced) return\n    this.#pulse.received',
    replace: 'this.#pulse.received',
  },
  {
    rule: 'a HELLO that is not newer is refused',
    file: `${relay}/switch.ts`,
    find: 'if (known !== undefined && sameLife && hello.attempt <= known.attempt) {',
    replace: 'if (known !== undefined && sameLife && hello.attempt < 0) {',
  },
  {
    rule: 'a stream without a way ends with its window',
    file: `${protocol}/watch.ts`,
    find: "if (lostMs >= resumeWindowMs) return end.expire('expired')",
    replace: '',
  },
  {
    rule: 'a link without a carrier ends with its window',
    file: `${relay}/switch.ts`,
    find: 'if (link.lostUntil <= now)',
    replace: 'if (link.lostUntil < 0)',
  },
  {
    rule: 'an OPEN is parked only so long',
    file: `${relay}/routing.ts`,
    find: 'if (route.parkedUntil <= now)',
    replace: 'if (route.parkedUntil < 0)',
  },
  {
    rule: 'a new life of an agent ends the streams of the old one',
    file: `${relay}/switch.ts`,
    find: "if (old !== undefined) this.#endLink(old, 'agent_restarted'",
    replace: "if (old === undefined) this.#endLink(link, 'agent_restarted'",
  },
  {
    rule: 'a policy that changes ends what it forbids',
    file: `${relay}/routing.ts`,
    find: "if (!decision.admitted) this.#end(route, decision.code, 'reset')",
    replace: '',
  },
  {
    rule: 'carriers that are silent are given up',
    file: `${protocol}/pulse.ts`,
    find: 'const oldest = this.#pings[0]\n    if (oldest === undefined) return false',
    replace: 'const oldest = this.#pings[0]\n    if (oldest === undefined || now > 0) return false',
  },
  {
    rule: 'what comes before a first ACCEPT counts for nothing',
    file: `${protocol}/opener.ts`,
    find: 'if (this.#established) this.guard(() => this.receiveBytes(frame))',
    replace: 'this.guard(() => this.receiveBytes(frame))',
  },
  {
    rule: 'the limit of a new attachment takes the place of the old',
    file: `${protocol}/hearing.ts`,
    find: 'this.send.replaceLimit(numbers.limit)',
    replace: 'this.send.allow(numbers.limit)',
  },
]
