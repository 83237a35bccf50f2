/**
 * Tests the pages in a browser as the demo serves them: through the front, the relay, the firewall
 * and the agent; and what breaks on the way.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type { ExecutionContext } from 'ava'
import { Account } from '../../demo/account.ts'
import { Narrator } from '../../demo/narration.ts'
import { openDesk } from '../../demo/play.ts'
import { Processes } from '../../demo/processes.ts'
import { deviceIsMaintained, editSurvivesCut } from '../../demo/promises/todo.ts'
import { openScene, type Scene } from '../../demo/story.ts'
import type { PageTab } from '../../demo/tabs/browser.ts'
import { Chance } from '../simulation/chance.ts'
import { startTestBrowser, type TestBrowser } from '../support/browser.ts'
import { serialTestWith } from '../support/program.ts'
import { temporaryFolder } from '../support/temporary.ts'

const deadlineMs = 300_000
const { signal } = new AbortController()

/** The stage of each test: the whole story, its pages over MQTT, and a browser. */
interface Stage {
  readonly scene: Scene
  readonly url: string
  readonly browser: TestBrowser
  readonly scope: AsyncDisposableStack
}

function testStory(
  title: string,
  play: (t: ExecutionContext, stage: Stage) => Promise<void>,
): void {
  serialTestWith('chromium-headless-shell')(title, async (t) => {
    t.timeout(deadlineMs)
    await using scope = new AsyncDisposableStack()
    const { path: folder } = scope.use(await temporaryFolder())
    const processes = scope.use(new Processes(folder, signal))
    const account = new Account(new Narrator(new PassThrough().resume()), processes, signal)
    const plan = { folder, processes, wishPorts: false, signal } as const
    const kinds = { broker: 'embedded', transports: ['mqtt'] } as const
    const scene = await openScene({ ...plan, ...kinds }, account, scope)
    const browser = scope.use(await startTestBrowser())
    await play(t, { scene, url: scene.fronts.get('mqtt')?.url ?? '', browser, scope })
  })
}

testStory('three tabs and a late fourth agree after random edits', async (t, stage) => {
  const { url, browser, scene } = stage
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000)
  t.log(`SEED=${seed}`)
  const chance = new Chance(seed)
  const tabs = await Promise.all([1, 2, 3].map(async () => await browser.tab(url)))
  for (let step = 0; step < steps; step += 1) {
    if (step === steps / 2) t.true(scene.network.cut() > 0)
    for (const tab of tabs) await act(tab, chance, `${step} ${chance.hex(2)}`)
  }
  tabs.push(await browser.tab(url))
  const lists = await untilAgreed(tabs)
  t.is(new Set(lists).size, 1, lists.join('\n'))
  t.not(lists[0], '[]')
  t.deepEqual(browser.complaints, [])
})

testStory('the Pi is maintained, and a cut in mid-edit loses nothing', async (t, stage) => {
  const { url, browser, scene, scope } = stage
  await openDesk(scene, () => {}, scope)
  const open = async (address: string): Promise<PageTab> => await browser.tab(address)
  const { network, plant, office, press = () => t.fail() } = scene
  const agents = [plant, office.process]
  await t.notThrowsAsync(editSurvivesCut({ url, open, signal, network, agents }))
  await t.notThrowsAsync(deviceIsMaintained({ url, open, signal, press }))
  const tab = await browser.tab(url)
  for (let count = 0; count < 10; count += 1) await tab.page.locator('.press').click()
  await tab.page.locator('.light[data-light=on]').waitFor()
  t.regex(
    String(await tab.page.locator('.device p').textContent()),
    /^10 uses: maintenance is due$/,
  )
  t.deepEqual(browser.complaints, [], 'and nobody had to connect again')
})

testStory(
  'W11: a page of another site reaches neither the list nor the buttons',
  async (t, stage) => {
    const { url, browser, scope } = stage
    await openDesk(stage.scene, () => {}, scope)
    const site = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<title>elsewhere</title>')
    })
    site.listen(0, '127.0.0.1')
    await once(site, 'listening')
    scope.defer(() => void site.close())
    const elsewhere = `http://127.0.0.1:${(site.address() as AddressInfo).port}`
    const attack = attackScript(new URL(url).host)
    const page = await browser.page(elsewhere)
    t.deepEqual(await page.evaluate<unknown>(attack), {
      mqtt: 'error',
      socketIo: 'error',
      cut: 'opaque',
      read: 'TypeError',
    })
    t.is(stage.scene.cloud.lives, 1)
    const own = await browser.page(`${url}/path`)
    const { mqtt } = await own.evaluate<{ readonly mqtt: string }>(attack)
    t.is(mqtt, 'open', 'the same from its own page')
    await own.locator('.events li').first().waitFor()
    t.is(await own.locator('.events').getByText('✂').count(), 1, 'one cut: that of its own page')
  },
)

testStory('the path page draws what is, and tells what was broken from it', async (t, stage) => {
  const { url, browser, scene, scope } = stage
  await openDesk(scene, () => {}, scope)
  const page = await browser.page(`${url}/path`)
  await page.locator('.verdict[data-verdict=well]').waitFor()
  t.regex(String(await page.locator('.through .round-trip').textContent()), /^[\d.]+ ms$/)
  t.regex(String(await page.locator('.broker-text').textContent()), /^aedes /)
  const events = page.locator('.events li')
  await page.getByRole('button', { name: 'cut the carriers' }).press('Enter')
  await events.filter({ hasText: /no stream was lost; longest pause [\d.]+ s/ }).waitFor()
  t.is(await page.locator('.cuts').textContent(), '4')
  await page.getByRole('button', { name: 'kill the relay' }).click()
  await page.locator('.relay[data-station=down]').waitFor()
  t.true(await page.getByRole('button', { name: 'cut the carriers' }).isDisabled())
  const again = `fetch('/path/break/cut', { method: 'POST' }).then(({ status }) => status)`
  t.is(await page.evaluate<number>(again), 409, 'one at a time')
  await events.filter({ hasText: /another relay serves after .*; no stream was lost/ }).waitFor()
  await page.locator('.verdict[data-verdict=well]').waitFor()
  t.is(await page.locator('.relay-text').textContent(), 'life 2')
  t.is(await page.locator('.lost').textContent(), '0')
})

const steps = 20
const agreeWithinMs = 30_000

/** Something that a user might do, to whatever is there in this moment. */
async function act({ page }: PageTab, chance: Chance, text: string): Promise<void> {
  const kind = chance.pick(['add', 'add', 'toggle', 'remove', 'edit', 'edit', 'all', 'clear'])
  await page.evaluate(`(${actScript})(${JSON.stringify(kind)}, ${chance.next()}, '${text}')`)
}

const actScript = `(kind, chance, text) => {
  const enter = (input) => {
    input.value = text
    input.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))
  }
  const rows = [...document.querySelectorAll('.todo-list li')]
  const row = rows[Math.floor(chance * rows.length)]
  if (kind === 'add' || row === undefined) return enter(document.querySelector('.new-todo'))
  if (kind === 'toggle') return row.querySelector('.toggle').click()
  if (kind === 'remove') return row.querySelector('.destroy').click()
  if (kind === 'all') return document.querySelector('.toggle-all').click()
  if (kind === 'clear') return document.querySelector('.clear-completed').click()
  row.querySelector('.title').dispatchEvent(new MouseEvent('dblclick', { bubbles: true }))
  if (row.classList.contains('editing')) enter(row.querySelector('.edit'))
}`

/** What each tab shows as soon as all show the same twice in a row, or in the end. */
async function untilAgreed(tabs: readonly PageTab[]): Promise<readonly string[]> {
  const deadline = performance.now() + agreeWithinMs
  let before = ''
  for (;;) {
    const sights = await Promise.all(tabs.map(async (tab) => await tab.see()))
    const lists = sights.map(({ todos }) => JSON.stringify(todos))
    const now = lists.join()
    const isAgreed = new Set(lists).size === 1 && now === before
    if (isAgreed || performance.now() > deadline) return lists
    before = now
    await pause(250)
  }
}

/** Tries all that a page could try at the front; gives what came of it. */
function attackScript(host: string): string {
  return `(async () => {
    const socket = (path, protocol) => new Promise((resolve) => {
      const one = new WebSocket('ws://${host}' + path, protocol)
      one.onopen = () => resolve('open')
      one.onerror = () => resolve('error')
    })
    const said = (promise) => promise.then(({ type }) => type, ({ name }) => name)
    const post = { method: 'POST', mode: 'no-cors' }
    return {
      mqtt: await socket('/mqtt', 'mqtt'),
      socketIo: await socket('/socket.io/?EIO=4&transport=websocket'),
      cut: await said(fetch('http://${host}/path/break/cut', post)),
      read: await said(fetch('http://${host}/')),
    }
  })()`
}
