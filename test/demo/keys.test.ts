/** Tests the hot keys, on a terminal that is only pretended. */
import { PassThrough } from 'node:stream'
import test from 'ava'
import { listenForKeys } from '../../demo/keys.ts'

test('each key does what it is for, in both cases of its letter, and Ctrl-C quits', (t) => {
  const done: string[] = []
  const input = openTerminal(true)
  {
    using _keys = listenForKeys(input.stream, {
      c: () => void done.push('cut'),
      q: () => void done.push('quit'),
    })
    t.deepEqual(input.modes, [true])
    for (const key of ['c', 'x', 'C', 'cc', '\u0003', 'q']) input.stream.emit('data', key)
  }
  t.deepEqual(done, ['cut', 'cut', 'cut', 'cut', 'quit', 'quit'])
  t.deepEqual(input.modes, [true, false])
  t.true(input.stream.isPaused())
  input.stream.emit('data', 'c')
  t.is(done.length, 6)
})

test('without a terminal there are none', (t) => {
  const input = openTerminal(false)
  t.is(listenForKeys(input.stream, {}), undefined)
  t.deepEqual(input.modes, [])
})

function openTerminal(isTTY: boolean): {
  readonly stream: Parameters<typeof listenForKeys>[0]
  readonly modes: readonly boolean[]
} {
  const modes: boolean[] = []
  const setRawMode = (mode: boolean): void => void modes.push(mode)
  return { stream: Object.assign(new PassThrough(), { isTTY, setRawMode }), modes }
}
