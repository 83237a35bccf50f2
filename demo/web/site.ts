/**
 * A page and all that belongs to it, in memory, and how it is served.
 *
 * Invariant: what is not in the list is not there. Every answer says what may be loaded: scripts,
 * styles and connections of the page's own origin, and nothing else.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { posix } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { type Modules, readModules } from './modules.ts'

/** What a page is made of. */
export interface SiteParts {
  /** The path that everything but the page itself lies below: empty, or `/path`. */
  readonly prefix: string
  /** Where the page is: `/`. */
  readonly pagePath: string
  /** The folder of index.html and of the files beside it. */
  readonly folder: URL
  /** Names of files in the folder: `page.css`. */
  readonly files: readonly string[]
  /** The first module, from the repository's root. */
  readonly entry: string
}

interface Asset {
  readonly type: string
  readonly body: string
  readonly tag: string
  readonly policy: string
}

/** What one page is served from, by URL path. */
export type Site = ReadonlyMap<string, Asset>

/** Reads everything. */
export async function readSite(parts: SiteParts): Promise<Site> {
  const { prefix, pagePath, folder, files, entry } = parts
  const modules = await readModules(entry, prefix)
  const site = new Map<string, Asset>()
  for (const [path, text] of modules.texts) site.set(path, asset('.js', text))
  for (const name of files) {
    const text = await readFile(new URL(name, folder), 'utf8')
    site.set(`${prefix}/${name}`, asset(posix.extname(name), text))
  }
  const html = await readFile(new URL('index.html', folder), 'utf8')
  const { page, digest } = withImportMap(html, modules)
  site.set(pagePath, asset('.html', page, `'sha256-${digest}'`))
  return site
}

/** Answers each path of the site. */
export function serveSite(app: FastifyInstance, site: Site): void {
  for (const [path, { type, body, tag, policy }] of site) {
    app.get(path, async (request, reply) => {
      reply.headers({ ...headers, 'content-security-policy': policy, etag: tag })
      if (request.headers['if-none-match'] === tag) return await reply.code(304).send()
      return await reply.type(type).send(body)
    })
  }
}

const headers = {
  'cache-control': 'no-cache',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

function asset(extension: string, body: string, inlineScript = ''): Asset {
  const digest = createHash('sha256').update(body).digest('base64url')
  const type = types[extension] ?? 'text/plain; charset=utf-8'
  return { type, body, tag: `"${digest}"`, policy: policyWith(inlineScript) }
}

/** The one inline script is the import map, known by its digest (CSP Level 3, 6.7.3). */
function policyWith(inlineScript: string): string {
  return [
    "default-src 'none'",
    `script-src 'self' ${inlineScript}`.trim(),
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}

function withImportMap(
  html: string,
  { imports, needed }: Modules,
): { readonly page: string; readonly digest: string } {
  const map = JSON.stringify({ imports })
  // All at once, instead of one generation of imports after the other.
  const links = needed.map((path) => `<link rel="modulepreload" href="${path}" />`)
  const digest = createHash('sha256').update(map).digest('base64')
  const script = `<script type="importmap">${map}</script>`
  const head = [script, ...links].join('\n    ')
  return { page: html.replace('<!-- import map -->', () => head), digest }
}
