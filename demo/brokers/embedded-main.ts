/**
 * The entry point of the embedded broker: aedes (MQTT 3.1.1) in a process of its own, on loopback.
 *
 * Invariant: it says where it listens in one line, as the other processes do, and ends with whoever
 * started it: when its standard input ends, or at SIGTERM.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { Aedes } from 'aedes'

const broker = await Aedes.createBroker()
const server = createServer({ noDelay: true }, broker.handle)
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address() as AddressInfo
const manifest: unknown = JSON.parse(
  readFileSync(new URL('package.json', import.meta.resolve('aedes')), 'utf8'),
)
const { version } = manifest as { readonly version: string }
process.stdout.write(`${JSON.stringify({ message: 'broker ready', version, port })}\n`)

process.once('SIGTERM', () => process.exit(0))
process.stdin.once('end', () => process.exit(0)).resume()
