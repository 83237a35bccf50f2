/** What the relay remembers of an agent: which HELLO goes on where it stands. */
import test from 'ava'
import { RelayLink } from '../../../relay/switch/link.ts'
import { noSession } from '../../../shared/protocol/frame.ts'
import { samples } from '../../support/frames.ts'

const session = '5555555555555555'
const { hello } = samples

test('rule 3: only the same life that asks for the same session resumes', (t) => {
  const link = new RelayLink('agent/plant-1', hello, session)
  t.true(link.resumes({ ...hello, session }))
  t.false(link.resumes({ ...hello, session: noSession }))
  t.false(link.resumes({ ...hello, session: '6666666666666666' }))
  t.false(link.resumes({ ...hello, session, epoch: 'ffffffffffffffff' }))
})

test('its port wakes the carrier that serves it now, and no other', (t) => {
  const link = new RelayLink('agent/plant-1', hello, session)
  let wakes = 0
  link.port.voice.sayLast({ kind: 'void', id: 2 })
  link.carrier = {
    wake: () => {
      wakes += 1
    },
    end: () => {},
    drain: () => {},
    gone: () => {},
  }
  link.port.voice.sayLast({ kind: 'void', id: 4 })
  t.is(wakes, 1)
  t.is(link.port.identity, 'agent/plant-1')
})
