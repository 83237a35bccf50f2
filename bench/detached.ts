/**
 * `npm run bench -- detached`: what streams cost while their agent is away, and how they come back.
 *
 * Invariant: every stream is asked for a byte before, while and after its agent is away; those that
 * are then left alone for longer than the resume window must all be reset. It fails otherwise.
 */
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { end, makeCertificates, openEcho, openSallyport, type Way } from './processes.ts'

/** Streams that are opened at once. */
const openingMax = 100
/** What each stream is given to carry while its agent is away. */
const awayBytes = 1_024
const answerMs = 120_000
const awayMs = 5_000

/** What was measured; memory in bytes of relay and agent together. */
interface Measured {
  readonly idleBytes: number
  readonly openBytes: number
  readonly awayBytes: number
  readonly resumedMs: number
  readonly resumed: number
  readonly reset: number
  readonly resetAfterMs: number
}

/** Measures so many streams and writes the figures; false when one did not go on, or end. */
export async function detached(streams: number): Promise<boolean> {
  await using scope = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-'))
  scope.defer(async () => await rm(folder, { recursive: true }))
  await makeCertificates(folder)
  const echo = scope.adopt(await openEcho(), end)
  const way = await openSallyport(folder, echo.port, {
    relayLimits: {
      streamsMax: streams,
      connectionsMax: streams,
      liveness: '2s',
      resumeWindow: '30s',
    },
    agentLimits: { streamsMax: streams },
  })
  scope.adopt(way, end)
  const say = (line: string): void => void process.stderr.write(`${line}\n`)
  const measured = await measure(way, streams, say)
  const { idleBytes, openBytes, awayBytes: away, resumed, reset } = measured
  const perStream = (bytes: number): string =>
    `${((bytes - idleBytes) / streams / 1_024).toFixed(1)} KiB a stream`
  process.stdout.write(
    `relay and agent idle   ${megabytes(idleBytes)}\n` +
      `${streams} streams open     ${megabytes(openBytes)}, ${perStream(openBytes)}\n` +
      `the agent away         ${megabytes(away)}, ${perStream(away)}\n` +
      `went on                ${resumed} of ${streams}, the last after ` +
      `${(measured.resumedMs / 1_000).toFixed(1)} s\n` +
      `reset by the window    ${reset} of ${streams}, the last after ` +
      `${(measured.resetAfterMs / 1_000).toFixed(1)} s\n`,
  )
  return resumed === streams && reset === streams
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`
}

/** Opens so many streams through the way, and stops its agent twice. */
async function measure(way: Way, streams: number, say: (line: string) => void): Promise<Measured> {
  const idleBytes = await residentBytes(way)
  const sockets: Socket[] = []
  try {
    await open(way.port, streams, sockets, say)
    const openBytes = await residentBytes(way)
    say(`${streams} streams are open; the agent goes away`)
    const [, agent] = way.processes
    agent?.kill('SIGSTOP')
    const request = Buffer.alloc(awayBytes, 7)
    const answers = sockets.map(async (socket) => await answered(socket, request))
    await pause(awayMs)
    const away = await residentBytes(way)
    say('the agent comes back')
    const begin = performance.now()
    agent?.kill('SIGCONT')
    const resumed = (await Promise.all(answers)).filter(Boolean).length
    const resumedMs = performance.now() - begin
    say(`${resumed} streams went on; the agent goes away for good`)
    agent?.kill('SIGSTOP')
    const gone = performance.now()
    const ends = await Promise.all(sockets.map(wasReset))
    const resetAfterMs = performance.now() - gone
    const reset = ends.filter(Boolean).length
    return { idleBytes, openBytes, awayBytes: away, resumedMs, resumed, reset, resetAfterMs }
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

async function open(
  port: number,
  streams: number,
  sockets: Socket[],
  say: (line: string) => void,
): Promise<void> {
  while (sockets.length < streams) {
    const count = Math.min(openingMax, streams - sockets.length)
    const opened = await Promise.all(Array.from({ length: count }, async () => await openOne(port)))
    sockets.push(...opened)
    if (sockets.length % 2_000 === 0) say(`${sockets.length} of ${streams} streams`)
  }
}

async function openOne(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.on('error', () => {})
  await once(socket, 'connect')
  if (!(await answered(socket, Buffer.alloc(1)))) throw new Error('a stream did not open')
  return socket
}

/** Sends the request; true when as many bytes have come back. */
async function answered(socket: Socket, request: Buffer): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const late = setTimeout(() => resolve(false), answerMs)
  let heard = 0
  const hear = (bytes: Buffer): void => {
    heard += bytes.length
    if (heard >= request.length) resolve(true)
  }
  const closed = (): void => resolve(false)
  socket.on('data', hear)
  socket.once('close', closed)
  socket.write(request)
  const isWhole = await promise
  clearTimeout(late)
  socket.off('data', hear)
  socket.off('close', closed)
  return isWhole
}

async function wasReset(socket: Socket): Promise<boolean> {
  if (!socket.closed) {
    const late = AbortSignal.timeout(answerMs)
    await once(socket, 'close', { signal: late }).catch(() => {})
  }
  return socket.errored !== null && 'code' in socket.errored && socket.errored.code === 'ECONNRESET'
}

async function residentBytes({ processes }: Way): Promise<number> {
  let bytes = 0
  for (const { pid } of processes) {
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    bytes += Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024
  }
  return bytes
}
