/** An attachment: usable at once, and after a cut only when both ends have restated themselves. */
import test from 'ava'
import { attached, establish, unsync } from '../../../shared/protocol/attachment.ts'

test('a new attachment may be used at once', (t) => {
  const usable = { ready: true, synced: true, leaving: false }
  t.deepEqual(attached('port', 2), { port: 'port', id: 2, ...usable })
})

test('a cut ends both words, and RESYNC gives one of them back', (t) => {
  const attachment = attached('port', 2)
  unsync(attachment, false)
  t.false(attachment.ready || attachment.synced)
  unsync(attachment, true)
  t.true(attachment.ready && !attachment.synced)
  establish(attachment)
  t.true(attachment.ready && attachment.synced)
  t.notThrows(() => unsync(undefined, true))
})
