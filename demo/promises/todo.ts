/**
 * Promises of the todo list, as its users see it: what one does the others have, and a cut in the
 * middle of it is nobody's affair.
 */
import { Fault } from '../../shared/protocol/fault.ts'
import { nextLinks } from '../agents.ts'
import type { Child } from '../child.ts'
import { secondsText } from '../narration.ts'
import type { Network } from '../network.ts'
import { type OpenTab, type Shown, sees, type Tab } from '../tabs/tab.ts'

const withinMs = 30_000

/** What the promises are about. */
export interface TodoStage {
  /** Where the pages are. */
  readonly url: string
  readonly open: OpenTab
  readonly signal: AbortSignal
}

/** Two tabs add, edit, check and delete; then both show the same list, and so does a late third. */
export async function tabsAgree({ url, open, signal }: TodoStage): Promise<string> {
  await using one = await opened(open, url, signal)
  await using other = await opened(open, url, signal)
  const patience = { withinMs, signal }
  const shows = async (tab: Tab, ...titles: readonly string[]): Promise<void> => {
    const isSo = ({ todos }: { todos: readonly Shown[] }): boolean =>
      titles.every((title) => todos.some((todo) => todo.title === title))
    await sees(tab, `a tab with ${titles.join(', ')}`, patience, isSo)
  }
  await one.add('milk')
  await other.add('<b>bread</b>')
  await shows(one, 'milk', '<b>bread</b>')
  await shows(other, 'milk', '<b>bread</b>')
  await other.beginEdit('milk')
  await other.endEdit('oat milk')
  await one.toggle('<b>bread</b>')
  await one.add('coffee')
  await shows(other, 'oat milk', 'coffee')
  await other.remove('coffee')
  const expected: readonly Shown[] = [
    { title: 'oat milk', completed: false },
    { title: '<b>bread</b>', completed: true },
  ]
  await using late = await opened(open, url, signal)
  for (const tab of [one, other, late]) await showsExactly(tab, expected, signal)
  for (const { title } of expected) await one.remove(title)
  await showsExactly(other, [], signal)
  return '2 tabs and a late third agree after edits, checks and deletions'
}

/** What a cut happens to. */
export interface CutStage extends TodoStage {
  readonly network: Network
  readonly agents: readonly Child[]
}

/** The carriers are cut while a todo is being edited, and again right behind the last key. */
export async function editSurvivesCut(stage: CutStage): Promise<string> {
  const { url, open, signal, network, agents } = stage
  await using one = await opened(open, url, signal)
  await using other = await opened(open, url, signal)
  await one.add('draft')
  await showsExactly(other, [{ title: 'draft', completed: false }], signal)
  await one.beginEdit('draft')
  const links = nextLinks(agents)
  if (network.cut() === 0) throw new Fault('promise_broken', 'There was no connection to cut.')
  const start = performance.now()
  await one.endEdit('final')
  await links()
  network.cut()
  await showsExactly(other, [{ title: 'final', completed: false }], signal)
  const took = secondsText(performance.now() - start)
  await one.remove('final')
  await showsExactly(other, [], signal)
  return `cut twice in mid-edit, nothing lost; the other tab has it after ${took}`
}

/** What presses a button. */
export interface DeviceStage extends TodoStage {
  readonly press: () => void
}

/** The tenth press writes an entry and turns the light on; who checks it turns the light off. */
export async function deviceIsMaintained({
  url,
  open,
  signal,
  press,
}: DeviceStage): Promise<string> {
  await using tab = await opened(open, url, signal)
  const patience = { withinMs, signal }
  for (let count = 0; count < clicks; count += 1) press()
  const title = 'Perform maintenance on pi1'
  await sees(tab, `${clicks} presses: light and entry`, patience, ({ light, todos }) => {
    return light === 'on' && todos.filter((todo) => todo.title === title).length === 1
  })
  await tab.toggle(title)
  await sees(tab, 'checked: light off', patience, ({ light }) => light === 'off')
  await tab.remove(title)
  await showsExactly(tab, [], signal)
  return `${clicks} presses of pi1: light on and one entry; checked: light off`
}

const clicks = 10

async function opened(open: OpenTab, url: string, signal: AbortSignal): Promise<Tab> {
  const tab = await open(url)
  await sees(tab, 'a tab that is live', { withinMs, signal }, ({ isLive }) => isLive)
  return tab
}

async function showsExactly(
  tab: Tab,
  expected: readonly Shown[],
  signal: AbortSignal,
): Promise<void> {
  const wanted = JSON.stringify(expected)
  const isSo = ({ todos }: { todos: readonly Shown[] }): boolean => JSON.stringify(todos) === wanted
  await sees(tab, `a tab with exactly ${wanted}`, { withinMs, signal }, isSo)
}
