/**
 * A mutant: the product with one rule switched off, by a small change of its text.
 *
 * Invariant: `find` stands exactly once in its file, so that a mutant is never a mistake of its
 * own.
 */
export interface Mutant {
  /** The rule that is switched off, in a few words. */
  readonly rule: string
  readonly file: string
  readonly find: string
  readonly replace: string
  /** What goes wrong without the rule. */
  readonly why: string
  /** So many seeds suffice to find it, and leave room for worlds that are drawn otherwise. */
  readonly within: number
  /** Where the hunt begins, when the worlds that miss the rule lie farther on; 1 if absent. */
  readonly from?: number
}
