/** What an end has to say: flags, one frame for each however often it was asked for. */
import test from 'ava'
import fc from 'fast-check'
import { Control, type ControlWord } from '../../../shared/protocol/control.ts'
import type { Frame } from '../../../shared/protocol/frame.ts'
import { ReceiveHalf } from '../../../shared/protocol/receive.ts'

const words: readonly ControlWord[] = ['resume', 'credit', 'resync', 'close']

function received(bytes: number, taken: number): Control {
  const receive = new ReceiveHalf(1_000)
  receive.data(0, new Uint8Array(bytes))
  receive.taken(taken)
  return new Control(receive)
}

function drain(control: Control): readonly Frame['kind'][] {
  const said: Frame['kind'][] = []
  for (let frame = control.pull(2); frame !== undefined; frame = control.pull(2)) {
    said.push(frame.kind)
  }
  return said
}

test('rule 30: whatever was asked for, and however often, it is said once and in order', (t) => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words), { maxLength: 50 }), (asked) => {
      const control = received(10, 5)
      for (const word of asked) control.say(word)
      // RESUME says all that CREDIT says.
      const expected = words.filter(
        (word) => asked.includes(word) && !(word === 'credit' && asked.includes('resume')),
      )
      t.deepEqual(drain(control), expected)
      t.deepEqual(drain(control), [])
    }),
  )
})

test('a frame says the numbers as they stand when it goes out', (t) => {
  const receive = new ReceiveHalf(1_000)
  const control = new Control(receive)
  control.say('credit')
  receive.data(0, new Uint8Array(300))
  receive.taken(200)
  t.is(control.unsaidBytes, 200)
  t.deepEqual(control.pull(4), { kind: 'credit', id: 4, consumed: 200, limit: 1_200 })
  t.is(control.unsaidBytes, 0)
  control.say('resume')
  t.deepEqual(control.pull(4), {
    kind: 'resume',
    id: 4,
    received: 300,
    consumed: 200,
    limit: 1_200,
  })
  control.say('close')
  t.deepEqual(control.pull(4), { kind: 'close', id: 4, consumed: 200 })
})

test('ACCEPT makes RESUME and CREDIT needless; OPEN on another way does not', (t) => {
  const control = received(10, 10)
  control.say('resume')
  control.say('credit')
  control.numbers()
  t.true(control.isWaiting('resume') && control.isWaiting('credit'))
  control.restatement()
  t.deepEqual(drain(control), [])
})

test('a word that was dropped is not said', (t) => {
  const control = received(10, 10)
  control.say('credit')
  control.drop('credit')
  t.is(control.pull(2), undefined)
})
