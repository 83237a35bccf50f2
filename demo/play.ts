/**
 * What remains when every promise is kept: a tunnel to play with.
 *
 * Invariant: four messages a second go through the office's forward, and the line below tells what
 * became of all of them. One thing is broken at a time, be it from here or from the path page.
 */
import { breakages } from './breakages.ts'
import { BrokerClient } from './clients.ts'
import { mqttService } from './cloud.ts'
import { Desk } from './desk.ts'
import type { Interruption } from './interruption.ts'
import { listenForKeys } from './keys.ts'
import { countText, type Narrator, secondsText } from './narration.ts'
import { openInBrowser } from './opening.ts'
import { openPathPages } from './path/pages.ts'
import { Sequence } from './sequence.ts'
import type { Scene } from './story.ts'

const heartbeatMs = 250
const redrawMs = 250

/** Opens a desk on the scene, and the path page beside it; messages begin to flow. */
export async function openDesk(
  scene: Scene,
  say: (line: string) => void,
  scope: AsyncDisposableStack,
): Promise<Desk> {
  const { cloud, office, signal } = scene
  const forward = scope.use(await BrokerClient.overTcp(office.mqttPort, signal))
  const ingress = await BrokerClient.overTcp(cloud.portOf(mqttService), signal, 'demo-ingress')
  scope.use(ingress)
  const plan = { from: forward, to: forward, topic: 'demo/path', word: 'beat', aheadMax: 1_000 }
  const sequence = await Sequence.open(plan)
  const timer = setInterval(() => sequence.send(1), heartbeatMs)
  scope.defer(() => clearInterval(timer))
  const desk = new Desk({ scene, sequence, forward, ingress }, say)
  scope.use(await openPathPages(desk))
  return desk
}

/** Stays until it is interrupted, or somebody says `q`. */
export async function play(
  scene: Scene,
  narrator: Narrator,
  interruption: Interruption,
): Promise<void> {
  const { signal } = scene
  await using scope = new AsyncDisposableStack()
  const desk = await openDesk(scene, (line) => narrator.say(line), scope)
  tellWays(scene, narrator)
  const breaks = Object.values(breakages).map(
    ({ id, key }) => [key, () => void breakIt(desk, id, narrator)] as const,
  )
  using keys = listenForKeys(process.stdin, {
    ...Object.fromEntries(breaks),
    p: () => pressButton(scene, narrator),
    o: () => void openPage(scene, narrator),
    h: () => help(narrator),
    q: () => interruption.interrupt(),
  })
  if (keys === undefined) narrator.say('  Ctrl-C ends it')
  else narrator.say(keysLine())
  const timer = setInterval(() => narrator.draft(lineOf(desk)), redrawMs)
  scope.defer(() => clearInterval(timer))
  try {
    await scene.processes.untilOneFalls()
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    narrator.draft('')
    narrator.say(lineOf(desk))
  }
}

async function breakIt(desk: Desk, id: keyof typeof breakages, narrator: Narrator): Promise<void> {
  if ((await desk.break(id)) !== undefined) return
  narrator.say(`  one at a time: "${desk.busyWith}" is not over yet`)
}

function pressButton({ press }: Scene, narrator: Narrator): void {
  narrator.say(press === undefined ? '  the Pi is there over mqtt only' : '  ● the Pi was pressed')
  press?.()
}

async function openPage({ fronts }: Scene, narrator: Narrator): Promise<void> {
  for (const { url } of fronts.values()) {
    if (!(await openInBrowser(url))) narrator.say(`  there is nothing to open it with: ${url}`)
  }
}

/** `messages 1,204 of 1,204 · broken 3 times · longest pause 0.4 s`. */
function lineOf({ playground, broken }: Desk): string {
  const { sequence, ingress } = playground
  const { sent, heard, longestPauseMs } = sequence
  const parts = [
    `messages ${countText(heard)} of ${countText(sent)}`,
    `cuts ${broken}`,
    `longest pause ${secondsText(longestPauseMs)}`,
  ]
  if (ingress.connects > 1) parts.push(`reconnects at the relay's port ${ingress.connects - 1}`)
  return `  ${parts.join(' · ')}`
}

function help(narrator: Narrator): void {
  for (const { key, name, help } of Object.values(breakages)) {
    narrator.say(`  ${key}  ${name}: ${help}`)
  }
  narrator.say("  p  presses the Pi's button: after ten, its maintenance is due")
  narrator.say('  o  opens the todo list in your browser')
  narrator.say('  q  ends every process and removes the folder')
}

function tellWays(
  { cloud, fronts, authorityFile, webSocket, office }: Scene,
  narrator: Narrator,
): void {
  const client = (port: number): string => `mosquitto_sub -h localhost -p ${port} -t todomvc -v`
  for (const { url } of fronts.values()) {
    narrator.point('Todo list', `${url}        open it in two windows`)
    narrator.point('Live path', `${url}/path   cut it, black-hole it, kill the relay`)
  }
  narrator.point('Your client', client(cloud.portOf(mqttService)))
  narrator.point('By the forward', client(office.mqttPort))
  narrator.point('By WebSocket', `${webSocket.url}  CA ${authorityFile}`)
  narrator.point('Status', cloud.statusUrl)
}

function keysLine(): string {
  const keys = Object.values(breakages).map(({ key, name }) => `${key} ${name}`)
  const others = ["p press the Pi's button", 'o open page', 'h help', 'q quit']
  return `  ${[...keys, ...others].join(' · ')}`
}
