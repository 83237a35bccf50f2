/** Tests of a carrier whose peer breaks WebSocket's rules, at the relay's and the agent's end. */
import test from 'ava'
import { carrierOptions } from '../../../shared/io/carrier.ts'
import { frameBytesMax } from '../../../shared/protocol/frame.ts'
import { agentAgainstRaw, Recorder, relayAgainstRaw } from '../../support/carriers.ts'
import { type Eavesdropper, type RawFrame, rawFrame } from '../../support/raw-websocket.ts'

const ends = {
  relay: { against: relayAgainstRaw, rawMasks: true },
  agent: { against: agentAgainstRaw, rawMasks: false },
} as const

interface Attack {
  readonly frames: readonly RawFrame[]
  readonly closes: number
}

const hello = new TextEncoder().encode('hello')
const lengths = [2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]
const attacks: Readonly<Record<string, Attack>> = {
  'a text message': { frames: [{ opcode: 1, payload: hello }], closes: 1003 },
  'a message one byte too long': {
    frames: [{ payload: Buffer.alloc(frameBytesMax + 1) }],
    closes: 1009,
  },
  'fragments that add up to one byte too many': {
    frames: [
      { payload: Buffer.alloc(frameBytesMax), fin: false },
      { opcode: 0, payload: Buffer.alloc(1) },
    ],
    closes: 1009,
  },
  'RSV1, as if deflate were agreed (W6)': {
    frames: [{ payload: hello, rsv1: true }],
    closes: 1002,
  },
  '100,000 fragments of one byte (W2)': {
    frames: Array.from({ length: 100_000 }, (_, index) => ({
      opcode: index === 0 ? 2 : 0,
      payload: hello.subarray(0, 1),
      fin: false,
    })),
    closes: 1008,
  },
  '100,000 empty fragments (W2)': {
    frames: Array.from({ length: 100_000 }, (_, index) => ({
      opcode: index === 0 ? 2 : 0,
      fin: false,
    })),
    closes: 1008,
  },
  'a reserved opcode': { frames: [{ opcode: 3 }], closes: 1002 },
  'a fragmented ping': { frames: [{ opcode: 9, fin: false }], closes: 1002 },
  ...Object.fromEntries(
    lengths.map((claimedLength) => [
      `a length of ${claimedLength} (W5)`,
      { frames: [{ claimedLength, payload: hello }], closes: 1009 },
    ]),
  ),
}

for (const [end, { against, rawMasks }] of Object.entries(ends)) {
  for (const [name, { frames, closes }] of Object.entries(attacks)) {
    test(`${end}: ${name} closes ${closes}`, async (t) => {
      const listener = new Recorder()
      await using stand = await against(listener)
      stand.raw.socket.write(Buffer.concat(frames.map((frame) => rawFrame(frame, rawMasks))))
      t.is((await stand.raw.takeClose()).code, closes)
      stand.raw.socket.destroy()
      const fault = await listener.fault()
      t.is(fault.code, 'message_invalid')
      t.deepEqual(listener.messages, [])
    })
  }

  test(`${end}: one message in more single bytes than the limit closes 1008 (W2)`, async (t) => {
    const listener = new Recorder()
    await using stand = await against(listener)
    const bytes = rawFrame({ payload: Buffer.alloc(frameBytesMax) }, rawMasks)
    await writeSingly(stand.raw, bytes.subarray(0, carrierOptions.maxBufferedChunks + 50))
    t.is((await stand.raw.takeClose()).code, 1008)
    stand.raw.socket.destroy()
    t.is((await listener.fault()).code, 'message_invalid')
  })

  test(`${end}: small messages in single bytes are slow, not wrong`, async (t) => {
    const listener = new Recorder()
    await using stand = await against(listener)
    const count = 300
    const one = rawFrame({ payload: hello }, rawMasks)
    await writeSingly(stand.raw, Buffer.concat(Array<Buffer>(count).fill(one)))
    await listener.until('messages', () => listener.messages.length === count || undefined)
    t.true(listener.messages.every((message) => message.equals(hello)))
  })

  test(`${end}: pings and pongs of middle boxes are answered and change nothing`, async (t) => {
    const listener = new Recorder()
    await using stand = await against(listener)
    const frames = [{ opcode: 9, payload: hello }, { opcode: 10 }, { payload: hello }]
    stand.raw.socket.write(Buffer.concat(frames.map((frame) => rawFrame(frame, rawMasks))))
    t.deepEqual(await stand.raw.takeFrame(), { opcode: 10, payload: Buffer.from(hello) })
    await listener.until('a message', () => listener.messages[0])
    t.deepEqual(listener.messages, [Buffer.from(hello)])
  })

  test(`${end}: a flood of pings that reads no pong ends the carrier (X4)`, async (t) => {
    const listener = new Recorder()
    await using stand = await against(listener)
    stand.raw.socket.pause()
    const ping = rawFrame({ opcode: 9, payload: Buffer.alloc(125) }, rawMasks)
    stand.raw.socket.write(Buffer.concat(Array<Buffer>(10_000).fill(ping)))
    t.is((await listener.fault()).code, 'carrier_lost')
    t.true(stand.end.carrier.bufferedBytes < 100_000)
  })
}

/** One TLS record a byte: each write waits until the one before it has left. */
async function writeSingly({ socket, gone }: Eavesdropper, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length && !socket.destroyed; at += 1) {
    const written = new Promise((resolve) => socket.write(bytes.subarray(at, at + 1), resolve))
    await Promise.race([written, gone])
  }
}
