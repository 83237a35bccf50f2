/**
 * Guesses what a mistyped word was meant to be, for `did you mean`.
 *
 * Invariant: a guess is one of the known words, and few enough edits away to be a slip.
 */

/** The longest word that is compared, so that the work for a hostile one is bounded. */
const wordLengthMax = 64

/** The known word nearest to this one, or undefined when none is near. */
export function nearestWord(word: string, known: Iterable<string>): string | undefined {
  if (word.length > wordLengthMax) return undefined
  // A third of the letters may be wrong; one always, so that short words have a guess as well.
  let fewest = Math.max(1, Math.floor(word.length / 3)) + 1
  let nearest: string | undefined
  for (const candidate of known) {
    if (Math.abs(candidate.length - word.length) >= fewest) continue
    const edits = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (edits >= fewest) continue
    fewest = edits
    nearest = candidate
  }
  return nearest
}

/** Insertions, deletions, substitutions and swaps of neighbours between two words. */
export function editDistance(one: string, other: string): number {
  let [beforeLast, last]: number[][] = [[], range(other.length + 1)]
  for (let i = 1; i <= one.length; i += 1) {
    const row = [i]
    for (let j = 1; j <= other.length; j += 1) {
      const substitution = one[i - 1] === other[j - 1] ? 0 : 1
      const isSwap = i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]
      row.push(
        Math.min(
          at(last, j) + 1,
          at(row, j - 1) + 1,
          at(last, j - 1) + substitution,
          isSwap ? at(beforeLast, j - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      )
    }
    beforeLast = last
    last = row
  }
  return at(last, other.length)
}

function range(length: number): number[] {
  return Array.from({ length }, (_, index) => index)
}

function at(row: readonly number[] | undefined, index: number): number {
  return row?.[index] ?? Number.POSITIVE_INFINITY
}
