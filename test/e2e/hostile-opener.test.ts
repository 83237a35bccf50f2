/**
 * An agent with a real certificate that opens what it may not, in the name of others, and lies on
 * the stream that it may have. The relay goes by the certificate and by its own policy, at every
 * OPEN.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { WebSocket } from 'ws'
import { authorityPaths } from '../../certs/store.ts'
import type { WireCode } from '../../shared/protocol/fault.ts'
import { attributeTags, dataBytesMax, encode, frameBytesMax } from '../../shared/protocol/frame.ts'
import { type Attribute, u48Max } from '../../shared/protocol/layout.ts'
import { HostileAgent, openFrame } from '../support/hostile-agent.ts'
import { mebibyte, residentBytes } from '../support/memory.ts'
import {
  consumerOf,
  echoes,
  readToEnd,
  startEcho,
  startTarget,
  type TcpTarget,
} from '../support/tcp.ts'
import { openTunnel, type Tunnel, type TunnelPlan } from '../support/tunnel.ts'
import { within } from '../support/within.ts'

const mallory = 'mallory'
function attributeOf(tag: number, bytes: number): Attribute {
  return { tag, value: Buffer.alloc(bytes, '1') }
}

/** `plant-1` offers an echo to everybody here, and another service to `crm-1` and one address. */
function planFor(anyPort: number, fewPort: number): TunnelPlan {
  const everybody = ['127.0.0.1', `agent/${mallory}`, 'agent/desk-1']
  return {
    services: {
      'plant-1/any': { target: anyPort },
      'plant-1/few': { target: fewPort, websocket: '/few' },
    },
    forwards: { 'desk-1': ['plant-1/few'], [mallory]: [] },
    absent: [mallory],
    // That no link was lost is owed to the relay, and not to how busy the machine is.
    relayLimits: { liveness: '1m' },
    policy: [
      { rule: 'everybody', from: everybody, to: ['plant-1/any'] },
      { rule: 'few', from: ['127.0.0.2', 'agent/crm-1', 'client/crm'], to: ['plant-1/few'] },
    ],
  }
}

test.serial('who opens is who has the certificate, whatever the OPEN says (R1, P2)', async (t) => {
  t.timeout(180_000)
  await using echo = await startEcho()
  await using few = await startTarget()
  await using tunnel = await openTunnel(planFor(echo.port, few.port))
  using agent = await HostileAgent.greeted(tunnel, mallory)
  const source = { tag: attributeTags.source, value: Buffer.from('127.0.0.2') }
  const user = { tag: attributeTags.user, value: Buffer.from('client/crm') }
  const proof = { tag: attributeTags.proof, value: Buffer.from('agent/crm-1') }
  const names = ['agent/crm-1', 'client/crm', 'address/127.0.0.2', '127.0.0.2', 'agent/plant-1', '']
  let id = 0
  for (const from of names) {
    for (const attributes of [[], [source], [user, proof, source]]) {
      id += 2
      const already = tunnel.relay.here
      agent.send(openFrame({ id, to: 'plant-1/few', from, attributes }))
      t.is((await agent.take('refuse', id)).code, 'denied_by_policy', from)
      const refused = await tunnel.relay.waitForCode('denied_by_policy', { from: already })
      t.is(refused.from, `agent/${mallory}`)
    }
  }
  t.is(few.accepted, 0)
})

test.serial(
  'the policy is asked at each OPEN of each door, not at the door alone (P1)',
  async (t) => {
    t.timeout(180_000)
    await using echo = await startEcho()
    await using few = await startTarget()
    await using tunnel = await openTunnel(planFor(echo.port, few.port))
    using agent = await HostileAgent.greeted(tunnel, mallory)
    agent.send(openFrame())
    await agent.take('accept', 2)
    const unlisted: readonly (readonly [to: string, code: WireCode])[] = [
      ['plant-1/few', 'denied_by_policy'],
      ['plant-1/nothing', 'denied_by_policy'],
      ['nobody/any', 'denied_by_policy'],
      [`${mallory}/any`, 'denied_by_policy'],
      ['plant-1', 'unknown_service'],
      ['', 'unknown_service'],
      ['plant-1/any/../few', 'unknown_service'],
      ['PLANT-1/any', 'unknown_service'],
      ['plant-1/any ', 'unknown_service'],
    ]
    let id = 2
    for (const [to, code] of unlisted) {
      // The second says what a resumption says: it is the same question.
      for (const established of [false, true]) {
        id += 2
        agent.send(openFrame({ id, to, established, attachment: established ? 2 : 1 }))
        t.is((await agent.take('refuse', id)).code, code, to)
      }
    }

    const consumer = await consumerOf(tunnel.port('plant-1/few'))
    t.is((await readToEnd(consumer)).by, 'reset')
    const forwarded = await consumerOf(tunnel.forwardPort('desk-1', 'plant-1/few'))
    t.is((await readToEnd(forwarded)).by, 'reset')
    t.deepEqual(await closingOf(tunnel, '/few'), { code: 1011, reason: 'denied_by_policy' })
    t.is(few.accepted, 0)
  },
)

test.serial('no second OPEN on an id turns one decision into another (P1, P2)', async (t) => {
  t.timeout(180_000)
  await using echo = await startEcho()
  await using few = await startTarget()
  await using tunnel = await openTunnel(planFor(echo.port, few.port))
  for (const established of [false, true]) {
    using agent = await HostileAgent.greeted(tunnel, mallory)
    const { key } = openFrame()
    // Both come in one turn: the first has not gone out when the second is read.
    agent.send(openFrame({ key }))
    agent.send(openFrame({ key, to: 'plant-1/few', attachment: 2, established }))
    t.is((await agent.take('refuse', 2)).code, 'frame_unexpected')
    await agent.take('accept', 2)
    agent.send(openFrame({ key, to: 'plant-1/few', attachment: 3, established }))
    t.is((await agent.take('refuse', 2)).code, 'frame_unexpected')
    agent.send(openFrame())
    t.is((await agent.take('refuse', 2)).code, 'frame_unexpected')
    agent.send({ kind: 'reset', id: 2, code: 'closed' })
    await agent.settled()
  }
  using agent = await HostileAgent.greeted(tunnel, mallory)
  for (const id of [1, 3, u48Max]) {
    agent.send(openFrame({ id }))
    t.is((await agent.take('refuse', id)).code, 'frame_unexpected')
  }
  t.is(few.accepted, 0)
})

const lies: Readonly<Record<string, (agent: HostileAgent) => void>> = {
  'CREDIT beyond what was sent': (agent) =>
    agent.send({ kind: 'credit', id: 2, consumed: 1_000_000, limit: u48Max }),
  'RESUME beyond what was sent': (agent) =>
    agent.send({ kind: 'resume', id: 2, received: 1_000_000, consumed: 0, limit: u48Max }),
  'the greatest RESUME there is': (agent) =>
    agent.send({ kind: 'resume', id: 2, received: u48Max, consumed: u48Max, limit: u48Max }),
}

test.serial('what an OPEN says of itself is neither passed on nor believed (R1, R4)', async (t) => {
  t.timeout(180_000)
  await using target = await startTarget()
  await using tunnel = await openTunnel(planFor(target.port, 9))
  const honest = await honestStream(t, tunnel, target)
  using agent = await HostileAgent.greeted(tunnel, mallory)
  const named = openFrame({ from: '', attributes: [attributeOf(attributeTags.source, 9)] })
  // As long as a frame can be: with the name of its opener it would be longer.
  const room = frameBytesMax - encode({ ...named, attributes: [attributeOf(77, 0)] }).length
  agent.send({ ...named, attributes: [attributeOf(77, room)] })
  await agent.take('accept', named.id)
  agent.send(openFrame({ id: 4, to: 'plant-1/few', attributes: named.attributes }))
  await agent.take('refuse', 4)
  const { 'client.address': address } = await tunnel.relay.waitForCode('denied_by_policy')
  t.is(address, undefined)
  // Nobody has said a byte to this stream yet: who took one lies.
  for (const numbers of [
    { id: 6, received: 1 },
    { id: 8, received: 1, consumed: 1 },
  ]) {
    agent.send(openFrame(numbers))
    t.is((await agent.take('refuse', numbers.id)).code, 'never_sent')
  }
  t.true(await echoes(honest, 'after'))
  honest.destroy()
  const { records } = tunnel.agent('plant-1').process
  t.is(records.filter(({ message }) => message === 'link ready').length, 1)
})

test.serial(
  'acknowledging what was never sent ends that stream, and no byte follows (R3)',
  async (t) => {
    t.timeout(180_000)
    await using target = await startTarget()
    await using tunnel = await openTunnel(planFor(target.port, 9))
    const honest = await honestStream(t, tunnel, target)
    for (const [what, tell] of Object.entries(lies)) {
      using agent = await HostileAgent.greeted(tunnel, mallory)
      agent.send(openFrame({ limit: 10 }))
      const served = await target.next()
      await agent.take('accept', 2)
      served.write('x'.repeat(100_000))
      t.is((await agent.take('data', 2)).bytes.length, 10)
      tell(agent)
      t.is((await agent.take('reset', 2)).code, 'never_sent', what)
      await agent.settled()
      const more = agent.takeAll().filter(({ kind }) => kind === 'data')
      t.deepEqual(more, [], what)
    }
    t.true(await echoes(honest, 'after'))
    honest.destroy()
  },
)

const floods: Readonly<Record<string, (agent: HostileAgent, round: number) => void>> = {
  'bytes beyond every limit (R4)': (agent, round) => {
    agent.send({ kind: 'data', id: 2, offset: round * dataBytesMax, bytes: fullFrame })
  },
  'bytes behind a hole (R5)': (agent, round) => {
    agent.send({ kind: 'data', id: 2, offset: 1 + round * dataBytesMax, bytes: fullFrame })
  },
  'bytes at the end of all numbers (R5)': (agent) => {
    agent.send({ kind: 'data', id: 2, offset: u48Max, bytes: fullFrame })
  },
  'empty bytes and credit for nothing (R6)': (agent) => {
    for (let count = 0; count < 10; count += 1) {
      agent.send({ kind: 'data', id: 2, offset: 0, bytes: new Uint8Array(0) })
      agent.send({ kind: 'credit', id: 2, consumed: 0, limit: 10 })
    }
  },
  'PINGs, RESYNCs, RESUMEs and FINs (X4)': (agent, round) => {
    agent.send({ kind: 'ping', echo: round, bytesSent: u48Max })
    agent.send({ kind: 'resync', id: 2 })
    agent.send({ kind: 'resume', id: 2, received: 0, consumed: 0, limit: u48Max })
    agent.send({ kind: 'fin', id: 2, position: u48Max, code: 'end' })
  },
  'ids that lead nowhere (X4)': (agent, round) => {
    for (let id = round * 20; id < (round + 1) * 20; id += 1) {
      agent.send({ kind: 'resync', id: 1_000 + id })
    }
  },
  'services without end (X4)': (agent, revision) => {
    const names = Array.from({ length: 255 }, (_, index) => `s${revision}-${index}`)
    agent.send({ kind: 'services', revision, names })
  },
}

test.serial('no flood on a stream grows anything or slows another (R4, R5, R6, X4)', async (t) => {
  t.timeout(360_000)
  // The target of the hostile stream takes nothing, so that nothing gives it credit.
  await using target = await startTarget()
  await using tunnel = await openTunnel(planFor(target.port, 9))
  const honest = await honestStream(t, tunnel, target)
  const processes = [tunnel.relay, tunnel.agent('plant-1').process]
  for (const [what, flood] of Object.entries(floods)) {
    using agent = await HostileAgent.greeted(tunnel, mallory)
    agent.send(openFrame())
    await agent.take('accept', 2)
    const resident = processes.map(({ pid }) => residentBytes(pid))
    for (let round = 0; round < floodRounds; round += 1) {
      flood(agent, round)
      if (round % 100 !== 0) continue
      await agent.flushed()
      t.true(await echoes(honest, `during ${round}`))
    }
    await agent.settled()
    isBounded(t, what, processes, resident)
    t.true(await echoes(honest, 'after'))
  }
  honest.destroy()
})

/** As many frames of a full record as make 48 MiB. */
const floodRounds = 3_000
const slackBytes = 64 * mebibyte
const fullFrame = new Uint8Array(dataBytesMax)

/** A consumer of this machine whose target gives back what it says. */
async function honestStream(
  t: ExecutionContext,
  tunnel: Tunnel,
  target: TcpTarget,
): Promise<Socket> {
  const honest = await consumerOf(tunnel.port('plant-1/any'))
  const served = await target.next()
  served.pipe(served)
  t.true(await echoes(honest, 'before'))
  return honest
}

function isBounded(
  t: ExecutionContext,
  what: string,
  processes: readonly { readonly pid: number }[],
  before: readonly number[],
): void {
  for (const [index, { pid }] of processes.entries()) {
    const grownBytes = residentBytes(pid) - (before[index] ?? 0)
    t.log(`${what}: ${Math.round(grownBytes / mebibyte)} MiB`)
    t.true(grownBytes < slackBytes, `${what}: process ${index} has grown by ${grownBytes} bytes`)
  }
}

/** How the relay ends a WebSocket of a consumer on this path. */
async function closingOf(
  tunnel: Tunnel,
  path: string,
): Promise<{ readonly code: number; readonly reason: string }> {
  const ca = await readFile(authorityPaths(tunnel.store).certificateFile, 'utf8')
  const socket = new WebSocket(`wss://127.0.0.1:${tunnel.listenPort}${path}`, { ca })
  socket.on('error', () => {})
  const closing = once(socket, 'close') as Promise<[code: number, reason: Buffer]>
  const [code, reason] = await within('end of the WebSocket', closing)
  return { code, reason: reason.toString() }
}
