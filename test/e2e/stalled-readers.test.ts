/**
 * Readers that stop reading while their sender is fast, at each door (X7): what waits for them is
 * bounded by windows, in the relay and in the agent, and nobody else waits with them.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { WebSocket } from 'ws'
import { authorityPaths } from '../../certs/store.ts'
import { u48Max } from '../../shared/protocol/layout.ts'
import { exchange } from '../support/hash.ts'
import { HostileAgent, openFrame } from '../support/hostile-agent.ts'
import { mebibyte, residentBytes } from '../support/memory.ts'
import { consumerOf, startEcho, startTarget, type TcpTarget } from '../support/tcp.ts'
import { openTunnel, type Tunnel } from '../support/tunnel.ts'
import { within } from '../support/within.ts'

const stalledCount = 20
/** What is poured into each: more than every buffer on the way, less than this machine. */
const pouredBytesMax = 24 * mebibyte
/** The windows, and what the collector leaves lying about of all that passed at full speed. */
const slackBytes = 128 * mebibyte
const honestBytes = 4_000_000

/** One reader that never reads, or a sender to a target that never reads; gives how to end it. */
type Stall = (tunnel: Tunnel) => Promise<() => void>

const doors: Readonly<Record<string, { readonly service: string; readonly stall: Stall }>> = {
  'the TCP ingress': {
    service: 'fast',
    stall: async (tunnel) => ending(await consumerOf(tunnel.port('plant-1/fast'))),
  },
  'the WebSocket ingress': {
    service: 'fast',
    stall: async (tunnel) => {
      const socket = await browserOf(tunnel, '/fast')
      socket.pause()
      return () => socket.terminate()
    },
  },
  'a forward': {
    service: 'fast',
    stall: async (tunnel) => ending(await consumerOf(tunnel.forwardPort('desk-1', 'plant-1/fast'))),
  },
  'the target behind the TCP ingress': {
    service: 'deaf',
    stall: async (tunnel) => pouring(await consumerOf(tunnel.port('plant-1/deaf'))),
  },
  'the target behind the WebSocket ingress': {
    service: 'deaf',
    stall: async (tunnel) => {
      const socket = await browserOf(tunnel, '/deaf')
      const more = setInterval(() => {
        for (let left = 20; left > 0 && socket.bufferedAmount < mebibyte; left -= 1) {
          socket.send(piece)
        }
      }, 1)
      return () => {
        clearInterval(more)
        socket.terminate()
      }
    },
  },
  'the target behind a forward': {
    service: 'deaf',
    stall: async (tunnel) =>
      pouring(await consumerOf(tunnel.forwardPort('desk-1', 'plant-1/deaf'))),
  },
}

for (const [door, { service, stall }] of Object.entries(doors)) {
  test.serial(
    `a stalled reader at ${door} costs its window and nobody else's time (X7)`,
    async (t) => {
      await stalledAt(t, service, async (tunnel) => {
        const ends: (() => void)[] = []
        for (let count = 0; count < stalledCount; count += 1) ends.push(await stall(tunnel))
        return () => {
          for (const end of ends) end()
        }
      })
    },
  )
}

test.serial(
  "a stalled reader of a whole carrier costs its windows and nobody else's time (X7)",
  async (t) => {
    await stalledAt(t, 'fast', async (tunnel) => {
      const agent = await HostileAgent.greeted(tunnel, 'mallory')
      for (let id = 2; id <= 2 * stalledCount; id += 2) {
        agent.send(openFrame({ id, to: 'plant-1/fast', limit: u48Max }))
        await agent.take('accept', id)
      }
      agent.stall()
      return () => agent[Symbol.dispose]()
    })
  },
)

/**
 * While readers are stalled at a door, an honest stream is as fast as before, and memory is flat.
 */
async function stalledAt(t: ExecutionContext, service: string, stall: Stall): Promise<void> {
  t.timeout(240_000)
  await using echo = await startEcho()
  await using fast = await startTarget((socket) => void pouring(socket))
  await using deaf = await startTarget((socket) => void socket.pause())
  await using tunnel = await openTunnel({
    services: {
      'plant-1/any': { target: echo.port },
      'plant-1/fast': { target: fast.port, websocket: '/fast' },
      'plant-1/deaf': { target: deaf.port, websocket: '/deaf' },
    },
    forwards: { 'desk-1': ['plant-1/fast', 'plant-1/deaf'], mallory: [] },
    absent: ['mallory'],
    // A carrier that is stalled is not to be saved by being found dead.
    relayLimits: { liveness: '1m' },
  })
  const honest = await consumerOf(tunnel.port('plant-1/any'))
  await honestRound(t, honest, 1)
  const beforeMs = await honestRound(t, honest, 2)
  const processes = ['plant-1', 'desk-1'].map((name) => tunnel.agent(name).process)
  const resident = [tunnel.relay, ...processes].map(({ pid }) => ({ pid, was: residentBytes(pid) }))

  const end = await stall(tunnel)
  // The first while they fill, and the best of the others: this machine has more to do.
  await honestRound(t, honest, 3)
  let duringMs = Number.POSITIVE_INFINITY
  for (const seed of [4, 5, 6]) duringMs = Math.min(duringMs, await honestRound(t, honest, seed))
  for (const { pid, was } of resident) {
    const grownBytes = residentBytes(pid) - was
    t.log(`${Math.round(grownBytes / mebibyte)} MiB`)
    t.true(grownBytes < slackBytes, `${grownBytes} bytes`)
  }
  t.is(accepted(service, fast, deaf), stalledCount)
  t.log(`${Math.round(beforeMs)} ms before, ${Math.round(duringMs)} ms during`)
  t.true(duringMs < 5 * beforeMs + 6_000, `${beforeMs} ms before, ${duringMs} ms during`)
  end()
  honest.destroy()
}

const accepted = (service: string, fast: TcpTarget, deaf: TcpTarget): number =>
  (service === 'fast' ? fast : deaf).accepted

/** How long an honest stream takes for its bytes there and back, in milliseconds. */
async function honestRound(t: ExecutionContext, honest: Socket, seed: number): Promise<number> {
  const started = performance.now()
  const { sent, received } = await exchange(honest, seed, honestBytes)
  t.is(sent, received)
  return performance.now() - started
}

const piece = Buffer.alloc(65_536, 'x')

/** Writes without end, as fast as it is taken; gives how to end it. */
function pouring(socket: Socket): () => void {
  const more = (): void => {
    while (!socket.destroyed && socket.bytesWritten < pouredBytesMax && socket.write(piece));
  }
  socket.on('drain', more)
  more()
  return ending(socket)
}

function ending(socket: Socket): () => void {
  return () => socket.destroy()
}

async function browserOf(tunnel: Tunnel, path: string): Promise<WebSocket> {
  const ca = await readFile(authorityPaths(tunnel.store).certificateFile, 'utf8')
  const socket = new WebSocket(`wss://127.0.0.1:${tunnel.listenPort}${path}`, { ca })
  socket.on('error', () => {})
  await within('an open WebSocket', once(socket, 'open'))
  return socket
}
