/**
 * Tests the todo page in a browser, as its specification says it and as a keyboard reaches it.
 */
import type { ExecutionContext } from 'ava'
import type { PageTab } from '../../../demo/tabs/browser.ts'
import type { Sight } from '../../../demo/tabs/tab.ts'
import { sees } from '../../../demo/tabs/tab.ts'
import { startTestBrowser, type TestBrowser } from '../../support/browser.ts'
import { startTodoSite, type TodoSite } from '../../support/pages.ts'
import { serialTestWith } from '../../support/program.ts'

const patience = { withinMs: 40_000, signal: new AbortController().signal }
const deadlineMs = 300_000

/** Declares a test with a server and a browser of its own. */
function testPage(
  title: string,
  play: (t: ExecutionContext, site: TodoSite, browser: TestBrowser) => Promise<void>,
): void {
  serialTestWith('chromium-headless-shell')(title, async (t) => {
    t.timeout(deadlineMs)
    await using site = await startTodoSite()
    await using browser = await startTestBrowser()
    await play(t, site, browser)
    t.deepEqual(browser.complaints, [])
  })
}

/** `milk, (bread)`: a list in words, the completed ones in brackets. */
function words({ todos }: Sight): string {
  return todos.map(({ title, completed }) => (completed ? `(${title})` : title)).join(', ')
}

async function shows(tab: PageTab, list: string): Promise<void> {
  await sees(tab, `the list "${list}"`, patience, (sight) => words(sight) === list)
}

testPage('todos are added, trimmed, counted, checked, filtered and cleared', async (t, site, b) => {
  const tab = await b.tab(site.url)
  const { page } = tab
  const count = page.locator('.todo-count')
  t.true(await page.locator('.new-todo').evaluate((input) => input.matches(':focus')))
  t.false(await page.locator('.main').isVisible(), 'hidden while there is nothing')
  t.false(await page.locator('.footer').isVisible())
  await tab.add('   milk ')
  await tab.add('   ')
  await shows(tab, 'milk')
  t.is(await count.textContent(), '1 item left')
  await tab.add('bread')
  await tab.add('coffee')
  t.is(await count.textContent(), '3 items left')
  t.false(await page.locator('.clear-completed').isVisible())
  await tab.toggle('bread')
  t.is(await count.textContent(), '2 items left')
  await page.getByRole('link', { name: 'Active' }).click()
  await shows(tab, 'milk, coffee')
  t.is(await page.locator('.filters .selected').textContent(), 'Active')
  await page.reload()
  await shows(tab, 'milk, coffee')
  await page.getByRole('link', { name: 'Completed' }).click()
  await shows(tab, '(bread)')
  await page.goBack()
  await shows(tab, 'milk, coffee')
  await page.getByRole('link', { name: 'All' }).click()
  await page.locator('.clear-completed').click()
  await shows(tab, 'milk, coffee')
  await page.locator('.toggle-all + label').click()
  await shows(tab, '(milk), (coffee)')
  t.true(await page.locator('.toggle-all').isChecked())
  await tab.toggle('milk')
  t.false(await page.locator('.toggle-all').isChecked())
})

testPage('an edit is saved by Enter and by leaving, and not by Escape', async (t, site, b) => {
  const tab = await b.tab(site.url)
  const { page } = tab
  const edit = page.locator('.editing .edit')
  await tab.add('milk')
  await tab.beginEdit('milk')
  t.false(await page.locator('.view').isVisible(), 'other controls are hidden')
  t.is(await edit.inputValue(), 'milk')
  await tab.endEdit('  oat milk  ')
  await shows(tab, 'oat milk')
  await tab.beginEdit('oat milk')
  await edit.fill('tea')
  await page.locator('h1').click()
  await shows(tab, 'tea')
  await tab.beginEdit('tea')
  await edit.fill('nothing of it')
  await edit.press('Escape')
  await shows(tab, 'tea')
  t.is(await page.locator('.editing').count(), 0)
  await tab.beginEdit('tea')
  await tab.endEdit('   ')
  await shows(tab, '')
})

testPage('A2: whatever a title holds is text, for everybody', async (t, site, b) => {
  const tab = await b.tab(site.url)
  const other = await b.tab(site.url)
  const titles = [
    '<img src=x onerror=alert(1)>',
    '<script>alert(2)</script>',
    '"><svg onload=alert(3)>',
    'javascript:alert(4)',
    '{{constructor.constructor("alert(5)")()}}',
    '&lt;b&gt;',
    '\u202Ebackwards',
    'a'.repeat(500),
  ]
  for (const title of titles) await tab.add(title)
  await shows(other, titles.join(', '))
  const made = other.page.locator('.todo-list').locator('img, script, svg, b')
  t.is(await made.count(), 0)
  const tooWide = `document.documentElement.scrollWidth > innerWidth`
  t.false(await other.page.evaluate<boolean>(tooWide), 'a long word breaks')
})

testPage('a keyboard alone does all of it, and its place is always seen', async (t, site, b) => {
  const tab = await b.tab(site.url, { reducedMotion: 'reduce' })
  const { page } = tab
  const focused = page.locator(':focus')
  const press = async (...keys: readonly string[]): Promise<void> => {
    for (const key of keys) {
      await page.keyboard.press(key)
      t.is(await page.evaluate(outlineScript), 'opacity 1', `after ${key}`)
    }
  }
  await page.keyboard.type('milk')
  await press('Enter')
  await page.keyboard.type('bread')
  await press('Enter', 'Tab', 'Space')
  t.is(await focused.getAttribute('id'), 'toggle-all')
  await shows(tab, '(milk), (bread)')
  await press('Space', 'Tab', 'Space')
  await shows(tab, '(milk), bread')
  await press('Tab')
  t.is(await focused.getAttribute('aria-label'), 'Edit milk')
  await press('Enter')
  await page.keyboard.type(' and honey')
  await press('Enter')
  await shows(tab, '(milk and honey), bread')
  t.is(await focused.getAttribute('aria-label'), 'Edit milk and honey')
  await press('F2', 'Escape', 'Tab')
  t.is(await focused.getAttribute('aria-label'), 'Delete milk and honey')
  await press('Enter')
  await shows(tab, 'bread')
  t.is(await focused.getAttribute('class'), 'toggle', 'its neighbour has the focus')
  await press('Space', 'Tab', 'Tab', 'Tab', 'Tab', 'Enter')
  t.true(page.url().endsWith('#/active'), page.url())
  await shows(tab, '')
  await press('Tab', 'Tab')
  t.is(await focused.textContent(), 'Clear completed')
  await press('Enter')
  t.is(await focused.getAttribute('id'), 'new-todo', 'what is gone leaves the focus to the input')
  t.deepEqual(site.server.state.list.items, [])
})

testPage('every control has a name, and changes are told to those who hear', async (t, site, b) => {
  const tab = await b.tab(site.url)
  const other = await b.tab(site.url)
  const { page } = tab
  await page.getByRole('textbox', { name: 'New todo' }).fill('milk')
  await page.keyboard.press('Enter')
  await other.page
    .getByRole('status')
    .filter({ hasText: 'milk: added' })
    .waitFor({ state: 'attached' })
  await page.getByRole('checkbox', { name: 'Mark all as complete' }).waitFor({ state: 'attached' })
  await page.getByRole('checkbox', { name: 'milk', exact: true }).check()
  await other.page
    .getByRole('status')
    .filter({ hasText: 'milk: completed' })
    .waitFor({ state: 'attached' })
  await page.getByRole('button', { name: 'Edit milk' }).click()
  await page.getByRole('textbox', { name: 'Title of the todo' }).waitFor()
  const nameless = await page.evaluate<readonly string[]>(namelessScript)
  t.deepEqual(nameless, [])
})

testPage(
  'what one edits is disabled for the others, with a name, until he is gone',
  async (t, site, b) => {
    const tab = await b.tab(site.url)
    const other = await b.tab(site.url)
    await tab.add('milk')
    await shows(other, 'milk')
    await tab.beginEdit('milk')
    const who = other.page.locator('.busy .who')
    await who.waitFor()
    t.regex(String(await who.textContent()), /^[a-z]+ [a-z]+ is editing$/)
    for (const control of await other.page.locator('.busy .view').locator('input, button').all()) {
      t.true(await control.isDisabled())
    }
    await other.page.locator('.title').dblclick()
    t.is(await other.page.locator('.editing').count(), 0)
    await tab[Symbol.asyncDispose]()
    await who.waitFor({ state: 'hidden' })
    await other.beginEdit('milk')
  },
)

testPage('whoever edits what others clear goes on elsewhere, and is told', async (t, site, b) => {
  const tab = await b.tab(site.url)
  const other = await b.tab(site.url)
  await tab.add('milk')
  await tab.toggle('milk')
  await tab.add('bread')
  await shows(other, '(milk), bread')
  await tab.beginEdit('milk')
  await other.page.locator('.busy').waitFor()
  await other.page.locator('.clear-completed').click()
  await shows(tab, 'bread')
  const told = await tab.page.getByRole('alert').textContent()
  t.is(told, '"milk" was deleted while you edited it.')
  t.is(await tab.page.locator(':focus').getAttribute('class'), 'toggle', 'its neighbour is next')
  t.deepEqual(site.server.state.list.leases, {})
})

testPage('text and its ground differ enough, in light and in dark', async (t, site, b) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    const tab = await b.tab(site.url, { colorScheme, reducedMotion: 'reduce' })
    await tab.add('milk')
    await tab.add(`bread ${colorScheme}`)
    await tab.toggle(`bread ${colorScheme}`)
    const faint = await tab.page.evaluate<readonly string[]>(faintScript)
    t.deepEqual(faint, [], colorScheme)
    const moving = await tab.page.evaluate<number>('document.getAnimations().length')
    t.is(moving, 0, 'who asked for no motion has none')
  }
})

/** How what has the focus is drawn; the box of the toggle for all is drawn by its label. */
const outlineScript = `(() => {
  const element = document.activeElement
  const shown = element.id === 'toggle-all' ? element.nextElementSibling : element
  const { outlineStyle, opacity } = getComputedStyle(shown)
  return outlineStyle === 'none' ? 'no outline' : 'opacity ' + opacity
})()`

/** Controls without a name, by their class. */
const namelessScript = `[...document.querySelectorAll('button, input, a, [role]')]
  .filter((one) => !one.getAttribute('aria-label') && !one.getAttribute('aria-labelledby') &&
    !one.labels?.length && !one.textContent.trim() && !one.matches('[role=status], [role=alert]'))
  .map((one) => one.className)`

/** Texts whose contrast is below 4.5 to 1 (WCAG 2.2, 1.4.3). */
const faintScript = `(() => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true })
  const rgb = (color) => {
    canvas.clearRect(0, 0, 1, 1)
    canvas.fillStyle = color
    canvas.fillRect(0, 0, 1, 1)
    return [...canvas.getImageData(0, 0, 1, 1).data]
  }
  const light = ([r, g, b]) => [r, g, b].map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
    .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0)
  const groundOf = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const [r, g, b, alpha] = rgb(getComputedStyle(at).backgroundColor)
      if (alpha > 200) return [r, g, b]
    }
    return [255, 255, 255]
  }
  const faint = []
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement
    const style = getComputedStyle(element)
    const isSeen = element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
    if (!walker.currentNode.textContent.trim() || !isSeen || style.fontSize === '0px') continue
    const [one, other] = [light(rgb(style.color)), light(groundOf(element))]
    const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)
    if (contrast < 4.5) faint.push(element.className + ' ' + contrast.toFixed(1))
  }
  return faint
})()`
