/**
 * Ports of the demo: the ones that are easy to remember when they are free, and any others when
 * not.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { Fault } from '../shared/protocol/fault.ts'

const triesMax = 3

/** The port when nobody listens there now, otherwise 0: any free one. */
export async function portOrAny(wanted: number): Promise<number> {
  try {
    return await tryPort(wanted)
  } catch {
    return 0
  }
}

/**
 * Starts what cannot be asked for "any port, and tell me which": on free ports, the wanted ones
 * first. Somebody else may take a port before it is used; then it is tried again with others.
 */
export async function onFreePorts<Started>(
  wanted: readonly number[],
  start: (ports: readonly number[]) => Promise<Started>,
): Promise<Started> {
  for (let tries = 1; ; tries += 1) {
    const ports = await freePorts(tries === 1 ? wanted : wanted.map(() => 0))
    try {
      return await start(ports)
    } catch (error) {
      const isTaken = error instanceof Fault && error.code === 'port_in_use'
      if (tries === triesMax || !isTaken) throw error
    }
  }
}

async function freePorts(wanted: readonly number[]): Promise<readonly number[]> {
  const ports: number[] = []
  for (const port of wanted) ports.push(await tryPort(await portOrAny(port)))
  return new Set(ports).size === ports.length ? ports : await freePorts(wanted)
}

/** Listens there for a moment. Throws when it is taken. */
async function tryPort(wanted: number): Promise<number> {
  const server = createServer()
  server.listen(wanted, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
