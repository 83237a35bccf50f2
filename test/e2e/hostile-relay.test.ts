/**
 * A captured relay, with the relay's own certificate and key, against a live agent: it reaches
 * nothing that the agent does not expose, it neither ends the agent nor makes it grow, and once
 * an honest relay is back at the same address, the agent is back too.
 */
import test, { type ExecutionContext } from 'ava'
import type { WireCode } from '../../shared/protocol/fault.ts'
import type { Frame, FrameKind, FrameOf } from '../../shared/protocol/frame.ts'
import { frameBytesMax, noSession } from '../../shared/protocol/frame.ts'
import { u48Max } from '../../shared/protocol/layout.ts'
import { Chance } from '../simulation/chance.ts'
import type { Closing, FrameSocket } from '../support/frame-socket.ts'
import { samples } from '../support/frames.ts'
import { Corpus } from '../support/hostile-frames.ts'
import { HostileRelay, welcomeFrame } from '../support/hostile-relay.ts'
import { mebibyte, residentBytes } from '../support/memory.ts'
import { consumerOf, echoes, startEcho, startTarget } from '../support/tcp.ts'
import { openTunnel, type Tunnel } from '../support/tunnel.ts'
import { within } from '../support/within.ts'

const slackBytes = 64 * mebibyte
let keys = 0

function openFrame(change: Partial<FrameOf<'open'>> = {}): FrameOf<'open'> {
  keys += 1
  return {
    ...samples.open,
    id: 2 * keys + 1,
    key: keys.toString(16).padStart(32, '0'),
    attributes: [],
    ...change,
  }
}

/** The agent comes to the captured relay from now on, as it would to its own. */
function capture(tunnel: Tunnel, captured: HostileRelay): void {
  const { proxy } = tunnel.agent('plant-1')
  proxy.targetPort = captured.port
  proxy.cut()
}

/** The honest relay is at the same address again: the agent comes back, and serves. */
async function release(t: ExecutionContext, tunnel: Tunnel): Promise<void> {
  const { process: agent, proxy } = tunnel.agent('plant-1')
  const from = agent.here
  proxy.targetPort = tunnel.listenPort
  proxy.cut()
  await agent.waitForMessage('link ready', { from, deadlineMs: 60_000 })
  const consumer = await consumerOf(tunnel.port('plant-1/any'))
  t.true(await echoes(consumer, 'back'))
  // What the captured relay said of windows and times is forgotten: a cut is only a pause.
  proxy.cut()
  t.true(await echoes(consumer, 'still here'))
  consumer.destroy()
}

test.serial('a captured relay reaches what is exposed, and nothing else (S1)', async (t) => {
  t.timeout(240_000)
  await using echo = await startEcho()
  await using canary = await startTarget()
  await using tunnel = await openTunnel({
    services: {
      'plant-1/any': { target: echo.port },
      'plant-1/fenced': { target: `localhost:${canary.port}`, within: ['10.0.0.0/8'] },
    },
  })
  await using captured = await HostileRelay.start(tunnel)
  capture(tunnel, captured)
  using relay = await captured.welcomed()
  const honest = openFrame({ to: 'plant-1/any' })
  relay.send(honest)
  await relay.take('accept', honest.id)
  t.is(echo.accepted, 1)

  const asked = [...namesOf(canary.port), 'plant-1/fenced']
  t.true(asked.length >= 60)
  for (const to of asked) {
    for (const established of [false, true]) {
      const open = openFrame({ to, established, from: 'agent/plant-1' })
      relay.send(open)
      const { code } = await relay.take('refuse', open.id)
      t.is(code, established ? 'unknown_stream' : refusalOf(to), to)
    }
  }
  t.is(canary.accepted, 0)
  t.is(echo.accepted, 1)
  await release(t, tunnel)
})

const refusalOf = (to: string): WireCode =>
  to === 'plant-1/fenced' ? 'target_denied' : 'unknown_service'

/** Services that are not exposed, addresses as names, tricks with paths, and others' names. */
function namesOf(port: number): readonly string[] {
  const hosts = ['127.0.0.1', 'localhost', '[::1]', '0.0.0.0', '127.1', '2130706433', '0x7f.1']
  const places = hosts.map((host) => `${host}:${port}`)
  const schemes = ['tcp://', 'http://', '//', 'plant-1/', 'plant-1/any/', 'plant-1/any@']
  const ofPlaces = schemes.flatMap((scheme) => places.map((place) => `${scheme}${place}`))
  return [
    ...places,
    ...ofPlaces,
    `plant-1/any:${port}`,
    `plant-1/any?target=127.0.0.1:${port}`,
    `plant-1/any#${port}`,
    'plant-1/any/..',
    'plant-1/any/../fenced',
    'plant-1/./any',
    'plant-1//any',
    '/plant-1/any',
    'plant-1/any/',
    'plant-1/%61ny',
    'plant-1/ANY',
    'Plant-1/any',
    'plant-1/any ',
    ' plant-1/any',
    'plant-1/ａny',
    'plant-1\\any',
    'plant-1',
    'any',
    '/any',
    '',
    '*',
    'plant-1/*',
    'plant-1/__proto__',
    'plant-1/constructor',
    'plant-1/toString',
    'plant-2/any',
    'crm-1/any',
    'agent/plant-1',
    'agent/plant-1/any',
    'plant-1/169.254.169.254',
    'plant-1/admin',
    'x'.repeat(255),
  ]
}

/** What a relay may say before, in and instead of its WELCOME, and how the carrier ends by it. */
const welcomes: readonly (readonly [what: string, frames: readonly Said[], closing: Closing])[] = [
  ['version 0', [welcomeFrame({ version: 0 })], ending('version_unsupported')],
  ['version 2', [welcomeFrame({ version: 2 })], ending('version_unsupported')],
  ['version 255', [welcomeFrame({ version: 255 })], ending('version_unsupported')],
  [
    'a session resumed that was not asked for',
    [welcomeFrame({ resumed: true, session: 'ffffffffffffffff' })],
    ending('frame_unexpected'),
  ],
  ['HELLO', [samples.hello], ending('frame_unexpected')],
  ['GONE', [samples.gone], ending('frame_unexpected')],
  ['SERVICES', [samples.services], ending('frame_unexpected')],
  ['OPEN', [samples.open], ending('frame_unexpected')],
  ['DATA', [samples.data], ending('frame_unexpected')],
  ['RESET', [samples.reset], ending('frame_unexpected')],
  ['VOID', [samples.void], ending('frame_unexpected')],
  ['PINGs and an OPEN', [...manyPings(), samples.open], ending('frame_unexpected')],
  ['GOAWAYs and an OPEN', [...manyGoaways(), samples.open], ending('frame_unexpected')],
  ['an empty frame', [new Uint8Array(0)], ending('frame_malformed')],
  ['text', ['WELCOME'], { code: 1003, reason: 'message_invalid' }],
  ['too much', [new Uint8Array(frameBytesMax + 1)], { code: 1009, reason: '' }],
]

type Said = Frame | Uint8Array | string

function ending(reason: string): Closing {
  return { code: 1008, reason }
}

function manyPings(): readonly Frame[] {
  return Array.from({ length: 2_000 }, (_, echo) => ({ kind: 'ping', echo, bytesSent: u48Max }))
}

function manyGoaways(): readonly Frame[] {
  return Array.from({ length: 2_000 }, () => samples.goaway)
}

test.serial(
  'whatever comes in the place of WELCOME ends that carrier alone (W7, X4)',
  async (t) => {
    t.timeout(360_000)
    await using echo = await startEcho()
    await using tunnel = await openTunnel({
      services: { 'plant-1/any': { target: echo.port } },
      agentLimits: { carriers: 1 },
    })
    await using captured = await HostileRelay.start(tunnel)
    capture(tunnel, captured)
    for (const [what, said, closing] of welcomes) {
      // A good one first, after which the agent comes back at once.
      using good = await captured.welcomed()
      good[Symbol.dispose]()
      using relay = await captured.next()
      await relay.take('hello')
      for (const one of said) relay.send(one)
      t.deepEqual(await within(`end after ${what}`, relay.closed), closing, what)
      t.deepEqual(relay.takeAll(), [], `nothing is said before WELCOME (${what})`)
    }
    const { records } = tunnel.agent('plant-1').process
    t.true(records.filter(({ code }) => code === 'drain').length <= 1)
    await release(t, tunnel)
  },
)

/** A WELCOME that is believed although its numbers are absurd. */
const absurd: readonly Partial<FrameOf<'welcome'>>[] = [
  { livenessMs: 0 },
  { resumeWindowMs: 0 },
  { streamsMax: 0, carriersMax: 0 },
  { session: noSession },
  { routes: 0xffffffff },
  {
    livenessMs: 0xffffffff,
    resumeWindowMs: 0xffffffff,
    streamsMax: 0xffffffff,
    carriersMax: 255,
    routes: 0xffffffff,
  },
]

test.serial('the numbers of a captured relay are forgotten with it (W7)', async (t) => {
  t.timeout(360_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel({
    services: { 'plant-1/any': { target: echo.port } },
    agentLimits: { carriers: 1 },
  })
  await using captured = await HostileRelay.start(tunnel)
  for (const change of absurd) {
    capture(tunnel, captured)
    using relay = await captured.welcomed(change)
    const open = openFrame({ to: 'plant-1/any' })
    relay.send(open)
    await relay.take('accept', open.id)
    await release(t, tunnel)
  }
  t.is(tunnel.agent('plant-1').process.isRunning, true)
})

/** What ends a carrier of a relay, or its turn: who was displaced stays away for half a minute. */
const never: readonly FrameKind[] = ['hello', 'gone', 'services', 'welcome', 'goaway']
const hostileMessages = 10_000

test.serial(
  '10,000 hostile frames neither end an agent nor make it grow (R4, R5, X4)',
  async (t) => {
    t.timeout(360_000)
    await using echo = await startEcho()
    await using tunnel = await openTunnel({
      services: { 'plant-1/any': { target: echo.port } },
      agentLimits: { carriers: 1 },
    })
    const { process: agent } = tunnel.agent('plant-1')
    await using captured = await HostileRelay.start(tunnel)
    capture(tunnel, captured)
    const chance = new Chance(20_260_730)
    const corpus = new Corpus(chance)
    using first = await captured.welcomed()
    await flood(first, corpus, 500)
    first[Symbol.dispose]()
    const resident = residentBytes(agent.pid)
    for (let carriers = 0; carriers < 10; carriers += 1) {
      using relay = await captured.welcomed({ routes: chance.between(0, 10_000) })
      await flood(relay, corpus, hostileMessages / 10)
      relay.send(corpus.malformed())
      t.deepEqual(await within('end of the carrier', relay.closed), ending('frame_malformed'))
    }
    const grownBytes = residentBytes(agent.pid) - resident
    t.true(grownBytes < slackBytes, `the agent has grown by ${grownBytes} bytes`)
    await release(t, tunnel)
    t.deepEqual(
      agent.records.filter(({ code }) => code === 'internal'),
      [],
    )
  },
)

test.serial('streams that a captured relay left behind take no place (S1, X3)', async (t) => {
  t.timeout(360_000)
  await using echo = await startEcho()
  await using tunnel = await openTunnel({
    services: { 'plant-1/any': { target: echo.port } },
    agentLimits: { streamsMax: 50, carriers: 1 },
  })
  await using captured = await HostileRelay.start(tunnel)
  capture(tunnel, captured)
  using relay = await captured.welcomed()
  for (let count = 0; count < 500; count += 1) {
    const from = count % 2 === 0 ? 'agent/crm-1' : 'address/10.0.0.1'
    relay.send(openFrame({ to: 'plant-1/any', from }))
  }
  await relay.settled()
  const refused = relay.takeAll().filter((frame) => frame.kind === 'refuse')
  t.is(refused.length, 450)
  t.true(refused.every(({ code }) => code === 'overloaded'))
  t.true(echo.accepted <= 50)
  await release(t, tunnel)
})

async function flood(relay: FrameSocket, corpus: Corpus, messages: number): Promise<void> {
  for (let count = 0; count < messages; count += 1) relay.send(corpus.readable(never))
  await relay.settled()
}
