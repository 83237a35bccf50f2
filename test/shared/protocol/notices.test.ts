/** What a link says of itself, in which order, and no more often than needed. */
import test from 'ava'
import { Notices } from '../../../shared/protocol/notices.ts'

function said(notices: Notices): readonly unknown[] {
  return Array.from({ length: 10 }, () => notices.pull()).filter((frame) => frame !== undefined)
}

test('GOAWAY comes first, then what is lost, then the services; each is said once', (t) => {
  const notices = new Notices(['mqtt'])
  notices.services()
  notices.gone(1, 7)
  notices.bye()
  t.deepEqual(said(notices), [
    { kind: 'goaway', code: 'bye', deadlineMs: 0 },
    { kind: 'gone', attempt: 7 },
    { kind: 'services', revision: 1, names: ['mqtt'] },
  ])
  t.deepEqual(said(notices), [])
})

test('of each lane the last carrier that was lost is told, and no other (rule 30)', (t) => {
  const notices = new Notices([])
  for (let attempt = 1; attempt <= 1_000; attempt += 1) notices.gone(attempt % 2, attempt)
  t.deepEqual(said(notices), [
    { kind: 'gone', attempt: 999 },
    { kind: 'gone', attempt: 1_000 },
  ])
})

test('what a carrier could not say of others is not said by the next one', (t) => {
  const notices = new Notices([])
  notices.gone(1, 7)
  notices.forget()
  t.deepEqual(said(notices), [])
})
