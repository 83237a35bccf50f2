/**
 * Mutants of how opener and acceptor find and follow a way, and of what a port remembers.
 */
import type { Mutant } from './mutant.ts'

const opener = 'shared/protocol/opener.ts'
const acceptor = 'shared/protocol/acceptor.ts'
const reception = 'shared/protocol/reception.ts'
const port = 'shared/protocol/port.ts'
const endpoint = 'shared/protocol/endpoint.ts'

export const mutantsOfWays: readonly Mutant[] = [
  {
    rule: 'an established stream is never dialled',
    file: reception,
    find: "    if (open.established) return 'unknown_stream'\n",
    replace: '',
    why: 'A restarted agent continues on a fresh connection in the middle of a conversation.',
  },
  {
    rule: 'an opener that saw ACCEPT says so',
    file: opener,
    find: 'established: this.#established,',
    replace: 'established: false,',
    why: 'Nobody can tell that a dial would be the second one.',
  },
  {
    rule: 'tombstones',
    file: reception,
    find: 'if (end.attachmentNumber > 1 || !end.closeSeen)',
    replace: 'if (end.attachmentNumber < 0)',
    why: 'A first OPEN that wandered about dials for a stream that is over.',
  },
  {
    rule: 'a key has one acceptor',
    file: reception,
    find: 'if (known !== undefined) return this.#follow(known, port, open, found?.attachment)',
    replace: '',
    why: 'An OPEN that is said twice dials twice.',
  },
  {
    rule: 'an older attachment is stale',
    file: acceptor,
    find: 'if (open.attachment > this.attachmentNumber) return undefined',
    replace: 'if (open.attachment >= 0) return undefined',
    why: 'A late OPEN takes the stream back to a way that is dead.',
  },
  {
    rule: 'only who opened a stream moves it',
    file: acceptor,
    find: "    if (open.from !== this.from) return 'identity_mismatch'\n",
    replace: '',
    why: 'Whoever has seen the key takes the stream over.',
  },
  {
    rule: 'nothing but ACCEPT counts before the first ACCEPT',
    file: opener,
    find: 'if (this.#established) this.guard(() => this.receiveBytes(frame))',
    replace: 'this.guard(() => this.receiveBytes(frame))',
    why: 'Bytes of a connection that is not the accepted one are taken.',
    within: 1_000,
  },
  {
    rule: 'ACCEPT is repeated until it was heard',
    file: acceptor,
    find: '      this.#sayAccept = false\n',
    replace: '      this.#sayAccept = false\n      this.#heard = true\n',
    why: 'An ACCEPT that died with its carrier leaves its opener waiting.',
  },
  {
    rule: 'credit proves no opener',
    file: acceptor,
    find: "if (kind !== 'credit') this.#heard = true",
    replace: 'this.#heard = true',
    why: 'The switch gives credit too, and the lost ACCEPT is not said again.',
    within: 500,
  },
  {
    rule: 'the numbers of an OPEN may be old news',
    file: acceptor,
    find: '    const { acked } = this.send\n',
    replace:
      "    const { acked } = this.send\n    if (open.consumed < acked) return this.fail('state_lost')\n",
    why: 'What still travelled on the old way had acknowledged more: the stream is lost.',
  },
  {
    rule: 'an acceptor that moves gives up its old way',
    file: acceptor,
    find: "      this.host.lastWord(old.port, { kind: 'void', id: old.id })\n",
    replace: '',
    why: 'The old relay keeps a route that leads to no end.',
  },
  {
    rule: 'an opener that moves gives up its old way',
    file: opener,
    find: "      this.host.lastWord(old.port, { kind: 'void', id: old.id })\n",
    replace: '',
    why: 'The old relay keeps a route that leads to no end.',
  },
  {
    rule: 'a lingering opener opens again to say its last word',
    file: opener,
    find: "if (this.phase === 'closed' || this.current?.ready === true) return",
    replace:
      "if (this.phase === 'closed' || this.phase === 'lingering' || this.current?.ready === true) return",
    why: 'The acceptor waits for that word until its window ends.',
  },
  {
    rule: 'a lingering acceptor without a way is over',
    file: acceptor,
    find: "    this.close('voided', 'end')\n",
    replace: '',
    why: 'It waits for a word that nobody has to say.',
  },
  {
    rule: 'a held opener looks for another relay',
    file: opener,
    find: "if (this.phase === 'closed' || this.current?.ready === true) return",
    replace: "if (this.phase === 'closed' || this.current !== undefined) return",
    why: 'A stream is lost although another relay has a way for it.',
    within: 500,
  },
  {
    rule: 'a candidate that nobody answers gives way',
    file: opener,
    find: 'return this.#paths.now() - this.#soughtAt >= this.#candidateMs',
    replace: 'return false',
    why: 'An opener waits at a relay that cannot help it.',
    within: 500,
  },
  {
    rule: 'a refusal that may pass is no end',
    file: opener,
    find: 'const waits = isRetryable(code) && (this.#established || another)',
    replace: 'const waits = false',
    why: 'The first relay without the agent ends the stream.',
  },
  {
    rule: 'a relay that denies ends no stream that has another way',
    file: opener,
    find: "const mayEnd = code !== 'denied_by_policy' || (this.current === undefined && !another)",
    replace: 'const mayEnd = true',
    why: 'A relay whose policy is ahead ends what the other one allows.',
    within: 1_000,
  },
  {
    rule: 'attachments are numbered upwards',
    file: opener,
    find: '    this.attachmentNumber += 1\n',
    replace: '    this.attachmentNumber = 1\n',
    why: 'No acceptor follows.',
  },
  {
    rule: 'what was not named after a resumption is detached',
    file: port,
    find: 'if (naming === undefined || naming.named.size < naming.count) return []',
    replace: 'if (naming !== undefined || naming === undefined) return []',
    why: 'A word that was lost leaves an idle end attached to nothing.',
  },
  {
    rule: 'a new session forgets the ids of the old one',
    file: port,
    find: '    const lost = [...this.#leads.values()]\n',
    replace: '    const lost: Lead[] = []\n',
    why: 'Ends wait for ids that mean nothing any longer.',
  },
  {
    rule: 'an id that leads nowhere is VOID, not RESET',
    file: endpoint,
    find: "port.voice.sayLast({ kind: 'void', id: frame.id })",
    replace: "port.voice.sayLast({ kind: 'reset', id: frame.id, code: 'unknown_stream' })",
    why: 'A route that lost its end kills a stream that lives elsewhere.',
  },
  {
    rule: 'streams that a relay opened die with it',
    file: endpoint,
    find: 'if (end.relay?.port === port && end.relay.life !== port.life)',
    replace: 'if (end.relay === undefined && end.relay !== undefined)',
    why: 'Their sockets stay open for a whole window, for nobody.',
  },
]
