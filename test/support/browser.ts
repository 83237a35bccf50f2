/**
 * Chromium in a test, to look at pages with.
 *
 * Invariant: it ends with its scope. What a page complains of, of its own policy too, is kept.
 */
import type { BrowserContextOptions, Page } from 'playwright-core'
import { PageTab, startBrowser } from '../../demo/tabs/browser.ts'
import { patienceMs } from './within.ts'

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
  const tabs = await startBrowser()
  if (tabs === undefined) throw new Error('apt-get install chromium-headless-shell')
  const complaints: string[] = []
  const newPage = async (options: BrowserContextOptions): Promise<Page> => {
    const context = await tabs.browser.newContext(options)
    context.setDefaultTimeout(patienceMs)
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
