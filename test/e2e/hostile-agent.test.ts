/**
 * An agent with a real certificate that floods its relay: 50,000 messages that no honest agent
 * sends, before and after HELLO, while an honest stream goes on. Every one of them is refused as
 * what it is.
 */
import test, { type ExecutionContext } from 'ava'
import { encode, type FrameKind, type FrameOf, frameBytesMax } from '../../shared/protocol/frame.ts'
import { Chance } from '../simulation/chance.ts'
import type { Closing } from '../support/frame-socket.ts'
import { samples } from '../support/frames.ts'
import { exchange } from '../support/hash.ts'
import { HostileAgent, helloFrame } from '../support/hostile-agent.ts'
import { Corpus } from '../support/hostile-frames.ts'
import { mebibyte, residentBytes } from '../support/memory.ts'
import { consumerOf, startEcho, type TcpTarget } from '../support/tcp.ts'
import { openTunnel, type Tunnel } from '../support/tunnel.ts'
import { within } from '../support/within.ts'

const mallory = 'mallory'
const seed = 20_260_730
const carriersBeforeHello = 200
const messagesBeforeHello = 50
const carriersAfterHello = 80
const messagesAfterHello = 500
/** What the collector may leave lying about. */
const slackBytes = 64 * mebibyte
/** What ends a carrier of an agent at any time. */
const never: readonly FrameKind[] = ['welcome']

test('50,000 hostile messages of a proved agent are refused, unnoticed (R4, R6, X4)', async (t) => {
  t.timeout(240_000)
  await using echo = await startEcho()
  await using tunnel = await floodedTunnel(echo)
  const honest = new HonestStream(tunnel)
  await honest.begin()
  await before(t, tunnel, new Chance(1), 5)
  await after(t, tunnel, new Chance(2), 5)
  const resident = residentBytes(tunnel.relay.pid)

  await before(t, tunnel, new Chance(seed), carriersBeforeHello)
  await after(t, tunnel, new Chance(seed + 1), carriersAfterHello)

  const grownBytes = residentBytes(tunnel.relay.pid) - resident
  t.true(grownBytes < slackBytes, `the relay has grown by ${grownBytes} bytes`)
  const health = await fetch(`http://127.0.0.1:${tunnel.adminPort}/healthz`)
  t.is(health.status, 200, await health.text())
  t.true(await honest.end(t))
  const { records } = tunnel.agent('plant-1').process
  t.is(records.filter(({ message }) => message === 'link ready').length, 1)
  t.deepEqual(
    tunnel.relay.records.filter(({ code }) => code === 'internal'),
    [],
  )
})

/** The agent `plant-1` with an echo; `mallory` may open some streams to it. */
async function floodedTunnel({ port }: TcpTarget): Promise<Tunnel> {
  return await openTunnel({
    services: { 'plant-1/any': { target: port } },
    forwards: { [mallory]: [] },
    absent: [mallory],
    // That its link was never lost is owed to the relay, and not to how busy the machine is.
    relayLimits: { liveness: '1m' },
    policy: [
      { rule: 'this machine', from: ['127.0.0.1'], to: ['plant-1/any'] },
      { rule: 'mallory', from: [`agent/${mallory}`], to: ['plant-1/any'] },
    ],
  })
}

/** Carriers whose first message is no good HELLO; what follows it is not even looked at. */
async function before(
  t: ExecutionContext,
  tunnel: Tunnel,
  chance: Chance,
  carriers: number,
): Promise<void> {
  const corpus = new Corpus(chance)
  // For the HELLO that comes too late: what is known of this life.
  using first = await HostileAgent.connect(tunnel, mallory)
  const known = { epoch: chance.hex(8), attempt: 1_000 }
  first.send(helloFrame(known))
  await first.take('welcome')
  for (let count = 0; count < carriers; count += 1) {
    using agent = await HostileAgent.connect(tunnel, mallory)
    const [wrong, closing] = chance.pick(wrongBeforeHello)(corpus, known)
    agent.send(wrong)
    for (let more = 1; more < messagesBeforeHello; more += 1) agent.send(corpus.readable(never))
    t.deepEqual(await within('end of the carrier', agent.closed), closing)
    t.deepEqual(agent.takeAll(), [], 'nothing is said before HELLO')
  }
}

/** Carriers that are greeted, say much that means nothing, and then what ends a carrier. */
async function after(
  t: ExecutionContext,
  tunnel: Tunnel,
  chance: Chance,
  carriers: number,
): Promise<void> {
  const corpus = new Corpus(chance)
  for (let count = 0; count < carriers; count += 1) {
    const epoch = chance.hex(8)
    using agent = await HostileAgent.connect(tunnel, mallory)
    agent.send(helloFrame({ epoch }))
    await agent.take('welcome')
    for (let more = 1; more < messagesAfterHello; more += 1) agent.send(corpus.readable(never))
    await agent.settled()
    const [wrong, closing] = chance.pick(wrongEver)(corpus)
    agent.send(wrong)
    t.deepEqual(await within('end of the carrier', agent.closed), closing)
  }
}

/** The life of the agent that the relay has seen last. */
type Known = Pick<FrameOf<'hello'>, 'epoch' | 'attempt'>
type Wrong = readonly [message: Uint8Array | string, closing: Closing]

const ending = (reason: string): Closing => ({ code: 1008, reason })

/** What ends a carrier at any time. */
const wrongEver: readonly ((corpus: Corpus) => Wrong)[] = [
  () => ['HELLO', { code: 1003, reason: 'message_invalid' }],
  () => [new Uint8Array(frameBytesMax + 1), { code: 1009, reason: '' }],
  () => [new Uint8Array(0), ending('frame_malformed')],
  (corpus) => [corpus.malformed(), ending('frame_malformed')],
  () => [encode(samples.welcome), ending('frame_unexpected')],
]

/** What ends one that has not been greeted. */
const wrongBeforeHello: readonly ((corpus: Corpus, known: Known) => Wrong)[] = [
  ...wrongEver,
  () => [encode(samples.gone), ending('frame_unexpected')],
  (corpus) => [corpus.readable([...never, 'hello']), ending('frame_unexpected')],
  (corpus) => [corpus.readable([...never, 'hello']), ending('frame_unexpected')],
  () => [encode(helloFrame({ version: 2 })), ending('version_unsupported')],
  () => [encode(helloFrame({ version: 0 })), ending('version_unsupported')],
  (_, known) => [encode(helloFrame(known)), ending('attempt_stale')],
  (_, known) => [encode(helloFrame({ ...known, attempt: 0 })), ending('attempt_stale')],
]

/** One stream that goes on, its bytes hashed at both ends, while others are hostile. */
class HonestStream {
  readonly #tunnel: Tunnel
  #over = false
  #rounds: Promise<readonly boolean[]> | undefined

  constructor(tunnel: Tunnel) {
    this.#tunnel = tunnel
  }

  async begin(): Promise<void> {
    const consumer = await consumerOf(this.#tunnel.port('plant-1/any'))
    const round = async (count: number): Promise<boolean> => {
      const { sent, received } = await exchange(consumer, seed + count, 200_000)
      return sent === received
    }
    const first = await round(0)
    const go = async (): Promise<readonly boolean[]> => {
      const rounds = [first]
      while (!this.#over) rounds.push(await round(rounds.length))
      consumer.destroy()
      return rounds
    }
    this.#rounds = go()
    this.#rounds.catch(() => {})
  }

  /** True when every byte came back unchanged, on the one connection that it had. */
  async end(t: ExecutionContext): Promise<boolean> {
    this.#over = true
    const rounds = (await this.#rounds) ?? []
    t.log(`${rounds.length} rounds of an honest stream`)
    return rounds.length > 3 && rounds.every((same) => same)
  }
}
