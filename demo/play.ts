/**
 * What remains when every promise is kept: a tunnel to play with.
 *
 * Invariant: a message a second goes through the office's forward, and the line below tells what
 * became of all of them. One thing is broken at a time.
 */
import { type Breakage, breakages, type Playground } from './breakages.ts'
import { BrokerClient } from './clients.ts'
import type { Interruption } from './interruption.ts'
import { listenForKeys } from './keys.ts'
import { countText, messageOf, type Narrator, secondsText } from './narration.ts'
import { Sequence } from './sequence.ts'
import type { Scene } from './story.ts'

const topic = 'todomvc'
const heartbeatMs = 1_000
const redrawMs = 250

/** Stays until it is interrupted, or somebody says `q`. */
export async function play(
  scene: Scene,
  narrator: Narrator,
  interruption: Interruption,
): Promise<void> {
  const { cloud, office, signal } = scene
  await using forward = await BrokerClient.overTcp(office.mqttPort, signal)
  await using ingress = await BrokerClient.overTcp(cloud.ports.mqtt, signal, 'demo-ingress')
  const plan = { from: forward, to: forward, topic, word: 'heartbeat', aheadMax: 1_000 }
  const sequence = await Sequence.open(plan)
  const say = (line: string): void => narrator.say(line)
  const desk = new Desk({ scene, sequence, forward, ingress, say }, narrator)
  tellWays(scene, narrator)
  using keys = listenForKeys(process.stdin, {
    ...Object.fromEntries(breakages.map((one) => [one.key, () => void desk.break(one)])),
    h: () => desk.help(),
    q: () => interruption.interrupt(),
  })
  if (keys === undefined) narrator.say('  Ctrl-C ends it')
  else narrator.say(keysLine())
  using stack = new DisposableStack()
  sequence.send(1)
  stack.adopt(
    setInterval(() => sequence.send(1), heartbeatMs),
    clearInterval,
  )
  stack.adopt(
    setInterval(() => narrator.draft(desk.line()), redrawMs),
    clearInterval,
  )
  try {
    await scene.processes.untilOneFalls()
  } catch (error) {
    if (!signal.aborted) throw error
  } finally {
    narrator.draft('')
    narrator.say(desk.line())
  }
}

/** Where the player sits: starts what is to be broken, and keeps the account. */
class Desk {
  readonly #playground: Playground
  readonly #narrator: Narrator
  #broken = 0
  #busyWith: Breakage | undefined

  constructor(playground: Playground, narrator: Narrator) {
    this.#playground = playground
    this.#narrator = narrator
  }

  /** `messages 1,204 of 1,204 · cuts 3 · longest pause 0.4 s`. */
  line(): string {
    const { sequence, ingress } = this.#playground
    const { sent, heard, longestPauseMs } = sequence
    const parts = [
      `messages ${countText(heard)} of ${countText(sent)}`,
      `cuts ${this.#broken}`,
      `longest pause ${secondsText(longestPauseMs)}`,
    ]
    if (ingress.connects > 1) parts.push(`reconnects at the relay's port ${ingress.connects - 1}`)
    return `  ${parts.join(' · ')}`
  }

  help(): void {
    for (const { key, name, help } of breakages) this.#narrator.say(`  ${key}  ${name}: ${help}`)
    this.#narrator.say('  q  ends every process and removes the folder')
  }

  async break(breakage: Breakage): Promise<void> {
    if (this.#busyWith !== undefined) {
      return this.#narrator.say(`  one at a time: "${this.#busyWith.name}" is not over yet`)
    }
    this.#busyWith = breakage
    this.#broken += 1
    this.#narrator.say(`  ✂ ${breakage.name}`)
    try {
      this.#narrator.say(`    ${await breakage.run(this.#playground)}`)
    } catch (error) {
      if (!this.#playground.scene.signal.aborted) this.#narrator.say(`  ✗ ${messageOf(error)}`)
    } finally {
      this.#busyWith = undefined
    }
  }
}

function tellWays({ cloud, webSocket, authorityFile, office }: Scene, narrator: Narrator): void {
  const client = (port: number): string => `mosquitto_sub -h localhost -p ${port} -t ${topic} -v`
  narrator.point('Your client', client(cloud.ports.mqtt))
  narrator.point('By the forward', client(office.mqttPort))
  narrator.point('By WebSocket', `${webSocket.url}  CA ${authorityFile}`)
  narrator.point('Status', cloud.statusUrl)
}

function keysLine(): string {
  const keys = breakages.map(({ key, name }) => `${key} ${name}`)
  return `  ${[...keys, 'h help', 'q quit'].join(' · ')}`
}
