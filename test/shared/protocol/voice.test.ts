/**
 * What one port says first: last words, control, then bytes in turn; and that none of it piles
 * up.
 */
import test from 'ava'
import type { Frame } from '../../../shared/protocol/frame.ts'
import { lastWordsMax, Voice } from '../../../shared/protocol/voice.ts'

/** A member with control frames and bytes to say. */
interface Member {
  readonly id: number
  control: number
  data: number
}

function voiceOf(): { readonly voice: Voice<Member>; readonly wakes: () => number } {
  let wakes = 0
  const voice = new Voice<Member>({
    control: (member) => {
      if (member.control === 0) return undefined
      member.control -= 1
      return { kind: 'resync', id: member.id }
    },
    hasData: (member) => member.data > 0,
    data: (member) => {
      member.data -= 1
      return { kind: 'data', id: member.id, offset: 0, bytes: new Uint8Array(1) }
    },
    wake: () => {
      wakes += 1
    },
  })
  return { voice, wakes: () => wakes }
}

function drain(voice: Voice<Member>, dataAllowed = true): readonly string[] {
  const said: string[] = []
  let frame: Frame | undefined
  for (frame = voice.pull(dataAllowed); frame !== undefined; frame = voice.pull(dataAllowed)) {
    said.push(`${frame.kind} ${'id' in frame ? frame.id : ''}`)
  }
  return said
}

test('last words go first, then control, then bytes in turn', (t) => {
  const { voice, wakes } = voiceOf()
  const one = { id: 1, control: 1, data: 2 }
  const two = { id: 2, control: 0, data: 2 }
  voice.hasData(one)
  voice.hasData(two)
  voice.hasControl(one)
  voice.sayLast({ kind: 'void', id: 9 })
  t.is(wakes(), 4)
  const expected = ['void 9', 'resync 1', 'data 1', 'data 2', 'data 1', 'data 2']
  t.deepEqual(drain(voice), expected)
})

test('rule 34: while enough is in flight control is said, and bytes are not', (t) => {
  const { voice } = voiceOf()
  const member = { id: 1, control: 1, data: 1 }
  voice.hasControl(member)
  voice.hasData(member)
  t.deepEqual(drain(voice, false), ['resync 1'])
  t.deepEqual(drain(voice, true), ['data 1'])
})

test('X4: last words are one an id, and the oldest of too many are dropped', (t) => {
  const { voice } = voiceOf()
  for (let count = 0; count < 100_000; count += 1) voice.sayLast({ kind: 'void', id: 7 })
  t.deepEqual(drain(voice), ['void 7'])
  for (let id = 0; id < 100_000; id += 1) voice.sayLast({ kind: 'void', id })
  const said = drain(voice)
  t.is(said.length, lastWordsMax)
  t.is(said.at(-1), 'void 99999')
  t.is(voice.lastWordsDropped, 100_000 - lastWordsMax)
  t.is(voice.lastWordsWaiting, 0)
})

test('a later last word of the same id takes the place of the earlier', (t) => {
  const { voice } = voiceOf()
  voice.sayLast({ kind: 'void', id: 7 })
  voice.sayLast({ kind: 'reset', id: 7, code: 'expired' })
  t.deepEqual(drain(voice), ['reset 7'])
})

test('VOID takes the place of no other last word: who is told RESET must not seek on', (t) => {
  const { voice } = voiceOf()
  voice.sayLast({ kind: 'reset', id: 7, code: 'revoked' })
  voice.sayLast({ kind: 'void', id: 7 })
  t.deepEqual(drain(voice), ['reset 7'])
})

test('a cut silences the members and keeps the last words; a new session forgets them', (t) => {
  const { voice } = voiceOf()
  const member = { id: 1, control: 1, data: 1 }
  const speak = () => {
    voice.hasControl(member)
    voice.hasData(member)
    voice.sayLast({ kind: 'void', id: 9 })
  }
  speak()
  voice.hush()
  t.deepEqual(drain(voice), ['void 9'])
  speak()
  voice.forget()
  t.deepEqual(drain(voice), [])
})

test('a member that is gone says nothing', (t) => {
  const { voice } = voiceOf()
  const member = { id: 1, control: 1, data: 1 }
  voice.hasControl(member)
  voice.hasData(member)
  voice.delete(member)
  t.deepEqual(drain(voice), [])
})
