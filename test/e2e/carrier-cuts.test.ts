/**
 * A TCP stream survives the loss of its carrier: every byte arrives once, in order, and neither
 * application sees more than a pause.
 */
import test from 'ava'
import { exchange } from '../support/hash.ts'
import { consumerOf, startTarget } from '../support/tcp.ts'
import { openTunnel } from '../support/tunnel.ts'

const streamBytes = 100_000_000
const cuts = 50

test.serial(
  `100 MB each way arrive unchanged while the carrier is cut ${cuts} times`,
  async (t) => {
    t.timeout(240_000)
    await using target = await startTarget()
    await using tunnel = await openTunnel({ services: { 'plant-1/bulk': { target: target.port } } })
    const { proxy } = tunnel.agent('plant-1')
    const before = proxy.connectionsTotal
    const consumer = await consumerOf(tunnel.port('plant-1/bulk'))
    const served = await target.next()

    // Far more bytes lie between two cuts than all windows hold, so each meets a carrier in use.
    let done = 0
    const cutNow = (received: number): void => {
      if (done === cuts || received < ((done + 1) * streamBytes) / (cuts + 2)) return
      done += 1
      if (done % 2 === 0) proxy.finish()
      else proxy.cut()
    }

    const [near, far] = await Promise.all([
      exchange(consumer, 1, streamBytes, cutNow),
      exchange(served, 2, streamBytes),
    ])
    t.is(done, cuts)
    t.true(proxy.connectionsTotal - before >= cuts)
    t.is(far.received, near.sent)
    t.is(near.received, far.sent)
    consumer.destroy()
  },
)

test.serial(
  'R10: streams under load go on when the agent comes back from another address',
  async (t) => {
    t.timeout(240_000)
    await using target = await startTarget()
    await using tunnel = await openTunnel({ services: { 'plant-1/bulk': { target: target.port } } })
    const { proxy } = tunnel.agent('plant-1')
    const consumer = await consumerOf(tunnel.port('plant-1/bulk'))
    const served = await target.next()
    const bytes = 10_000_000
    let moves = 0
    const moveNow = (received: number): void => {
      if (moves === 4 || received < (moves + 1) * 2_000_000) return
      moves += 1
      proxy.sourceAddress = `127.0.0.${10 + moves}`
      if (moves % 2 === 0) proxy.finish()
      else proxy.cut()
    }
    const [near, far] = await Promise.all([
      exchange(consumer, 1, bytes, moveNow),
      exchange(served, 2, bytes),
    ])
    t.is(moves, 4)
    t.is(far.received, near.sent)
    t.is(near.received, far.sent)
    const response = await fetch(`http://127.0.0.1:${tunnel.adminPort}/status`)
    const { agents } = (await response.json()) as { readonly agents: readonly object[] }
    t.like(agents[0], { agent: 'agent/plant-1', address: '127.0.0.14' })
    consumer.destroy()
  },
)
