/** A port of the switch: its ids, and that it says nothing while it is down. */
import test from 'ava'
import { SwitchPort } from '../../../relay/switch/port.ts'

test('the switch gives odd ids, and none twice in a session', (t) => {
  const port = new SwitchPort('agent/plant-1', () => {})
  t.deepEqual([port.newId(), port.newId(), port.newId()], [1, 3, 5])
  port.restart()
  t.is(port.newId(), 1)
})

test('a port that is down says nothing, and what waits is said when it is up', (t) => {
  let wakes = 0
  const port = new SwitchPort('agent/plant-1', () => {
    wakes += 1
  })
  port.voice.sayLast({ kind: 'void', id: 4 })
  t.is(wakes, 1)
  t.is(port.pull(true), undefined)
  port.up = true
  t.deepEqual(port.pull(true), { kind: 'void', id: 4 })
  port.voice.sayLast({ kind: 'void', id: 6 })
  port.restart()
  t.is(port.pull(true), undefined)
})
