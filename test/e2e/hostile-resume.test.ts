/**
 * Resumptions that are not what they say: by another identity, by a life that is over, with
 * positions that never were, twice at once, too late, or said again by a captured relay. Each is
 * refused with a code, and the rightful stream goes on.
 */
import test, { type ExecutionContext } from 'ava'
import type { FrameOf } from '../../shared/protocol/frame.ts'
import { Fleet } from '../support/fleet.ts'
import { HostileAgent, helloFrame, openFrame } from '../support/hostile-agent.ts'
import { HostileRelay, welcomeFrame } from '../support/hostile-relay.ts'
import { consumerOf, echoes, startEcho, type TcpTarget } from '../support/tcp.ts'

const service = 'plant-1/any'
const key = 'abcdefabcdefabcdefabcdefabcdefab'
const id = 2

async function fleetFor(
  relays: number,
  echo: TcpTarget,
  relayLimits: Readonly<Record<string, string>> = {},
): Promise<Fleet> {
  return await Fleet.open(relays, {
    services: { [service]: { target: echo.port } },
    forwards: { owner: [], mallory: [] },
    absent: ['owner', 'mallory'],
    relayLimits,
  })
}

/** An agent that keeps the rules, as far as a test wants, with one stream to the echo. */
class Owner implements Disposable {
  carrier: HostileAgent
  readonly hello: FrameOf<'hello'>
  readonly session: string
  #sent = 0

  private constructor(carrier: HostileAgent, hello: FrameOf<'hello'>, session: string) {
    this.carrier = carrier
    this.hello = hello
    this.session = session
  }

  static async open(
    fleet: Fleet,
    change: Partial<FrameOf<'hello'>> = {},
    named = key,
  ): Promise<Owner> {
    const carrier = await HostileAgent.connect(fleet.door(0), 'owner')
    const hello = helloFrame(change)
    carrier.send(hello)
    const { session } = await carrier.take('welcome')
    carrier.send(Owner.opening({ key: named }))
    await carrier.take('accept', id)
    return new Owner(carrier, hello, session)
  }

  /** The OPEN of its stream, but for what a test changes. */
  static opening(change: Partial<FrameOf<'open'>> = {}): FrameOf<'open'> {
    return openFrame({ id, key, to: service, from: 'agent/owner', ...change })
  }

  /** What is said on the stream comes back. */
  async lives(t: ExecutionContext): Promise<void> {
    const bytes = Uint8Array.of(1, 2, 3)
    this.carrier.send({ kind: 'data', id, offset: this.#sent, bytes })
    const echoed = await this.carrier.take('data', id)
    t.deepEqual([echoed.offset, ...echoed.bytes], [this.#sent, 1, 2, 3])
    this.#sent += bytes.length
  }

  /** Stands where it stands, as it says after RESYNC. */
  resume(): void {
    const received = this.#sent
    const limit = received + 262_144
    this.carrier.send({ kind: 'resume', id, received, consumed: received, limit })
  }

  [Symbol.dispose](): void {
    this.carrier[Symbol.dispose]()
  }
}

test.serial(
  'R1: nobody moves the stream of another identity, whoever he says that he is',
  async (t) => {
    t.timeout(180_000)
    await using echo = await startEcho()
    await using fleet = await fleetFor(1, echo)
    using owner = await Owner.open(fleet)
    await owner.lives(t)
    using mallory = await HostileAgent.greeted(fleet.door(0), 'mallory')
    for (const [at, established] of [false, true].entries()) {
      for (const attachment of [1, 2, 4_294_967_295]) {
        const way = 4 + 100 * at + 2 * (attachment % 7)
        mallory.send(Owner.opening({ id: way, attachment, established }))
        t.is((await mallory.take('refuse', way)).code, 'identity_mismatch')
        await owner.lives(t)
      }
    }
    // A session is no secret that opens anything: it counts with its own certificate only.
    using thief = await HostileAgent.connect(fleet.door(0), 'mallory')
    thief.send(helloFrame({ epoch: owner.hello.epoch, session: owner.session }))
    t.false((await thief.take('welcome')).resumed)
    for (const frame of [
      { kind: 'resume', id, received: 0, consumed: 0, limit: 9 },
      { kind: 'data', id, offset: 3, bytes: Uint8Array.of(9) },
      { kind: 'close', id, consumed: 3 },
    ] as const) {
      thief.send(frame)
      await thief.take('void', id)
    }
    await owner.lives(t)
    t.is(echo.accepted, 1)
  },
)

test.serial(
  'R9: a life that another one has displaced resumes nothing, and ends nothing',
  async (t) => {
    t.timeout(180_000)
    await using echo = await startEcho()
    await using fleet = await fleetFor(1, echo)
    using late = await Owner.open(fleet, { epoch: '1111111111111111' })
    await late.lives(t)
    using owner = await Owner.open(fleet, { epoch: '2222222222222222' }, 'b'.repeat(32))
    t.regex((await late.carrier.closed).reason, /displaced/)
    for (const attempt of [late.hello.attempt + 1, 4_000_000_000]) {
      using again = await HostileAgent.connect(fleet.door(0), 'owner')
      again.send(helloFrame({ epoch: '1111111111111111', session: late.session, attempt }))
      t.regex((await again.closed).reason, /attempt_stale/)
      await owner.lives(t)
    }
  },
)

test.serial(
  'R3: a resumption with positions that never were is refused, and moves nothing',
  async (t) => {
    t.timeout(180_000)
    await using echo = await startEcho()
    await using fleet = await fleetFor(1, echo)
    using owner = await Owner.open(fleet)
    await owner.lives(t)
    let way = id
    for (const position of [4, 2 ** 40]) {
      const numbers = { received: position, consumed: position }
      way += 2
      const wrong = Owner.opening({ id: way, attachment: 9, established: true, ...numbers })
      owner.carrier.send(wrong)
      t.is((await owner.carrier.take('refuse', way)).code, 'never_sent')
      await owner.lives(t)
    }
    // On the way that it has, it is the end of that stream, and of no other.
    const consumer = await consumerOf(fleet.port(0, service))
    t.true(await echoes(consumer, 'before'))
    owner.carrier.send({ kind: 'resume', id, received: 2 ** 40, consumed: 2 ** 40, limit: 2 ** 41 })
    t.is((await owner.carrier.take('reset', id)).code, 'never_sent')
    t.true(await echoes(consumer, 'after'))
    consumer.destroy()
  },
)

test.serial('R7: of two resumptions at once, on two carriers, exactly one is taken', async (t) => {
  t.timeout(180_000)
  await using echo = await startEcho()
  await using fleet = await fleetFor(1, echo)
  using owner = await Owner.open(fleet)
  await owner.lives(t)
  for (let round = 1; round <= 5; round += 1) {
    const attempt = owner.hello.attempt + 1_000 * round
    const twins = await Promise.all(
      [1, 2].map(async () => await HostileAgent.connect(fleet.door(0), 'owner')),
    )
    const hello = helloFrame({ ...owner.hello, session: owner.session, attempt })
    for (const twin of twins) twin.send(hello)
    const answers = await Promise.all(
      twins.map(async (twin) =>
        Promise.race([
          twin.take('welcome').then(({ resumed }) => (resumed ? 'resumed' : 'another session')),
          twin.closed.then(({ reason }) => reason),
        ]).catch(async () => (await twin.closed).reason),
      ),
    )
    t.deepEqual([...answers].sort(), ['attempt_stale', 'resumed'])
    const winner = twins[answers.indexOf('resumed')]
    if (winner === undefined) return t.fail()
    await winner.take('resync', id)
    owner.carrier = winner
    owner.resume()
    await winner.take('resume', id)
    await owner.lives(t)
  }
  t.is(echo.accepted, 1)
})

test.serial(
  'R11: who comes back after the window finds nothing, and others have not noticed',
  async (t) => {
    t.timeout(180_000)
    await using echo = await startEcho()
    await using fleet = await fleetFor(1, echo, { resumeWindow: '1s' })
    const consumer = await consumerOf(fleet.port(0, service))
    t.true(await echoes(consumer, 'before'))
    const owner = await Owner.open(fleet)
    await owner.lives(t)
    const { process } = fleet.relay(0)
    const from = process.here
    owner[Symbol.dispose]()
    await process.waitForCode('expired', { from })
    using late = await HostileAgent.connect(fleet.door(0), 'owner')
    late.send(helloFrame({ epoch: owner.hello.epoch, session: owner.session }))
    t.false((await late.take('welcome')).resumed)
    late.send(Owner.opening({ id: 4, attachment: 2, established: true, received: 3, consumed: 3 }))
    t.is((await late.take('refuse', 4)).code, 'expired')
    late.send({ kind: 'resume', id, received: 3, consumed: 3, limit: 1_000 })
    await late.take('void', id)
    t.true(await echoes(consumer, 'after'))
    t.is(echo.accepted, 2)
    consumer.destroy()
  },
)

test.serial(
  'what a captured relay says again of a stream that lives elsewhere is refused',
  async (t) => {
    t.timeout(180_000)
    await using echo = await startEcho()
    await using fleet = await fleetFor(2, echo)
    using owner = await Owner.open(fleet)
    await owner.lives(t)
    await using captured = await HostileRelay.start(fleet)
    const proxy = fleet.agent('plant-1').proxies[1]
    if (proxy === undefined) return t.fail()
    proxy.targetPort = captured.port
    proxy.cut()
    const carrier = await captured.next()
    await carrier.take('hello')
    carrier.send(welcomeFrame())
    let way = 1
    for (const established of [false, true]) {
      for (const attachment of [0, 1]) {
        way += 2
        carrier.send(Owner.opening({ id: way, attachment, established }))
        t.is((await carrier.take('refuse', way)).code, 'stale')
        carrier.send({ kind: 'resume', id: way, received: 0, consumed: 0, limit: 1 })
        await carrier.take('void', way)
        carrier.send({ kind: 'reset', id: way, code: 'revoked' })
      }
    }
    await owner.lives(t)
    t.is(echo.accepted, 1)
  },
)
