/**
 * Tabs in the system's Chromium: the page itself, with a keyboard and a mouse.
 *
 * Invariant: each tab is a browser context of its own, as if on another machine. An error that the
 * page throws is the error of whoever looks next.
 */
import { accessSync, constants } from 'node:fs'
import type { Browser, Locator, Page } from 'playwright-core'
import type { OpenTab, Sight, Tab } from './tab.ts'

/** Where Debian puts it. */
const programs = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium']

/** A browser to open tabs in. */
export interface Tabs extends AsyncDisposable {
  readonly browser: Browser
  readonly open: OpenTab
}

/** Starts the browser; undefined where there is none, or nothing to drive it with. */
export async function startBrowser(): Promise<Tabs | undefined> {
  const executablePath = programs.find(isExecutable)
  const driver = await import('playwright-core').catch(() => undefined)
  if (executablePath === undefined || driver === undefined) return undefined
  // Only the demo's own pages are opened: the sandbox, which root cannot have, is not missed.
  const browser = await driver.chromium.launch({ executablePath, args: ['--no-sandbox'] })
  return {
    browser,
    open: async (url) => {
      const context = await browser.newContext()
      return await PageTab.open(await context.newPage(), url)
    },
    [Symbol.asyncDispose]: async () => await browser.close(),
  }
}

/** A page that shows the list. */
export class PageTab implements Tab {
  readonly page: Page
  readonly #errors: Error[] = []

  private constructor(page: Page) {
    this.page = page
    page.on('pageerror', (error) => this.#errors.push(error))
    page.on('dialog', (dialog) => this.#errors.push(new Error(`dialog: ${dialog.message()}`)))
  }

  /** Opens it and waits until it is connected. */
  static async open(page: Page, url: string): Promise<PageTab> {
    const tab = new PageTab(page)
    await page.goto(url)
    await page.locator('.state[data-state=connected]').waitFor()
    return tab
  }

  async see(): Promise<Sight> {
    const [error] = this.#errors
    if (error !== undefined) throw error
    return await this.page.evaluate(lookScript)
  }

  async add(title: string): Promise<void> {
    const input = this.page.locator('.new-todo')
    await input.fill(title)
    await input.press('Enter')
  }

  async toggle(title: string): Promise<void> {
    await this.#row(title).locator('.toggle').click()
  }

  async remove(title: string): Promise<void> {
    await this.#row(title).hover()
    await this.#row(title).locator('.destroy').click()
  }

  async beginEdit(title: string): Promise<void> {
    await this.#row(title).locator('.title').dblclick()
  }

  async endEdit(title: string): Promise<void> {
    const input = this.page.locator('.editing .edit')
    await input.fill(title)
    await input.press('Enter')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close()
  }

  #row(title: string): Locator {
    const named = this.page.locator('.title').getByText(title, { exact: true })
    return this.page.locator('.todo-list li').filter({ has: named })
  }
}

/** Runs in the page, and is not typed against it. */
const lookScript = `(() => {
  const todos = [...document.querySelectorAll('.todo-list li')].map((row) => ({
    title: row.querySelector('.title').textContent,
    completed: row.querySelector('.toggle').checked,
  }))
  const isLive = document.querySelector('.state').dataset.state === 'connected'
  const light = document.querySelector('.light')?.dataset.light
  return { todos, isLive, ...(light !== undefined && { light }) }
})()`

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
