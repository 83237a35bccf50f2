/** Tests the demo's voice: which lines it writes, on a terminal and elsewhere. */
import { Writable } from 'node:stream'
import { WriteStream } from 'node:tty'
import { stripVTControlCharacters } from 'node:util'
import test from 'ava'
import { countText, messageOf, Narrator, type Stage, secondsText } from '../../demo/narration.ts'
import { Fault } from '../../shared/protocol/fault.ts'

// Whatever the machine says of colours, these tests say it themselves.
delete process.env.FORCE_COLOR
delete process.env.NO_COLOR
// Node takes a machine that judges changes for one without colours.
delete process.env.CI
process.env.TERM = 'xterm-256color'

test.serial('elsewhere only finished lines are written, without any escape', async (t) => {
  const { stage, text } = openStage()
  const narrator = new Narrator(stage)
  const value = await narrator.step('cloud', 'relay', async (progress) => {
    progress('half way')
    return { text: 'relay there', value: 7 }
  })
  narrator.draft('a draft')
  narrator.point('Status', 'http://127.0.0.1:9470/status')
  t.is(value, 7)
  t.regex(text(), /^ {2}✓ cloud {11}relay there +0\.0 s\n {2}➜ Status {10}http:\/\/127\S+\n$/)
})

test.serial('a step that fails says why, with its code, and throws on', async (t) => {
  const { stage, text } = openStage()
  const failing = new Narrator(stage).step('cloud', 'relay', async () => {
    throw new Fault('port_in_use', 'Port 1 is taken.')
  })
  await t.throwsAsync(failing, { message: 'Port 1 is taken.' })
  t.regex(text(), /^ {2}✗ cloud {11}relay: Port 1 is taken\. \(port_in_use\) +\d\.\d s\n$/)
})

test.serial('a step that is interrupted is neither kept nor broken', async (t) => {
  const { stage, screen } = openStage(100)
  const interrupted = new Narrator(stage).step('cloud', 'relay', async () => {
    throw new Fault('shutdown')
  })
  await t.throwsAsync(interrupted, { code: 'shutdown' })
  t.deepEqual(screen(), [''])
})

test.serial('a terminal has colours, unless NO_COLOR is set', (t) => {
  const cyan = '\u001B[36m'
  const { stage, text } = openStage(100)
  new Narrator(stage).point('Status', 'up')
  t.true(text().includes(cyan))
  process.env.NO_COLOR = '1'
  try {
    const plain = openStage(100)
    new Narrator(plain.stage).point('Status', 'up')
    t.false(plain.text().includes(cyan))
    t.deepEqual(plain.screen(), ['  ➜ Status          up', ''])
  } finally {
    delete process.env.NO_COLOR
  }
})

test.serial('a terminal shows the step that runs, and then its line alone', async (t) => {
  const { stage, text, screen } = openStage(100)
  const narrator = new Narrator(stage)
  const { promise, resolve } = Promise.withResolvers<void>()
  const step = narrator.step('cloud', 'relay', async (progress) => {
    progress('half way')
    await promise
    return { text: 'relay there', value: undefined }
  })
  t.deepEqual(screen(), ['  … cloud           relay: half way'])
  resolve()
  await step
  t.regex(screen()[0] ?? '', /^ {2}✓ cloud {11}relay there +0\.0 s$/)
  t.is(screen()[1], '')
  t.true(text().includes('\u001B['))
})

test('a line that stays goes above the draft, and the draft is cut to the terminal', (t) => {
  const { stage, screen } = openStage(20)
  const narrator = new Narrator(stage)
  narrator.draft('messages 1 of 1 and so on')
  narrator.say('cut')
  t.deepEqual(screen(), ['cut', 'messages 1 of 1 an…'])
  narrator.draft('')
  t.deepEqual(screen(), ['cut', ''])
})

test('what is counted, measured or thrown is written as people read it', (t) => {
  t.is(countText(10_000), '10,000')
  t.is(secondsText(1_249), '1.2 s')
  t.is(messageOf(new Fault('usage', 'Wrong (usage).')), 'Wrong (usage).')
  t.is(messageOf('no error'), 'no error')
})

/**
 * A stage that remembers; with columns it is a terminal, with colours unless the machine says no.
 */
function openStage(columns?: number): {
  readonly stage: Stage
  readonly text: () => string
  readonly screen: () => readonly string[]
} {
  const pieces: string[] = []
  const stream = new Writable({
    write(piece, _, done) {
      pieces.push(String(piece))
      done()
    },
  })
  const getColorDepth = (): number => WriteStream.prototype.getColorDepth.call(stream)
  const terminal = { isTTY: true, columns, getColorDepth }
  const stage = columns === undefined ? stream : Object.assign(stream, terminal)
  const text = (): string => pieces.join('')
  return { stage, text, screen: () => screenOf(text()) }
}

/**
 * What stands on a terminal after this text: a line begins anew wherever the cursor was put to 0.
 */
function screenOf(text: string): readonly string[] {
  return text.split('\n').map((line) => {
    const drawings = line.split('\u001B[1G')
    return stripVTControlCharacters(drawings.at(-1) ?? '')
  })
}
