/** Tests what a page is served with: its policy, its list, and nothing beside it. */
import { createHash } from 'node:crypto'
import test from 'ava'
import Fastify, { type FastifyInstance } from 'fastify'
import { readSite, serveSite } from '../../../demo/web/site.ts'

const app: FastifyInstance = Fastify()
serveSite(
  app,
  await readSite({
    prefix: '/path',
    pagePath: '/path',
    folder: new URL('../../../demo/path/page/', import.meta.url),
    files: ['page.css', 'icon.svg'],
    entry: 'demo/path/page/main.ts',
  }),
)
test.after.always(async () => await app.close())

test('each answer forbids what is not of the page itself', async (t) => {
  for (const url of ['/path', '/path/page.css', '/path/source/demo/path/page/main.ts']) {
    const { statusCode, headers } = await app.inject(url)
    t.is(statusCode, 200, url)
    t.is(headers['x-content-type-options'], 'nosniff')
    const policy = String(headers['content-security-policy'])
    t.regex(policy, /^default-src 'none'; script-src 'self'/)
    t.notRegex(policy, /unsafe|\*|https?:/)
  }
  const { headers } = await app.inject('/path/source/demo/path/page/main.ts')
  t.is(headers['content-type'], 'text/javascript; charset=utf-8')
})

test('the one inline script is the import map, by its digest', async (t) => {
  const { body, headers } = await app.inject('/path')
  const [, map = ''] = /<script type="importmap">(.*?)<\/script>/.exec(body) ?? []
  const digest = createHash('sha256').update(map).digest('base64')
  t.true(String(headers['content-security-policy']).includes(`'sha256-${digest}'`))
  t.deepEqual(body.match(/<script(?![^>]*\bsrc=)[^>]*>/g), ['<script type="importmap">'])
  t.notRegex(body, /\bon\w+=|\bstyle=/)
})

test('what is unchanged is not sent again', async (t) => {
  const { headers } = await app.inject('/path/page.css')
  const again = { 'if-none-match': String(headers.etag) }
  const { statusCode, body } = await app.inject({ url: '/path/page.css', headers: again })
  t.is(statusCode, 304)
  t.is(body, '')
})

test('no path leads to a file that is not in the list', async (t) => {
  const wanted = [
    'package.json',
    '../package.json',
    '..%2fpackage.json',
    '%2e%2e/%2e%2e/package.json',
    '....//package.json',
    '/etc/passwd',
    'source/../../../package.json',
    'source/demo/front.ts',
    'source/demo/path/page/index.html',
    'source/demo/path/page/tsconfig.json',
    'library/mqtt/package.json',
    'page.css%00.ts',
    'PAGE.CSS',
    '__proto__',
    'constructor',
  ]
  for (const path of wanted) {
    t.is((await app.inject(`/path/${path}`)).statusCode, 404, path)
    t.is((await app.inject(`/${path}`)).statusCode, 404, path)
  }
})
