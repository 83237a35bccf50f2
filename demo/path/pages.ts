/**
 * The path page as a part of the front: what it shows, once a look, and what can be broken from it.
 *
 * Invariant: the front has refused what is not of this address before anything here is asked. A
 * reader that does not keep up is let go, and comes back by itself.
 */
import Fastify, { type FastifyInstance, type FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Desk } from '../desk.ts'
import type { Front } from '../front.ts'
import { deviceName, pressPath } from '../premises.ts'
import { readSite, serveSite } from '../web/site.ts'
import { PathWatch } from './watch.ts'

/** Puts the page on every front, until it is disposed. */
export async function openPathPages(desk: Desk): Promise<AsyncDisposable> {
  const fronts: readonly Front[] = [...desk.playground.scene.fronts.values()]
  const watch = new PathWatch(desk)
  const app = Fastify({ bodyLimit: 1_024 })
  await app.register(pathPages, { desk, watch })
  await app.ready()
  for (const front of fronts) front.mount((request, response) => app.routing(request, response))
  return {
    [Symbol.asyncDispose]: async () => {
      for (const front of fronts) front.mount(undefined)
      watch[Symbol.dispose]()
      await app.close()
    },
  }
}

/** What the pages are made of. */
interface PathParts {
  readonly desk: Desk
  readonly watch: PathWatch
}

async function pathPages(app: FastifyInstance, { desk, watch }: PathParts): Promise<void> {
  const site = await readSite({
    prefix: '/path',
    pagePath: '/path',
    folder: new URL('page/', import.meta.url),
    files: ['page.css', 'icon.svg'],
    entry: 'demo/path/page/main.ts',
  })
  serveSite(app, site)
  const readers = new Set<FastifyReply>()
  app.addHook('preClose', async () => {
    for (const reader of readers) reader.raw.destroy()
  })
  app.get('/path/events', (_, reply) => {
    if (readers.size >= readersMax) return reply.code(503).send()
    reply.hijack()
    readers.add(reply)
    const { raw } = reply
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    const stop = watch.hear((state) => {
      if (raw.writableLength > waitingBytesMax) raw.destroy()
      else raw.write(`data: ${JSON.stringify(state)}\n\n`)
    })
    raw.once('close', () => {
      stop()
      readers.delete(reply)
    })
    return reply
  })
  app.post('/path/break/:id', async (request, reply) => {
    const params = breakSchema.safeParse(request.params)
    if (!params.success) return await reply.code(404).send()
    const told = await desk.break(params.data.id)
    if (told !== undefined) return { told }
    return await reply.code(409).send({ told: `One at a time: ${desk.busyWith} is not over yet.` })
  })
  app.post(pressPath, async (request, reply) => {
    const body = pressSchema.safeParse(request.body)
    if (!body.success) return await reply.code(400).send()
    const { press } = desk.playground.scene
    press?.()
    return await reply.code(press === undefined ? 404 : 204).send()
  })
}

const breakSchema = z.object({ id: z.enum(['cut', 'black-hole', 'kill-relay']) })
const pressSchema = z.object({ clientId: z.literal(deviceName) })

/** Each page holds one request open. */
const readersMax = 50
const waitingBytesMax = 256 * 1_024
