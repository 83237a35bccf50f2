/**
 * `npm run pictures`: takes the pictures of the pages that the documents show, from the story as it
 * runs.
 *
 * Invariant: nothing in a picture is staged but the titles: it is what pages show in that moment.
 */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { Account } from '../../demo/account.ts'
import { Narrator } from '../../demo/narration.ts'
import { openDesk } from '../../demo/play.ts'
import { Processes } from '../../demo/processes.ts'
import { openScene } from '../../demo/story.ts'
import { startTestBrowser } from '../support/browser.ts'
import { repository } from '../support/sources.ts'
import { temporaryFolder } from '../support/temporary.ts'

const folder = join(repository, 'docs', 'pictures')
const size = { width: 1_080, height: 640 } as const
const pathSize = { width: 1_200, height: 880 } as const
const todos = [
  'Order filters for line 2',
  'Read the meters in hall B',
  'Call the plant about <the door>',
  'Bring cake on Friday',
] as const

const { signal } = new AbortController()
await using scope = new AsyncDisposableStack()
const { path } = scope.use(await temporaryFolder())
const processes = scope.use(new Processes(path, signal))
const narrator = new Narrator(process.stderr)
const plan = { folder: path, processes, transports: ['mqtt'], wishPorts: true, signal } as const
const scene = await openScene(plan, new Account(narrator, processes, signal), scope)
const desk = await openDesk(scene, (line) => narrator.say(line), scope)
const browser = scope.use(await startTestBrowser())
await mkdir(folder, { recursive: true })

const url = scene.fronts.get('mqtt')?.url ?? ''
const light = await browser.tab(url, { viewport: size, colorScheme: 'light' })
const dark = await browser.tab(url, { viewport: size, colorScheme: 'dark' })
const editing = await browser.tab(url)
for (const title of todos) await light.add(title)
await light.toggle(todos[0])
await editing.beginEdit(todos[2])
for (let count = 0; count < 10; count += 1) scene.press?.()
for (const { page } of [light, dark]) {
  await page.locator('.light[data-light=on]').waitFor()
  await page.locator('.busy').waitFor()
  await page.getByText('Perform maintenance on pi1').hover()
}
await take(light.page, 'todo-light')
await take(dark.page, 'todo-dark')

const colors = ['light', 'dark'] as const
const paths = await Promise.all(
  colors.map(async (colorScheme) => {
    return await browser.page(`${url}/path`, { viewport: pathSize, colorScheme })
  }),
)
for (const id of ['kill-relay', 'cut'] as const) await desk.break(id)
for (const [index, page] of paths.entries()) {
  await page.locator('.verdict[data-verdict=well]').waitFor()
  // Rates need two looks at the same carrier.
  for (const wire of await page.locator('.rates').all()) {
    await wire.filter({ hasText: /↑ [1-9].*↓ [1-9]/ }).waitFor()
  }
  await take(page, `path-${colors[index]}`)
}

async function take(page: Page, name: string): Promise<void> {
  const file = join(folder, `${name}.png`)
  await page.screenshot({ path: file, animations: 'disabled' })
  narrator.point('Picture', file)
}
