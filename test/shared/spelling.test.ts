/** Guesses are near, and nothing far is guessed. */
import test from 'ava'
import fc from 'fast-check'
import { editDistance, nearestWord } from '../../shared/spelling.ts'

const keys = ['rule', 'from', 'to', 'limits', 'listen', 'resumeWindow']

test('a slip is guessed', (t) => {
  const slips = [
    ['form', 'from'],
    ['fro', 'from'],
    ['rules', 'rule'],
    ['ot', 'to'],
    ['limit', 'limits'],
    ['lisen', 'listen'],
    ['resume_window', 'resumeWindow'],
    ['ResumeWindow', 'resumeWindow'],
  ] as const
  for (const [word, meant] of slips) t.is(nearestWord(word, keys), meant)
})

test('what is far from every word is not guessed', (t) => {
  for (const word of ['', 'x', 'sealed', 'when', 'proxy', 'password', 'a'.repeat(100_000)]) {
    t.is(nearestWord(word, keys), undefined)
  }
  t.is(nearestWord('from', []), undefined)
})

test('the distance counts single edits', (t) => {
  t.is(editDistance('', 'abc'), 3)
  t.is(editDistance('kitten', 'sitting'), 3)
  t.is(editDistance('form', 'from'), 1)
  t.is(editDistance('abc', 'abc'), 0)
})

test('the distance is symmetric, and 0 only for the same word', (t) => {
  const word = fc.stringMatching(/^[a-d]{0,7}$/)
  fc.assert(
    fc.property(word, word, (one, other) => {
      const distance = editDistance(one, other)
      t.is(distance, editDistance(other, one))
      t.is(distance === 0, one === other)
      t.true(distance <= Math.max(one.length, other.length))
    }),
  )
})
