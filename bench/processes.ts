/**
 * The processes that a bench measures: started, asked for their CPU time, ended.
 *
 * Invariant: CPU time is the operating system's own account of each process (/proc), so that the
 * load generator's is not in it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { initStore, issuePair } from '../certs/store.ts'

/** A way from a consumer's port to the target, and the processes on it. */
export interface Way {
  readonly name: string
  readonly port: number
  readonly processes: readonly ChildProcess[]
}

const root: string = new URL('..', import.meta.url).pathname

/** Certificates for both ways, in `folder/pki`. */
export async function makeCertificates(folder: string) {
  const store = await initStore({
    directory: join(folder, 'pki'),
    trustDomain: 'bench.internal',
    now: () => new Date(),
  })
  const names = { dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }
  const relay = await issuePair(store, { role: 'relay', name: 'localhost', ...names })
  const agent = await issuePair(store, { role: 'agent', name: 'plant-1' })
  const authority = await readFile(join(folder, 'pki/ca/certificate.pem'), 'utf8')
  const read = async (pair: typeof relay) => ({
    certificate: await readFile(pair.certificateFile, 'utf8'),
    key: await readFile(pair.keyFile, 'utf8'),
    authority,
  })
  return { relay: await read(relay), agent: await read(agent) }
}

/** The bare pipe. */
export async function openFloor(
  certificates: Awaited<ReturnType<typeof makeCertificates>>,
  targetPort: number,
): Promise<Way> {
  const far = start([
    'bench/floor.ts',
    'far',
    JSON.stringify({ ...certificates.relay, port: targetPort }),
  ])
  const farPort = Number(await firstLine(far))
  const near = start([
    'bench/floor.ts',
    'near',
    JSON.stringify({ ...certificates.agent, port: farPort }),
  ])
  return { name: 'bare TLS pipe', port: Number(await firstLine(near)), processes: [near, far] }
}

/** What a relay and an agent are given beside their defaults. */
export interface SallyportOptions {
  readonly relayLimits?: Readonly<Record<string, string | number>>
  readonly agentLimits?: Readonly<Record<string, string | number>>
}

/** A relay and an agent, as users run them. */
export async function openSallyport(
  folder: string,
  targetPort: number,
  { relayLimits = {}, agentLimits = {} }: SallyportOptions = {},
): Promise<Way> {
  await writeFile(
    join(folder, 'relay.yaml'),
    stringify({
      name: 'localhost',
      listen: '127.0.0.1:0',
      admin: '127.0.0.1:0',
      services: { 'plant-1/target': { tcp: '127.0.0.1:0' } },
      policy: [{ rule: 'the load', from: ['127.0.0.1/32'], to: ['plant-1/target'] }],
      limits: relayLimits,
    }),
  )
  const relay = start(
    ['bin/sallyport.js', 'relay', '--config', join(folder, 'relay.yaml')],
    'stderr',
  )
  const ready = JSON.parse(await firstLine(relay)) as {
    readonly listen: string
    readonly services: Readonly<Record<string, { readonly tcp: string }>>
  }
  await writeFile(
    join(folder, 'agent.yaml'),
    stringify({
      relay: ready.listen.replace('127.0.0.1', 'localhost'),
      name: 'plant-1',
      expose: { target: `127.0.0.1:${targetPort}` },
      limits: agentLimits,
    }),
  )
  const agent = start(
    ['bin/sallyport.js', 'agent', '--config', join(folder, 'agent.yaml')],
    'stderr',
  )
  await firstLine(agent, 'link ready')
  const port = Number(ready.services['plant-1/target']?.tcp.split(':').at(-1))
  return { name: 'sallyport', port, processes: [relay, agent] }
}

/** The echoing target in a process of its own; its port is that of the way. */
export async function openEcho(): Promise<Way> {
  const echo = start(['bench/echo.ts'])
  return { name: 'echo', port: Number(await firstLine(echo)), processes: [echo] }
}

/** CPU seconds that the processes have used since they began, user and system. */
export async function cpuSeconds(processes: readonly ChildProcess[]): Promise<number> {
  let ticks = 0
  for (const { pid } of processes) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks / 100
}

/** CPU seconds that the host of this virtual machine has given to others since it began. */
export async function stolenSeconds(): Promise<number> {
  const [all = ''] = (await readFile('/proc/stat', 'utf8')).split('\n')
  return Number(all.split(/\s+/)[8] ?? 0) / 100
}

export async function end(way: Way): Promise<void> {
  for (const child of way.processes) {
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
}

function start(args: readonly string[], output: 'stdout' | 'stderr' = 'stdout'): ChildProcess {
  const stdio = output === 'stdout' ? ['ignore', 'pipe', 'inherit'] : ['ignore', 'inherit', 'pipe']
  const [entry = '', ...rest] = args
  return spawn(process.execPath, [join(root, entry), ...rest], {
    stdio: stdio as ['ignore', 'pipe', 'inherit'],
  })
}

/** The first line that holds `word`; the rest is read and thrown away. */
async function firstLine(child: ChildProcess, word = ''): Promise<string> {
  const stream = child.stdout ?? child.stderr
  if (stream === null) throw new Error('the process has no output')
  stream.setEncoding('utf8')
  let text = ''
  return await new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the process ended with ${code}: ${text}`)))
    stream.on('data', (more: string) => {
      if (text.length > 1_000_000) return
      text += more
      const line = text
        .split('\n')
        .slice(0, -1)
        .find((one) => one.includes(word))
      if (line !== undefined) resolve(line)
    })
  })
}
