/**
 * Ports for programs that cannot be asked for "any port and tell me which".
 *
 * Invariant: a port is free when it is handed out, and neither the system nor another test process
 * hands it out again soon after; should somebody take it all the same before the program does, the
 * program is started again with another one.
 */
import { once } from 'node:events'
import { createServer } from 'node:net'

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
  for (;;) {
    const port = nextPort()
    if (await isFree(port)) return port
  }
}

/**
 * A process is started seconds after its port was chosen. So the ports lie below those that the
 * system gives to whoever asks for any, and each test process goes round through some of its own.
 */
const lowestPort = 10_240
const portsPerProcess = 32
const blocks = Math.floor((32_768 - lowestPort) / portsPerProcess)
const firstPort = lowestPort + (process.pid % blocks) * portsPerProcess
let handedOut = 0

function nextPort(): number {
  handedOut += 1
  return firstPort + (handedOut % portsPerProcess)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}
