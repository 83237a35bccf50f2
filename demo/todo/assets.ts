/**
 * The todo page as a part of the todo server: HTML, styles, modules and library files.
 *
 * Invariant: only what the page itself leads to is served, from memory (demo/web/modules.ts).
 */
import type { FastifyInstance } from 'fastify'
import { readSite, serveSite } from '../web/site.ts'
import { type Settings, settingsPath } from './page/settings.ts'

/** Fastify plugin: serves the page at `/`, and tells it these settings. */
export async function assets(app: FastifyInstance, settings: Settings): Promise<void> {
  const site = await readSite({
    prefix: '',
    pagePath: '/',
    folder: new URL('page/', import.meta.url),
    files: ['page.css', 'icon.svg'],
    entry: 'demo/todo/page/main.ts',
  })
  serveSite(app, site)
  const { transport, pressPath } = settings
  app.get(settingsPath, async (_, reply) => {
    reply.header('cache-control', 'no-store')
    return { transport, ...(pressPath !== undefined && { pressPath }) }
  })
}
