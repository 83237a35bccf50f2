/** Tests the tabs of a machine without a browser: they see and do what a page would. */
import test from 'ava'
import { tabsAgree } from '../../demo/promises/todo.ts'
import { busTabs } from '../../demo/tabs/bus.ts'
import { sees } from '../../demo/tabs/tab.ts'
import { startTodoSite } from '../support/pages.ts'

const { signal } = new AbortController()

test('tabs on the bus agree as pages do', async (t) => {
  await using site = await startTodoSite()
  const open = busTabs('socket.io')
  t.regex(await tabsAgree({ url: site.url, open, signal }), /a late third agree/)
})

test('what is not seen in time is a broken promise, with what was seen instead', async (t) => {
  await using site = await startTodoSite()
  await using tab = await busTabs('socket.io')(site.url)
  await tab.add('milk')
  await sees(tab, 'milk', { withinMs: 10_000, signal }, ({ todos }) => todos.length === 1)
  const never = sees(tab, 'bread', { withinMs: 50, signal }, ({ todos }) => todos.length === 2)
  await t.throwsAsync(never, { code: 'promise_broken', message: /^bread: .*"title":"milk"/ })
})
