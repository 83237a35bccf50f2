/**
 * Market data of two exchanges, each behind a firewall of its own, for one consumer in the cloud.
 *
 *     node demo/examples/market.ts        or: sallyport demo example market
 *
 * Every quote has a number, so a gap, a double or a wrong order would be seen at once. While the
 * quotes flow, both carriers are cut: the consumer's TCP connections stay as they are, and not one
 * quote is missing.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { linkReady } from '../agents.ts'
import { countText, secondsText } from '../narration.ts'
import { Changes } from '../waiting.ts'
import { broken, type Example, performAsProgram, type Stage, type StagedRelay } from './stage.ts'

const exchanges = ['exchange-1', 'exchange-2'] as const
const quotesEach = 2_000
const quoteEveryMs = 2
const cuts = 3
const withinMs = 60_000

export const market: Example = {
  about: 'Market data: two exchanges behind firewalls, one consumer in the cloud',
  async play(stage) {
    const relay = await stage.step('tunnel', async () => {
      const value = await openTunnel(stage)
      return ['two agents dialled out; nothing listens at the exchanges', value]
    })
    const consumer = new Consumer()
    const sockets = exchanges.map((name) => connect(relay.portOf(serviceOf(name)), '127.0.0.1'))
    for (const [index, name] of exchanges.entries()) {
      const socket = sockets[index]
      if (socket === undefined) continue
      stage.scope.defer(() => void socket.destroy())
      void consumer.listen(name, socket)
    }
    await stage.step('quotes', async (progress) => {
      for (let cut = 1; cut <= cuts; cut += 1) {
        await consumer.reaches((quotesEach * cut) / (cuts + 1), stage.signal)
        relay.network.cut()
        progress(`${cut} of ${cuts} cuts`)
      }
      await consumer.reaches(quotesEach, stage.signal)
      const total = countText(quotesEach * exchanges.length)
      const pause = secondsText(consumer.longestPauseMs)
      return [`${total} quotes through ${cuts} cuts: no gap; longest pause ${pause}`, undefined]
    })
  },
}

/** Hears feeds, and knows which number must come next in each. */
export class Consumer {
  readonly #latest = new Map<string, number>()
  readonly #changes = new Changes()
  #fault: Error | undefined
  #heardAt = performance.now()
  #longestPauseMs = 0

  get longestPauseMs(): number {
    return this.#longestPauseMs
  }

  /** Hears a feed until it ends; that it ends before its last quote is a fault, too. */
  async listen(feed: string, socket: Socket): Promise<void> {
    this.#latest.set(feed, 0)
    socket.on('error', (error) => this.#fail(broken(`${feed}: ${error.message}`)))
    try {
      for await (const line of createInterface({ input: socket })) this.hear(feed, line)
      this.#fail(broken(`${feed} ended behind quote ${this.#latest.get(feed)}.`))
    } catch (cause) {
      this.#fail(cause instanceof Error ? cause : broken(String(cause)))
    }
  }

  /** One line of a feed: `{"sequence":17,"price":102.5}`. */
  hear(feed: string, line: string): void {
    const expected = (this.#latest.get(feed) ?? 0) + 1
    const { sequence } = JSON.parse(line) as { readonly sequence: number }
    if (sequence !== expected) {
      this.#fail(broken(`${feed}: quote ${sequence} came instead of ${expected}.`))
    }
    this.#latest.set(feed, sequence)
    const now = performance.now()
    this.#longestPauseMs = Math.max(this.#longestPauseMs, now - this.#heardAt)
    this.#heardAt = now
    this.#changes.tell()
  }

  /** Waits until every feed has come so far. Throws at the first quote that is not the next. */
  async reaches(sequence: number, signal: AbortSignal): Promise<void> {
    await this.#changes.until(`quote ${sequence} of each`, { withinMs, signal }, () => {
      if (this.#fault !== undefined) throw this.#fault
      return [...this.#latest.values()].every((latest) => latest >= sequence) || undefined
    })
  }

  #fail(fault: Error): void {
    this.#fault ??= fault
    this.#changes.tell()
  }
}

async function openTunnel(stage: Stage): Promise<StagedRelay> {
  const services = exchanges.map(serviceOf)
  const relay = await stage.startRelay({
    services: Object.fromEntries(services.map((name) => [name, { tcp: '127.0.0.1:0' }])),
    policy: [{ rule: 'reconciliation hears every feed', from: ['127.0.0.1'], to: services }],
  })
  for (const name of exchanges) {
    await stage.issue('agent', name)
    const expose = { feed: `127.0.0.1:${await startFeed(stage)}` }
    await linkReady(await stage.startAgent(relay, name, { expose }))
  }
  return relay
}

function serviceOf(exchange: string): string {
  return `${exchange}/feed`
}

/** A feed that says a quote every few milliseconds, from 1, to whoever connects; gives its port. */
async function startFeed({ scope }: Stage): Promise<number> {
  const server = createServer((socket) => {
    let sequence = 0
    let price = 100
    const timer = setInterval(() => {
      sequence += 1
      price += Math.sin(sequence / 7)
      socket.write(`${JSON.stringify({ sequence, price: Number(price.toFixed(2)) })}\n`)
    }, quoteEveryMs)
    socket.on('error', () => {})
    socket.once('close', () => clearInterval(timer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  scope.defer(() => void server.close())
  return (server.address() as AddressInfo).port
}

if (import.meta.main) await performAsProgram(market)
