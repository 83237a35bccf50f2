/**
 * What is on premises in the story, beside the broker: the todo servers, and the device.
 *
 * Invariant: each listens on loopback or on nothing; who wants to reach it needs the tunnel.
 */
import type { Broker } from './broker.ts'
import type { Child } from './child.ts'
import type { Processes } from './processes.ts'
import type { Transport } from './todo/page/settings.ts'

/** The simulated device. */
export const deviceName = 'pi1'

/** Where a POST of the page presses the device's button; the front answers it. */
export const pressPath = '/path/press'

/** A todo server that takes clients. */
export interface TodoPlace {
  readonly transport: Transport
  readonly port: number
  readonly process: Child
}

/** Starts a todo server on a transport; Socket.IO needs no broker. */
export async function startTodo(
  processes: Processes,
  transport: Transport,
  broker: Broker | undefined,
): Promise<TodoPlace> {
  const args = ['--transport', transport, '--folder', 'todo', '--listen', '127.0.0.1:0']
  if (broker !== undefined) args.push('--broker', `${broker.protocol}://127.0.0.1:${broker.port}`)
  // The device speaks MQTT, and has no other way to a server.
  if (transport === 'mqtt') args.push('--press-path', pressPath)
  const name = `todo server ${transport}`
  const child = processes.startSallyport(name, 'demo', 'server', ...args)
  const ready = await child.said('ready', ({ message }) => message === 'todo server ready')
  return { transport, port: Number(ready.port), process: child }
}

/** Starts the simulated device at an MQTT broker. */
export async function startDevice(processes: Processes, { port }: Broker): Promise<Child> {
  const broker = `mqtt://127.0.0.1:${port}`
  const args = ['--id', deviceName, '--broker', broker, '--board', 'simulated']
  const child = processes.startSallyport('device', 'demo', 'device', ...args)
  await child.said('device ready', ({ message }) => message === 'device ready')
  return child
}

/** Presses the device's button, as a finger would. */
export function press(device: Child): void {
  device.tell(`click ${deviceName}`)
}
