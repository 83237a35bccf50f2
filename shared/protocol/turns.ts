/**
 * Whose turn it is to send: a fair round in which those that had nothing to say go first once.
 *
 * Invariant: a member is in at most one of the two rounds. A newcomer is served before the old ones
 * for one turn and then stands at their end, even when it is already empty again: so a keystroke
 * overtakes a thousand copies, and nobody can starve them by pausing (fq_codel, RFC 8290 §4.2).
 */
export class Turns<Member> {
  readonly #newcomers = new Set<Member>()
  readonly #round = new Set<Member>()
  readonly #hasMore: (member: Member) => boolean

  /** `hasMore` tells whether a member has something to send now. */
  constructor(hasMore: (member: Member) => boolean) {
    this.#hasMore = hasMore
  }

  /** Says that a member may have something to send. */
  add(member: Member): void {
    if (!this.#round.has(member)) this.#newcomers.add(member)
  }

  delete(member: Member): void {
    this.#newcomers.delete(member)
    this.#round.delete(member)
  }

  clear(): void {
    this.#newcomers.clear()
    this.#round.clear()
  }

  /** The member whose turn it is; it moves to the end of the round. */
  next(): Member | undefined {
    if (this.#newcomers.size > 0) {
      for (const member of this.#newcomers) {
        this.#newcomers.delete(member)
        this.#round.add(member)
        if (this.#hasMore(member)) return member
      }
    }
    for (const member of this.#round) {
      const hasMore = this.#hasMore(member)
      // Alone, it stands at the end already.
      if (hasMore && this.#round.size === 1) return member
      this.#round.delete(member)
      if (!hasMore) continue
      this.#round.add(member)
      return member
    }
    return undefined
  }
}
