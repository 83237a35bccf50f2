/**
 * Three suppliers give their events to a buyer, and none of them can pass for another.
 *
 *     node demo/examples/partners.ts      or: sallyport demo example partners
 *
 * Each supplier has an agent and a certificate of its own, and each desk of the buyer a client
 * certificate. A service begins with the name in the certificate of the agent that exposes it, so
 * there is nothing to claim; and a rule for each pair says who may hear whom.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { WebSocket } from 'ws'
import { authorityPaths, pairPaths } from '../../certs/store.ts'
import { linkReady } from '../agents.ts'
import type { LogRecord } from '../child.ts'
import { waitFor } from '../waiting.ts'
import { broken, type Example, performAsProgram, type Stage, type StagedRelay } from './stage.ts'

const numbers = [1, 2, 3] as const
type Partner = (typeof numbers)[number]

const withinMs = 60_000

export const partners: Example = {
  about: 'Partners: three suppliers, three certificates, one relay',
  async play(stage) {
    const relay = await stage.step('tunnel', async () => {
      const value = await openTunnel(stage)
      return ['three agents, each with a certificate of its own', value]
    })
    await stage.step('own service', async () => {
      for (const number of numbers) {
        const heard = await hear(stage, relay, number, number)
        if (heard !== eventOf(number)) throw broken(`desk-${number} heard ${heard}`)
      }
      return ['each desk hears its own supplier', undefined]
    })
    await stage.step('other service', async () => {
      const pairs = numbers.flatMap((desk) => numbers.map((supplier) => [desk, supplier] as const))
      for (const [desk, supplier] of pairs.filter(([one, other]) => one !== other)) {
        const heard = await hear(stage, relay, desk, supplier)
        const refused = '1011 denied_by_policy'
        if (heard !== refused) throw broken(`desk-${desk} at supplier-${supplier}: ${heard}`)
      }
      return ['all six other pairs: denied_by_policy', undefined]
    })
    await stage.step('other name', async () => {
      const { code } = await claimName(stage, relay, 'supplier-2', 'supplier-1')
      return [`supplier-1's certificate is good for no other name: ${code}`, undefined]
    })
    await stage.step('still there', async () => {
      const heard = await hear(stage, relay, 2, 2)
      if (heard !== eventOf(2)) throw broken(`desk-2 heard ${heard}`)
      return ['the real supplier-2 noticed nothing', undefined]
    })
  },
}

async function openTunnel(stage: Stage): Promise<StagedRelay> {
  for (const number of numbers) {
    await stage.issue('agent', `supplier-${number}`)
    await stage.issue('client', `desk-${number}`)
  }
  const relay = await stage.startRelay({
    services: Object.fromEntries(
      numbers.map((number) => [serviceOf(number), { websocket: pathOf(number) }]),
    ),
    policy: numbers.map((number) => ({
      rule: `desk ${number} hears supplier ${number}`,
      from: [`client/desk-${number}`],
      to: [serviceOf(number)],
    })),
  })
  for (const number of numbers) {
    const expose = { events: `127.0.0.1:${await startEvents(stage, number)}` }
    await linkReady(await stage.startAgent(relay, `supplier-${number}`, { expose }))
  }
  return relay
}

/** What a desk hears first at a supplier's path: an event, or how it was closed. */
async function hear(
  { store, signal }: Stage,
  { listenPort }: StagedRelay,
  desk: Partner,
  supplier: Partner,
): Promise<string> {
  const pair = pairPaths(store, 'client', `desk-${desk}`)
  const socket = new WebSocket(`wss://localhost:${listenPort}${pathOf(supplier)}`, {
    ca: await readFile(authorityPaths(store).certificateFile),
    cert: await readFile(pair.certificateFile),
    key: await readFile(pair.keyFile),
  })
  const { promise, resolve } = Promise.withResolvers<string>()
  socket.on('message', (bytes) => resolve(String(bytes)))
  socket.on('close', (code, reason) => resolve(`${code} ${String(reason)}`))
  socket.on('error', (error) => resolve(error.message))
  try {
    return await waitFor(`an answer to desk-${desk}`, { withinMs, signal }, promise)
  } finally {
    socket.terminate()
  }
}

/** Runs an agent under another's name, with its own certificate; gives what it had to hear. */
async function claimName(
  stage: Stage,
  relay: StagedRelay,
  name: string,
  own: string,
): Promise<LogRecord> {
  const expose = { events: '127.0.0.1:9' }
  const agent = await stage.startAgent(relay, name, { expose }, own)
  return await agent.heard('that the name is another one', (line) => {
    if (line.includes('link ready')) throw broken(`${own} has passed for ${name}.`)
    const [, code] = /\(?\b(config_invalid|identity_mismatch|name_invalid)\b/.exec(line) ?? []
    return code === undefined ? undefined : { code }
  })
}

/** A supplier's plain TCP server: it tells an event to whoever connects. Gives its port. */
async function startEvents({ scope }: Stage, number: Partner): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write(eventOf(number))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  scope.defer(() => void server.close())
  return (server.address() as AddressInfo).port
}

function eventOf(number: Partner): string {
  return `{"supplier":${number},"event":"shipped"}`
}

function serviceOf(number: Partner): string {
  return `supplier-${number}/events`
}

function pathOf(number: Partner): string {
  return `/supplier-${number}`
}

if (import.meta.main) await performAsProgram(partners)
