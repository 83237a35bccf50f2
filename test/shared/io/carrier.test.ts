/** Tests of a carrier between two honest ends: what it carries, how it fills, how it ends. */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import test from 'ava'
import { closeTimeoutMs, lowMarkBytes } from '../../../shared/io/carrier.ts'
import { Fault } from '../../../shared/protocol/fault.ts'
import { frameBytesMax } from '../../../shared/protocol/frame.ts'
import {
  agentAgainstRaw,
  carrierPair,
  Recorder,
  relayAgainstRaw,
  sendMessage,
} from '../../support/carriers.ts'
import { rawFrame } from '../../support/raw-websocket.ts'

const messages = [0, 1, 125, 126, 127, 4096, frameBytesMax].map((size, index) =>
  Buffer.alloc(size, index + 1),
)

for (const masked of [false, true]) {
  const how = masked ? 'masked' : 'with a zero mask'
  test(`carries messages both ways, byte for byte, ${how}`, async (t) => {
    const relay = new Recorder()
    const agent = new Recorder()
    await using pair = await carrierPair(relay, agent, { masked })
    const kept = messages.map((bytes) => Buffer.from(bytes))
    for (const bytes of messages) {
      sendMessage(pair.agent.carrier, bytes)
      sendMessage(pair.relay.carrier, bytes)
    }
    await relay.until('messages', () => relay.messages.length === messages.length || undefined)
    await agent.until('messages', () => agent.messages.length === messages.length || undefined)
    t.deepEqual(relay.messages, kept)
    t.deepEqual(agent.messages, kept)
    t.deepEqual(messages, kept, 'the sender keeps its bytes as they were')
  })
}

test('full messages end where TLS records end, both ways', async (t) => {
  const relay = new Recorder()
  const agent = new Recorder()
  await using pair = await carrierPair(relay, agent)
  const sizes: number[] = []
  pair.relay.socket.on('data', ({ length }: Buffer) => sizes.push(length))
  pair.agent.socket.on('data', ({ length }: Buffer) => sizes.push(length))
  for (const { carrier } of [pair.relay, pair.agent]) {
    carrier.place(1)
    for (let count = 0; count < 10; count += 1) carrier.place(frameBytesMax)
    carrier.flush()
  }
  await relay.until('messages', () => relay.messages.length === 11 || undefined)
  await agent.until('messages', () => agent.messages.length === 11 || undefined)
  t.deepEqual(
    sizes.toSorted((one, other) => one - other),
    [3, 7, ...Array(10).fill(frameBytesMax + 4), ...Array(10).fill(frameBytesMax + 8)],
  )
})

test('what is placed goes out together', async (t) => {
  const relay = new Recorder()
  await using pair = await carrierPair(relay, new Recorder())
  const sizes: number[] = []
  pair.relay.socket.on('data', ({ length }: Buffer) => sizes.push(length))
  for (let count = 0; count < 5; count += 1) pair.agent.carrier.place(10).fill(7)
  t.is(pair.agent.carrier.bufferedBytes, 5 * 16)
  pair.agent.carrier.flush()
  await relay.until('messages', () => relay.messages.length === 5 || undefined)
  t.deepEqual(sizes, [5 * 16])
})

test('says drained once for each time that a full socket falls to the low mark', async (t) => {
  const relay = new Recorder()
  const agent = new Recorder()
  await using pair = await carrierPair(relay, agent)
  sendMessage(pair.agent.carrier, Buffer.alloc(100))
  await relay.until('a message', () => relay.messages[0])
  t.is(agent.drains, 0, 'it was never full')

  pair.relay.socket.pause()
  const full = Buffer.alloc(frameBytesMax)
  let sent = 0
  while (pair.agent.carrier.bufferedBytes < 64 * frameBytesMax) {
    sendMessage(pair.agent.carrier, full)
    sent += 1
  }
  t.is(agent.drains, 0)
  pair.relay.socket.resume()
  await agent.until('drained', () => agent.drains > 0 || undefined)
  t.true(pair.agent.carrier.bufferedBytes <= lowMarkBytes)
  await relay.until('messages', () => relay.messages.length === sent + 1 || undefined)
  t.is(agent.drains, 1)
})

test('destroy ends at once against a peer that reads nothing, and tells it later', async (t) => {
  const agent = new Recorder()
  await using pair = await carrierPair(new Recorder(), agent)
  pair.relay.socket.pause()
  for (let count = 0; count < 1_000; count += 1)
    sendMessage(pair.agent.carrier, Buffer.alloc(frameBytesMax))
  let isLate = false
  const late = setTimeout(() => {
    isLate = true
  }, closeTimeoutMs / 2)
  pair.agent.carrier.destroy(new Fault('carrier_silent'))
  t.deepEqual(agent.faults, [], 'not from within the call')
  t.is((await agent.fault()).code, 'carrier_silent')
  clearTimeout(late)
  t.false(isLate)
  sendMessage(pair.agent.carrier, Buffer.alloc(1))
  pair.agent.carrier.destroy()
  pair.agent.carrier.close(1000, 'twice')
  t.is(agent.faults.length, 1)
})

test('close says its code and reason, and the reason is all that it says (W3)', async (t) => {
  const relay = new Recorder()
  await using stand = await relayAgainstRaw(relay)
  stand.end.carrier.close(1008, `revoked\r\n${'x'.repeat(200)}`)
  const { code, reason } = await stand.raw.takeClose()
  t.is(code, 1008)
  t.is(reason, `revoked??${'x'.repeat(114)}`)
})

test('close does not wait for a peer that never answers it', async (t) => {
  const relay = new Recorder()
  await using stand = await relayAgainstRaw(relay)
  const started = performance.now()
  stand.end.carrier.close(1000, 'bye')
  stand.raw.socket.write(rawFrame({ payload: Buffer.from('late') }, true))
  t.is((await relay.fault()).code, 'carrier_lost')
  t.true(performance.now() - started < 10 * closeTimeoutMs)
  t.deepEqual(relay.messages, [], 'what comes after close is not delivered')
})

test('a closing message, a FIN and a RST of the peer are each a lost carrier', async (t) => {
  const farewell = rawFrame({ opcode: 8, payload: Buffer.from('\x03\xe9bye', 'latin1') }, false)
  const endings: Record<string, (raw: TLSSocket, tcp: Socket) => unknown> = {
    'closed by the peer (1001 bye)': (raw) => raw.write(farewell),
    'without a closing message': (raw) => raw.end(),
    'broke (read ECONNRESET)': (_, tcp) => tcp.resetAndDestroy(),
  }
  for (const [says, end] of Object.entries(endings)) {
    const agent = new Recorder()
    await using stand = await agentAgainstRaw(agent)
    end(stand.raw.socket, stand.tcp)
    const fault = await agent.fault()
    t.is(fault.code, 'carrier_lost')
    t.true(fault.message.includes(says), fault.message)
  }
})

test('a throw in the listener closes the carrier and no more', async (t) => {
  const bug = new Error('bug')
  const relay = new Recorder({
    message() {
      throw bug
    },
  })
  await using stand = await relayAgainstRaw(relay)
  stand.raw.socket.write(rawFrame({ payload: Buffer.from('x') }, true))
  t.deepEqual(await stand.raw.takeClose(), { code: 1011, reason: 'internal' })
  stand.raw.socket.destroy()
  const fault = await relay.fault()
  t.is(fault.code, 'internal')
  t.is(fault.cause, bug)
})

test('a Fault that the listener throws is the fault of the carrier', async (t) => {
  const relay = new Recorder({
    message() {
      throw new Fault('frame_malformed', 'an empty frame')
    },
  })
  await using stand = await relayAgainstRaw(relay)
  stand.raw.socket.write(rawFrame({}, true))
  t.deepEqual(await stand.raw.takeClose(), { code: 1008, reason: 'frame_malformed' })
  stand.raw.socket.destroy()
  t.is((await relay.fault()).message, 'an empty frame')
})

test('a throw in drained closes the carrier, a throw in closed becomes a warning', async (t) => {
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve))
  const agent = new Recorder({
    drained() {
      throw new Error('bug in drained')
    },
    closed() {
      throw new Error('bug in closed')
    },
  })
  await using pair = await carrierPair(new Recorder(), agent)
  for (let count = 0; count < 10; count += 1)
    sendMessage(pair.agent.carrier, Buffer.alloc(frameBytesMax))
  t.is((await agent.fault()).code, 'internal')
  t.is((await warned).message, 'bug in closed')
})
