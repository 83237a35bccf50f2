/**
 * `sallyport demo device`: the command line of the device.
 *
 * Invariant: what is wrong is said before anything is opened; the MQTT client is read when a device
 * runs, and not for its help.
 */
import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { Fault } from '../../shared/protocol/fault.ts'
import { clientIdSchema } from '../todo/contract.ts'
import type { BoardKind } from './main.ts'

const examples = `Examples:
  sallyport demo device --id pi1                                 the broker on this machine
  sallyport demo device --id pi1 --broker mqtt://10.0.0.5:1883   a broker elsewhere
  sallyport demo device --id pi1 --broker wss://relay.example.com/mqtt --authority ca.pem
  sallyport demo device --id pi1 --id pi2 --board simulated      two of them, without a Pi
`

const wiring = `
On a Raspberry Pi the button is on BCM 17 (to 3.3 V, and gpio=17=pd in config.txt), the light on
BCM 27. Elsewhere both are simulated: keys on a terminal, or lines "click pi1" on standard input.`

/** The command `device`, to be added to `demo`. */
export function deviceCommand(): Command {
  const boards: readonly BoardKind[] = ['auto', 'pins', 'simulated']
  return new Command('device')
    .description('run the device of the demo: a button, and a maintenance light')
    .addHelpText('before', examples)
    .addHelpText('after', wiring)
    .requiredOption('--id <name>', 'its name; may be given several times', collected)
    .option('--broker <url>', 'mqtt, mqtts, ws or wss', brokerUrl, 'mqtt://127.0.0.1:1883')
    .option('--authority <file>', "the authority of the broker's certificate, as PEM")
    .addOption(new Option('--board <kind>', 'pins or simulated').choices(boards).default('auto'))
    .action(async ({ id: ids, broker: url, authority, board }: DeviceFlags) => {
      const place = { url, authority: authority === undefined ? undefined : pemIn(authority) }
      const { runDevices } = await import('./main.ts')
      await runDevices({ ids, broker: place, board })
    })
}

interface DeviceFlags {
  readonly id: readonly string[]
  readonly broker: string
  readonly authority?: string
  readonly board: BoardKind
}

/** More devices than that belong into more than one process. */
const devicesMax = 100

function collected(id: string, before: readonly string[] = []): readonly string[] {
  if (!clientIdSchema.safeParse(id).success) {
    const rule = '1 to 64 of the letters a to z, A to Z, digits, and . _ -'
    throw new Fault('usage', `"${id}" is no name for a device: ${rule}.`)
  }
  if (before.includes(id)) throw new Fault('usage', `--id ${id} is given twice.`)
  if (before.length >= devicesMax) throw new Fault('usage', `At most ${devicesMax} devices.`)
  return [...before, id]
}

function brokerUrl(text: string): string {
  const url = URL.parse(text)
  if (url !== null && schemes.has(url.protocol) && url.hostname !== '') return text
  const example = 'mqtt://127.0.0.1:1883 or wss://relay.example.com/mqtt'
  throw new Fault('usage', `"${text}" is no address of a broker, such as ${example}.`)
}

const schemes: ReadonlySet<string> = new Set(['mqtt:', 'mqtts:', 'ws:', 'wss:'])

function pemIn(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new Fault('file_unreadable', `${file} cannot be read.`, { cause })
  }
}
