/**
 * Ports for programs that cannot be asked for "any port and tell me which".
 *
 * Invariant: a port is free when it is handed out; should somebody else take it before the program
 * does, the program is started again with another one.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

const triesMax = 5

/** Starts a program on a free loopback port, again with another port when the start fails. */
export async function onFreePort<Started>(
  start: (port: number) => Promise<Started>,
): Promise<Started> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(await freePort())
    } catch (error) {
      if (tries === triesMax) throw error
    }
  }
}

/** A loopback port on which nobody listens at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
