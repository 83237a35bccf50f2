/** `sallyport demo device` as a process, and the panel in front of its simulated boards. */
import { PassThrough } from 'node:stream'
import test from 'ava'
import { connectAsync } from 'mqtt'
import { Panel } from '../../../demo/device/panel.ts'
import { startMosquitto } from '../../support/mosquitto.ts'
import { Child } from '../../support/process.ts'
import { testWith } from '../../support/program.ts'
import { entryPoint } from '../../support/sallyport.ts'
import { patienceMs } from '../../support/within.ts'

function deviceProcess(line: string, input = ''): Child {
  return new Child(process.execPath, [entryPoint, 'demo', 'device', ...line.split(' ')], { input })
}

testWith('mosquitto')('lines on standard input click; SIGTERM ends it in order', async (t) => {
  await using broker = await startMosquitto()
  const listener = await connectAsync(`mqtt://127.0.0.1:${broker.port}`)
  try {
    const clicks: string[] = []
    const { promise: heard, resolve } = Promise.withResolvers<void>()
    listener.on('message', (_topic, payload) => {
      clicks.push(JSON.parse(payload.toString()).clientId)
      if (clicks.length === 4) resolve()
    })
    await listener.subscribeAsync('/Devices/status', { qos: 1 })
    const line = `--id pi1 --id pi2 --board simulated --broker mqtt://127.0.0.1:${broker.port}`
    const input = 'click\nclick pi2\nclick pi2\nnonsense\nclick pi9\nclick pi1\n'
    await using child = deviceProcess(line, input)
    await child.waitForLine(/"simulated".*wanted so/)
    await heard
    t.deepEqual(clicks.sort(), ['pi1', 'pi1', 'pi2', 'pi2'])
    t.deepEqual(await child.end(patienceMs), { status: 0, signal: null })
    t.true(child.lines.some((one) => one.includes('the devices stop: SIGTERM')))
    t.is(child.output, '', 'standard output is for data')
  } finally {
    await listener.endAsync(true)
  }
})

testWith('mosquitto')('a name that is taken ends it with its code', async (t) => {
  await using broker = await startMosquitto()
  const line = `--id pi1 --broker mqtt://127.0.0.1:${broker.port}`
  await using first = deviceProcess(line)
  await first.waitForLine(/"device ready"/)
  await using second = deviceProcess(line)
  t.deepEqual(await second.waitForExit(), { status: 1, signal: null })
  const said = second.lines.join('\n')
  t.regex(said, /✗ Another device is connected as "pi1".*\(device_taken\)/)
  t.regex(said, /More: sallyport explain device_taken/)
  await first.waitForLine(/another device has asked for this id, and was refused/)
  t.true(first.isRunning)
})

test('a broker that is away is waited for, and a password is not told', async (t) => {
  await using child = deviceProcess('--id pi1 --broker mqtt://plant:secret@127.0.0.1:1')
  const [line] = await child.waitForLine(/.*no connection to the broker, trying again.*/)
  t.regex(line, /ECONNREFUSED/)
  t.false(child.lines.join('\n').includes('secret'))
})

test('several devices share no pins', async (t) => {
  await using child = deviceProcess('--id pi1 --id pi2 --board pins')
  t.deepEqual(await child.waitForExit(), { status: 2, signal: null })
  t.deepEqual(child.lines, ['✗ The pins are one board: give one --id. (usage)'])
})

test('keys click, and the line below shows each light', (t) => {
  const stage = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: true, columns: 200 })
  const input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} })
  let quits = 0
  const clicks: string[] = []
  {
    using panel = new Panel(['pi1', 'pi2'], stage)
    const boards = ['pi1', 'pi2'].map((id) => panel.twin(id)?.open(() => clicks.push(id)))
    panel.listen(input, () => {
      quits += 1
    })
    input.emit('data', ' ')
    input.emit('data', '2')
    input.emit('data', '\u0003')
    boards[1]?.show('on')
    panel.stream.write('something in the log\n')
    const line =
      'pi1 ○ light off, 1 click · pi2 ● light on, 1 click · ' +
      'space clicks pi1, 1 to 2 click each, q quits'
    const written = String(stage.read())
    t.true(written.includes(`something in the log\n  ${line}`), written)
  }
  t.deepEqual(clicks, ['pi1', 'pi2'])
  t.is(quits, 1)
  input.emit('data', ' ')
  t.is(clicks.length, 2)
})
