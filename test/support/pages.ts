/**
 * The todo page in a test: a server of the test's own on Socket.IO, and Chromium to look at it.
 *
 * Invariant: nothing outlives the test. A page that throws, or that breaks its own policy, fails
 * the test that looks at it next.
 */
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import Fastify from 'fastify'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { PageTab, startBrowser, type Tabs } from '../../demo/tabs/browser.ts'
import { assets } from '../../demo/todo/assets.ts'
import { connect } from '../../demo/todo/facade/socket-io.ts'
import { TodoServer } from '../../demo/todo/server.ts'
import { Store } from '../../demo/todo/store.ts'
import { temporaryFolder } from './temporary.ts'
import { recordedLog } from './todo.ts'

/** A todo server with its page. */
export interface TodoSite extends AsyncDisposable {
  readonly url: string
  readonly server: TodoServer
  /** What it is told to press. */
  readonly presses: readonly string[]
}

/** Starts a server whose page has a button for the device. */
export async function startTodoSite({ leaseMs = 10_000 } = {}): Promise<TodoSite> {
  await using starting = new AsyncDisposableStack()
  const { path } = starting.use(await temporaryFolder())
  const { log } = recordedLog()
  const app = Fastify({ forceCloseConnections: true })
  await app.register(assets, { transport: 'socket.io', pressPath: '/press' })
  const presses: string[] = []
  app.post('/press', async (request, reply) => {
    presses.push((request.body as { readonly clientId: string }).clientId)
    return await reply.code(204).send()
  })
  const facade = connect({ url: '', http: app.server, log })
  const store = new Store(join(path, 'todo.json'))
  const server = await TodoServer.start({ facade, store, log, leaseMs })
  starting.use(server)
  await app.listen({ host: '127.0.0.1', port: 0 })
  starting.defer(async () => await app.close())
  const { port } = app.server.address() as AddressInfo
  const running = starting.move()
  return {
    url: `http://localhost:${port}`,
    server,
    presses,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Chromium, and the complaints of its pages. */
export interface TestBrowser extends AsyncDisposable {
  /** Opens a tab at this address, in a context of its own, and waits until it is live. */
  tab(url: string, options?: BrowserContextOptions): Promise<PageTab>
  /** Opens any page in a context of its own. */
  page(url: string, options?: BrowserContextOptions): Promise<Page>
  /** What the console called an error, and each breach of a page's policy. */
  readonly complaints: readonly string[]
}

/** Starts it. Needs `chromium-headless-shell`. */
export async function startTestBrowser(): Promise<TestBrowser> {
  const tabs: Tabs | undefined = await startBrowser()
  if (tabs === undefined) throw new Error('apt-get install chromium-headless-shell')
  const complaints: string[] = []
  const newPage = async (options: BrowserContextOptions): Promise<Page> => {
    const context = await tabs.browser.newContext(options)
    context.setDefaultTimeout(15_000)
    const page = await context.newPage()
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    return page
  }
  return {
    complaints,
    tab: async (url, options = {}) => await PageTab.open(await newPage(options), url),
    page: async (url, options = {}) => {
      const page = await newPage(options)
      await page.goto(url)
      return page
    },
    [Symbol.asyncDispose]: () => tabs[Symbol.asyncDispose](),
  }
}
