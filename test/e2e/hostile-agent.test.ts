/**
 * An agent with a real certificate that floods its relay: 50,000 messages that no honest agent sends,
 * before and after HELLO, while an honest stream goes on. Every one of them is refused as what it is.
 */
import test, { type ExecutionContext } from 'ava'
import fc from 'fast-check'
import { Fault } from '../../shared/protocol/fault.ts'
import { decode, encode, type FrameOf, frameBytesMax } from '../../shared/protocol/frame.ts'
import { Chance } from '../simulation/chance.ts'
import { arbitraryFrame, samples } from '../support/frames.ts'
import { exchange } from '../support/hash.ts'
import { type Closing, HostileAgent, helloFrame } from '../support/hostile-agent.ts'
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

test('50,000 hostile messages of a proved agent are refused, and nobody notices (R4, R6, X4)', async (t) => {
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
  t.is(health.status, 200)
  t.true(await honest.end(t))
  t.true(tunnel.relay.isRunning)
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
    for (let more = 1; more < messagesBeforeHello; more += 1) agent.send(corpus.acceptable())
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
    for (let more = 1; more < messagesAfterHello; more += 1) agent.send(corpus.acceptable())
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
  () => [encode(samples.gone), ending('frame_unexpected')],
]

/** What ends one that has not been greeted. */
const wrongBeforeHello: readonly ((corpus: Corpus, known: Known) => Wrong)[] = [
  ...wrongEver,
  (corpus) => [corpus.acceptable('hello'), ending('frame_unexpected')],
  (corpus) => [corpus.acceptable('hello'), ending('frame_unexpected')],
  () => [encode(helloFrame({ version: 2 })), ending('version_unsupported')],
  () => [encode(helloFrame({ version: 0 })), ending('version_unsupported')],
  (_, known) => [encode(helloFrame(known)), ending('attempt_stale')],
  (_, known) => [encode(helloFrame({ ...known, attempt: 0 })), ending('attempt_stale')],
]

/** Messages by chance: valid frames of every kind, mutated frames, and what no decoder reads. */
class Corpus {
  readonly #chance: Chance
  readonly #frames: readonly Uint8Array[]

  constructor(chance: Chance) {
    this.#chance = chance
    const opens = Array.from({ length: 100 }, () => encode(this.#honestOpen()))
    const any = fc.sample(arbitraryFrame, { numRuns: 2_000, seed: chance.between(1, 1_000_000) })
    this.#frames = [...any.map((frame) => encode(frame)), ...opens]
  }

  /** A frame that a relay reads, and that ends no carrier after HELLO; none of the kind `but`. */
  acceptable(but?: 'hello'): Uint8Array {
    for (;;) {
      const valid = Buffer.from(this.#chance.pick(this.#frames))
      this.#aim(valid)
      const bytes = this.#chance.happens(0.5) ? this.#mutated(valid) : valid
      const kind = kindOf(bytes)
      if (kind === undefined || kind === 'welcome' || kind === 'gone' || kind === but) continue
      return bytes
    }
  }

  malformed(): Uint8Array {
    for (;;) {
      const bytes = this.#mutated(Buffer.from(this.#chance.pick(this.#frames)))
      if (kindOf(bytes) === undefined) return bytes
    }
  }

  /** Leads half of the frames about streams to ids that may be in use. */
  #aim(frame: Buffer): void {
    const isStreamFrame = (frame[0] ?? 0) >= 0x10
    if (isStreamFrame && this.#chance.happens(0.5)) frame.writeUIntBE(this.#smallId(), 1, 6)
  }

  #mutated(frame: Buffer): Buffer {
    for (let left = this.#chance.between(1, 4); left > 0; left -= 1) {
      frame[this.#chance.between(0, frame.length - 1)] = this.#chance.between(0, 255)
    }
    return frame.subarray(0, this.#chance.happens(0.1) ? this.#chance.between(0, 40) : undefined)
  }

  #honestOpen(): FrameOf<'open'> {
    const key = this.#chance.hex(16)
    return { ...samples.open, id: this.#smallId(), key, to: 'plant-1/any', attributes: [] }
  }

  #smallId(): number {
    return this.#chance.between(0, 60)
  }
}

function kindOf(bytes: Uint8Array): string | undefined {
  try {
    return decode(bytes).kind
  } catch (error) {
    if (error instanceof Fault) return undefined
    throw error
  }
}

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
