/**
 * The demo as a user runs it: it keeps its promises, says so, and leaves nothing behind.
 */
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { Child } from '../support/process.ts'
import { serialTestWith } from '../support/program.ts'
import { entryPoint } from '../support/sallyport.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { within } from '../support/within.ts'

const deadlineMs = 300_000

test.serial('with the embedded broker every promise is kept', async (t) => {
  await keepsItsPromises(t, 'embedded', /on premises +aedes 1\.\d+\.\d+, listens on 127\.0\.0\.1/)
})

serialTestWith('mosquitto')('with Mosquitto every promise is kept', async (t) => {
  const broker = /on premises +Mosquitto \d+\.\d+\.\d+, listens on 127\.0\.0\.1/
  await keepsItsPromises(t, 'mosquitto', broker)
})

serialTestWith('mosquitto', 'rabbitmq-server')('all transports are checked', async (t) => {
  await keepsItsPromises(t, 'mosquitto', /on premises +RabbitMQ \d+\.\d+\.\d+, listens on/, [
    /on premises +todo server over socket\.io, listens on 127\.0\.0\.1:\d+ only/,
    /on premises +todo server over amqp, listens on 127\.0\.0\.1:\d+ only/,
    /promise +socket\.io: 2 tabs and a late third agree after edits, checks and deletions/,
    /promise +socket\.io: cut twice in mid-edit, nothing lost; the other tab has it after/,
    /promise +amqp: 2 tabs and a late third agree after edits, checks and deletions/,
    /promise +amqp: cut twice in mid-edit, nothing lost; the other tab has it after/,
  ])
})

test.serial('it stays until it is interrupted, however often, and cleans up', async (t) => {
  t.timeout(deadlineMs)
  await using folder = await temporaryFolder()
  await using demo = startDemo(folder.path, '--broker', 'embedded')
  await demo.waitForLine(/Ctrl-C ends it/, { deadlineMs })
  t.true(demo.lines.some((line) => /Todo list +http:\/\/localhost:\d+ /.test(line)))
  t.true(demo.lines.some((line) => /Live path +http:\/\/localhost:\d+\/path /.test(line)))
  t.true(demo.lines.some((line) => /mosquitto_sub -h localhost -p \d+ -t todomvc -v/.test(line)))
  // As npm does: once for the terminal, once for npm.
  demo.signal('SIGINT')
  demo.signal('SIGINT')
  t.deepEqual(await demo.waitForExit(), { status: 0, signal: null })
  await leftNothing(t, demo, folder.path)
})

test.serial('an interruption in the middle ends it as well, and is no success', async (t) => {
  t.timeout(deadlineMs)
  await using folder = await temporaryFolder()
  await using demo = startDemo(folder.path, '--check', '--broker', 'embedded')
  await demo.waitForLine(/✓ agent plant-1/, { deadlineMs })
  demo.signal('SIGTERM')
  t.deepEqual(await demo.waitForExit(), { status: 1, signal: null })
  t.regex(demo.lines.join('\n'), /✗ The demo was stopped before its end\. \(shutdown\)/)
  await leftNothing(t, demo, folder.path)
})

/** Over MQTT alone; with further promises, over all that can run. */
async function keepsItsPromises(
  t: ExecutionContext,
  kind: string,
  broker: RegExp,
  further: readonly RegExp[] = [],
): Promise<void> {
  t.timeout(deadlineMs)
  await using folder = await temporaryFolder()
  const transport = further.length > 0 ? [] : ['--transport', 'mqtt']
  await using demo = startDemo(folder.path, '--check', '--broker', kind, ...transport)
  t.deepEqual(await demo.waitForExit(deadlineMs), { status: 0, signal: null })
  const told = demo.lines.join('\n')
  for (const promise of [
    /certificates +own CA; relay, agents plant-1 and office-1; keys 0600/,
    /cloud +relay wss:\/\/localhost:\d+, TLS 1\.3 only/,
    broker,
    ...further,
    /on premises +todo server over mqtt, listens on 127\.0\.0\.1:\d+ only/,
    /on premises +Raspberry Pi pi1 \(simulated\), listens on nothing/,
    /agent plant-1 +dialled out, 2 carriers, [\d.]+ ms, listens on nothing/,
    /agent office-1 +dialled out, 2 carriers, [\d.]+ ms, forwards on 127\.0\.0\.1:\d+ and :\d+/,
    /promise +MQTT by TCP \d+ and by wss:\/\/localhost:\d+\/mqtt, a message each way/,
    /promise +10,000 QoS 1 messages, 5 cuts: 0 lost, 0 doubled, in order; longest pause/,
    /promise +relay killed, restarted: a forward's stream goes on, 0 lost; pause/,
    /promise +no certificate: refused, 401 certificate_missing/,
    /promise +unlisted service plant-1\/ssh: refused, denied_by_policy in both logs/,
    /promise +page of https:\/\/elsewhere\.example: refused, 403 origin_denied/,
    /promise +mqtt: 2 tabs and a late third agree after edits, checks and deletions/,
    /promise +mqtt: cut twice in mid-edit, nothing lost; the other tab has it after [\d.]+ s/,
    /promise +10 presses of pi1: light on and one entry; checked: light off/,
    /promise +a click from https:\/\/elsewhere\.example: refused, 403; by a foreign name: 421/,
  ]) {
    t.regex(told, new RegExp(`✓ ${promise.source}.* [\\d.]+ s$`, 'm'))
  }
  t.notRegex(told, /✗/)
  // The second broker has a line of its own.
  const kept = 17 + further.length + (further.length > 0 ? 1 : 0)
  t.regex(demo.output, new RegExp(`^${kept} of ${kept} promises kept in [\\d.]+ s\n$`))
  await leftNothing(t, demo, folder.path)
}

function startDemo(folder: string, ...flags: readonly string[]): Child {
  const environment = { TMPDIR: folder, SALLYPORT_NAME: 'not-for-the-demo' }
  return new Child(process.execPath, [entryPoint, 'demo', ...flags], { environment })
}

/** Neither a file, nor a process that would still listen on any port that was told. */
async function leftNothing(t: ExecutionContext, demo: Child, folder: string): Promise<void> {
  t.deepEqual(await readdir(folder), [])
  const told = demo.lines.join('\n').matchAll(/(?:localhost|127\.0\.0\.1):(\d+)/g)
  for (const port of new Set([...told].map(([, digits]) => Number(digits)))) {
    const socket = connect(port, '127.0.0.1')
    const refusal = once(socket, 'connect').catch((error: NodeJS.ErrnoException) => error.code)
    t.is(await within('an answer', refusal), 'ECONNREFUSED', `port ${port}`)
    socket.destroy()
  }
}
