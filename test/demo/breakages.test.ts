/**
 * Tests what the hot keys do, on a whole scene: it breaks, it comes back, and no stream is lost.
 */
import { PassThrough } from 'node:stream'
import test from 'ava'
import { Account } from '../../demo/account.ts'
import { breakages } from '../../demo/breakages.ts'
import { BrokerClient } from '../../demo/clients.ts'
import { mqttService } from '../../demo/cloud.ts'
import { Narrator } from '../../demo/narration.ts'
import { Processes } from '../../demo/processes.ts'
import { Sequence } from '../../demo/sequence.ts'
import { openScene } from '../../demo/story.ts'
import { temporaryFolder } from '../support/temporary.ts'

test('whatever is broken by hand comes back, and the stream of the forward goes on', async (t) => {
  t.timeout(240_000)
  await using scope = new AsyncDisposableStack()
  const { path: folder } = scope.use(await temporaryFolder())
  const { signal } = new AbortController()
  const processes = scope.use(new Processes(folder, signal))
  const account = new Account(new Narrator(new PassThrough().resume()), processes, signal)
  const plan = {
    folder,
    processes,
    broker: 'embedded',
    transports: ['mqtt'],
    wishPorts: false,
    signal,
  } as const
  const scene = await openScene(plan, account, scope)
  await using forward = await BrokerClient.overTcp(scene.office.mqttPort, signal)
  await using ingress = await BrokerClient.overTcp(scene.cloud.portOf(mqttService), signal, 'test')
  const way = { from: forward, to: forward, topic: 'test', word: 'beat', aheadMax: 10 }
  const sequence = await Sequence.open(way)
  const asides: string[] = []
  const say = (line: string): void => void asides.push(line)
  const told: string[] = []
  for (const { run } of Object.values(breakages)) {
    sequence.send(1)
    const running = run({ scene, sequence, forward, ingress, say })
    sequence.send(1)
    told.push(await running)
  }
  await sequence.settles({ withinMs: 10_000, signal })
  t.is(sequence.heard, 2 * told.length)
  t.regex(told[0] ?? '', /^4 carriers reset; both agents were back .*; no stream was lost$/)
  t.regex(told[1] ?? '', /^messages flowed again [\d.]+ s after its end; no stream was lost$/)
  t.regex(told[2] ?? '', /^another relay serves after [\d.]+ s; no stream was lost; /)
  t.is(asides.filter((line) => /agent \S+ noticed it after [\d.]+ s$/.test(line)).length, 2)
  t.is(forward.closes, 0)
  t.is(ingress.connects, 2)
})
