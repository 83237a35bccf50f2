/**
 * Tests the account of the demo: a broken promise is counted, shown with its evidence, and thrown.
 */
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { Account } from '../../demo/account.ts'
import { Narrator } from '../../demo/narration.ts'
import { Processes } from '../../demo/processes.ts'
import { Fault } from '../../shared/protocol/fault.ts'
import { temporaryFolder } from '../support/temporary.ts'

test('a broken promise shows what the processes said last, and the others are tried', async (t) => {
  await using folder = await temporaryFolder()
  const { signal } = new AbortController()
  await using processes = new Processes(folder.path, signal)
  const script = 'console.log("the cause"); setInterval(() => {}, 1_000)'
  const child = processes.start({ name: 'relay', program: process.execPath, args: ['-e', script] })
  await child.heard('the cause', (line) => line.includes('the cause') || undefined)
  const stage = new PassThrough()
  const account = new Account(new Narrator(stage), processes, signal)
  await account.promise('the first', async () => 'kept')
  await account.promise('the second', async () => {
    throw new Fault('promise_broken', 'It was lost.')
  })
  await account.promise('the third', async () => 'kept too')
  stage.end()
  const told = await text(stage)
  t.regex(told, /✓ promise +kept .*\n.*✗ promise +the second: It was lost\. \(promise_broken\)/)
  t.regex(told, /the last that relay said:\n +the cause\n.*✓ promise +kept too/)
  t.regex(account.summary, /^2 of 3 promises kept in [\d.]+ s$/)
  t.throws(() => account.throwIfBroken(), {
    code: 'promise_broken',
    message: 'Not kept: the second.',
  })
})

test('a step on which all others stand throws at once', async (t) => {
  const { signal } = new AbortController()
  await using processes = new Processes('.', signal)
  const account = new Account(new Narrator(new PassThrough()), processes, signal)
  const failing = account.step('cloud', 'relay', async () => {
    throw new Fault('port_in_use')
  })
  await t.throwsAsync(failing, { code: 'port_in_use' })
  t.regex(account.summary, /^0 of 1 promises/)
})
