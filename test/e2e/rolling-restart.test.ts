/**
 * Both relays are restarted, one after the other, while programs that know nothing of Sallyport are
 * in the middle of something: a transaction, a shell, a sequence of messages, a copy.
 *
 * SALLYPORT_ROLLING_MEGABYTES says how large the copy is.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { connectAsync, type MqttClient } from 'mqtt'
import { Fleet } from '../support/fleet.ts'
import { randomWrites } from '../support/hash.ts'
import { startMosquitto } from '../support/mosquitto.ts'
import { startPostgres } from '../support/postgres.ts'
import { Child, run } from '../support/process.ts'
import { programPath, testWith } from '../support/program.ts'
import { startSecureShell } from '../support/sshd.ts'
import { consumerOf, startTarget, type TcpTarget } from '../support/tcp.ts'
import { within } from '../support/within.ts'

const copyBytesMin = Number(process.env.SALLYPORT_ROLLING_MEGABYTES ?? 64) * 1_000_000
/** A copy goes on until both relays are back, and no faster than it would take as long. */
const copyMs = 8_000
const patienceMs = 60_000

const names = ['sql', 'ssh', 'mqtt', 'files'] as const
type Name = (typeof names)[number]

testWith(
  'initdb',
  'postgres',
  'psql',
  'sshd',
  'ssh',
  'ssh-keygen',
  'mosquitto',
)('psql, ssh, MQTT and a copy are not aware that both relays were restarted', async (t) => {
  t.timeout(300_000 + copyBytesMin / 1_000)
  await using scope = new AsyncDisposableStack()
  const rolled = new AbortController()
  const sql = scope.use(await startPostgres())
  const shell = scope.use(await startSecureShell())
  const broker = scope.use(await startMosquitto())
  const files = scope.use(await startFileServer(rolled.signal))
  const targets: Record<Name, number> = {
    sql: sql.port,
    ssh: shell.port,
    mqtt: broker.port,
    files: files.port,
  }
  const services = Object.fromEntries(
    names.map((name) => [`plant-1/${name}`, { target: targets[name] }]),
  )
  const forwards = { 'desk-1': Object.keys(services) }
  const fleet = scope.use(await Fleet.open(2, { services, forwards }))
  const port = (name: Name): number => fleet.forwardPort('desk-1', `plant-1/${name}`)

  const transaction = scope.use(await Transaction.begin(port('sql'), sql.port))
  const keyboard = scope.use(await Keyboard.open(shell.clientArguments(port('ssh'))))
  const sequence = scope.use(await Sequence.open(port('mqtt')))
  const consumer = await consumerOf(port('files'))
  const copy = copyOf(consumer)

  const typing = keyboard.typeUntil(rolled.signal)
  const publishing = sequence.publishUntil(rolled.signal)
  for (const index of [0, 1]) {
    const before = copy.bytes()
    t.is(await fleet.restartRelay(index, 'SIGTERM', { endsWithinMs: patienceMs }), 0)
    t.true(copy.bytes() > before, `the copy went on beside the restart of relay ${index}`)
  }
  rolled.abort()

  t.is(await transaction.rowsSeenByOthers(), 0)
  await transaction.commit()
  t.is(await transaction.rowsSeenByOthers(), 1)

  const keys = await typing
  t.true(keys.count > 1)
  await keyboard.leave()

  const published = await publishing
  t.true(published > 1)
  await sequence.heard(published)
  t.deepEqual(
    sequence.messages,
    Array.from({ length: published }, (_, number) => number),
  )

  const received = await within('end of the copy', copy.ended, patienceMs + copyBytesMin / 1_000)
  t.true(received.bytes >= copyBytesMin)
  t.is(files.digest(), received.digest)
  t.is(files.accepted, 1)
  const pauses = `copy ${Math.round(received.pauseMs)} ms, shell ${Math.round(keys.pauseMs)} ms`
  const megabytes = Math.round(received.bytes / 1_000_000)
  t.log(`${megabytes} MB in ${Math.round(received.tookMs / 1_000)} s; longest pauses: ${pauses}`)
})

/** Somebody at `psql`, in the middle of a transaction. */
class Transaction implements AsyncDisposable {
  readonly #psql: Child
  readonly #direct: readonly string[]

  private constructor(psql: Child, direct: readonly string[]) {
    this.#psql = psql
    this.#direct = direct
  }

  /** Begins one through the tunnel; what others see is asked at the server itself. */
  static async begin(port: number, directPort: number): Promise<Transaction> {
    const direct = argumentsOf(directPort)
    await run(programPath('psql'), [...direct, '-c', 'create table todo (entry text)'])
    const psql = new Child(programPath('psql'), argumentsOf(port), { isTypedTo: true })
    const transaction = new Transaction(psql, direct)
    await transaction.#answered('begin;', /^BEGIN$/)
    await transaction.#answered("insert into todo values ('across');", /^INSERT 0 1$/)
    return transaction
  }

  async rowsSeenByOthers(): Promise<number> {
    const count = [...this.#direct, '-c', 'select count(*) from todo']
    return Number(await run(programPath('psql'), count))
  }

  async commit(): Promise<void> {
    await this.#answered('commit;', /^COMMIT$/)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#psql[Symbol.asyncDispose]()
  }

  async #answered(statement: string, answer: RegExp): Promise<void> {
    this.#psql.type(statement)
    await this.#psql.waitForLine(answer, { deadlineMs: patienceMs })
  }
}

function argumentsOf(port: number): readonly string[] {
  return ['-h', '127.0.0.1', '-p', `${port}`, '-U', 'postgres', '-X', '-At']
}

/** Somebody at a shell behind `ssh`, with a terminal. */
class Keyboard implements AsyncDisposable {
  readonly #ssh: Child
  readonly #shell: string

  private constructor(ssh: Child, shell: string) {
    this.#ssh = ssh
    this.#shell = shell
  }

  static async open(clientArguments: readonly string[]): Promise<Keyboard> {
    const ssh = new Child(programPath('ssh'), ['-tt', ...clientArguments], { isTypedTo: true })
    ssh.type('kept=here; echo shell=$$')
    const [, shell = ''] = await ssh.waitForLine(/shell=(\d+)/, { deadlineMs: patienceMs })
    return new Keyboard(ssh, shell)
  }

  /** Types one line after the other, each when the one before was answered by the same shell. */
  async typeUntil(end: AbortSignal): Promise<{ count: number; pauseMs: number }> {
    let count = 0
    let pauseMs = 0
    while (!end.aborted) {
      count += 1
      const start = performance.now()
      const from = this.#ssh.lines.length
      this.#ssh.type(`echo $kept-$((${count}))-$$`)
      const answer = new RegExp(`here-${count}-${this.#shell}$`)
      await this.#ssh.waitForLine(answer, { from, deadlineMs: patienceMs })
      pauseMs = Math.max(pauseMs, performance.now() - start)
      await pause(20)
    }
    return { count, pauseMs }
  }

  async leave(): Promise<void> {
    this.#ssh.type('exit 7')
    const { status } = await this.#ssh.waitForExit(patienceMs)
    if (status !== 7) throw new Error(`the shell ended with ${status}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ssh[Symbol.asyncDispose]()
  }
}

/** A publisher and a subscriber of QoS 1 that never connect a second time. */
class Sequence implements AsyncDisposable {
  /** What the subscriber heard, as often and in the order in which it came. */
  readonly messages: number[] = []
  readonly #publisher: MqttClient
  readonly #subscriber: MqttClient

  private constructor(publisher: MqttClient, subscriber: MqttClient) {
    this.#publisher = publisher
    this.#subscriber = subscriber
    subscriber.on('message', (_topic, payload) => {
      this.messages.push(Number(payload.toString()))
    })
  }

  static async open(port: number): Promise<Sequence> {
    const connect = async (): Promise<MqttClient> =>
      await connectAsync(`mqtt://127.0.0.1:${port}`, { reconnectPeriod: 0 })
    const sequence = new Sequence(await connect(), await connect())
    await sequence.#subscriber.subscribeAsync('todo', { qos: 1 })
    return sequence
  }

  /** Publishes one number after the other, each when the one before was acknowledged. */
  async publishUntil(end: AbortSignal): Promise<number> {
    let number = 0
    for (; !end.aborted; number += 1) {
      const acknowledged = this.#publisher.publishAsync('todo', `${number}`, { qos: 1 })
      await within(`acknowledgement of message ${number}`, acknowledged, patienceMs)
      await pause(5)
    }
    return number
  }

  /** Waits until so many have come. */
  async heard(count: number): Promise<void> {
    const all = new Promise<void>((resolve) => {
      const look = (): void => {
        if (this.messages.length >= count) resolve()
      }
      this.#subscriber.on('message', look)
      look()
    })
    await within(`${count} messages`, all, patienceMs)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#publisher.endAsync(true), this.#subscriber.endAsync(true)])
  }
}

interface FileServer extends TcpTarget {
  /** The SHA-256 of what the last copy was sent. */
  digest(): string | undefined
}

/** Gives who connects a file that is as long as it was asked to be, and ends only after `end`. */
async function startFileServer(end: AbortSignal): Promise<FileServer> {
  let digest: string | undefined
  const serve = async (socket: Socket): Promise<void> => {
    const hash = createHash('sha256')
    const start = performance.now()
    let sent = 0
    for (const piece of randomWrites(1, Number.MAX_SAFE_INTEGER)) {
      hash.update(piece)
      sent += piece.length
      if (!socket.write(piece)) await once(socket, 'drain')
      if (sent >= copyBytesMin && end.aborted) break
      const earlyMs = (sent / copyBytesMin) * copyMs - (performance.now() - start)
      if (earlyMs > 0 && !end.aborted) await pause(earlyMs)
    }
    digest = hash.digest('hex')
    socket.end()
  }
  // Should the copy be lost, its reader says so.
  const target = await startTarget((socket) => void serve(socket).catch(() => {}))
  return Object.assign(target, { digest: () => digest })
}

interface Copied {
  readonly bytes: number
  readonly digest: string
  readonly tookMs: number
  /** The longest time in which nothing came. */
  readonly pauseMs: number
}

/** Reads to the end. */
function copyOf(socket: Socket): { bytes(): number; readonly ended: Promise<Copied> } {
  const hash = createHash('sha256')
  const start = performance.now()
  let bytes = 0
  let heardAt = start
  let pauseMs = 0
  socket.on('data', (piece: Buffer) => {
    const now = performance.now()
    pauseMs = Math.max(pauseMs, now - heardAt)
    heardAt = now
    hash.update(piece)
    bytes += piece.length
  })
  const ended = once(socket, 'end').then(() => {
    socket.destroy()
    return { bytes, digest: hash.digest('hex'), tookMs: performance.now() - start, pauseMs }
  })
  // It is awaited last: a failure before that is the one to be told.
  ended.catch(() => {})
  socket.resume()
  return { bytes: () => bytes, ended }
}
