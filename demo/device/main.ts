/**
 * Runs devices until they are told to stop: on the pins of a Raspberry Pi, or simulated.
 *
 * Invariant: it is always said which of the two it is, and why. Pins are one board: they are taken
 * for one device only. Whatever the end, the lights are off then.
 */
import { createLog } from '../../shared/io/log.ts'
import { untilSignal } from '../../shared/io/process.ts'
import { Fault } from '../../shared/protocol/fault.ts'
import type { OpenBoard } from './board.ts'
import { type BrokerPlace, Device } from './device.ts'
import { findHeader, gpioFolder } from './gpio.ts'
import { loadGpio } from './onoff.ts'
import { Panel } from './panel.ts'
import { openPins } from './pins.ts'

/** `auto` takes the pins where there are some, for a single device. */
export type BoardKind = 'auto' | 'pins' | 'simulated'

export interface DevicesPlan {
  /** At least one; each well formed, and no two the same. */
  readonly ids: readonly string[]
  readonly broker: BrokerPlace
  readonly board: BoardKind
}

/** Runs them. Throws `device_taken`, or `gpio_unusable` when pins are demanded and not there. */
export async function runDevices({ ids, broker, board }: DevicesPlan): Promise<void> {
  using panel = new Panel(ids, process.stderr)
  const log = createLog({ stream: panel.stream })
  const pins = await pinsFor(ids, board)
  if (pins.kind === 'none') log.info('simulated', { because: pins.reason })
  await using devices = new AsyncDisposableStack()
  const open = ids.map((clientId) => {
    const whenFault = (error: unknown): void => log.warn(`pins: ${String(error)}`)
    const simulated = panel.twin(clientId)?.open
    const openBoard = pins.kind === 'some' ? pins.open(whenFault) : simulated
    if (openBoard === undefined) throw new Fault('internal')
    return devices.use(new Device({ clientId, broker, openBoard, log }))
  })
  const { promise: quit, resolve } = Promise.withResolvers<string>()
  if (pins.kind === 'none') panel.listen(process.stdin, () => resolve('q'))
  // A terminal that is closed must not leave a light burning.
  const signalled = untilSignal({ SIGHUP: () => resolve('SIGHUP') })
  const why = await Promise.race([signalled, quit, ...open.map(({ taken }) => taken)])
  log.info(`the devices stop: ${why}`)
}

type Pins =
  | { readonly kind: 'none'; readonly reason: string }
  | { readonly kind: 'some'; readonly open: (whenFault: (error: unknown) => void) => OpenBoard }

async function pinsFor(ids: readonly string[], board: BoardKind): Promise<Pins> {
  if (board === 'simulated') return { kind: 'none', reason: 'wanted so' }
  if (ids.length > 1) {
    if (board === 'pins') throw new Fault('usage', 'The pins are one board: give one --id.')
    return { kind: 'none', reason: 'the pins are one board, and these are several devices' }
  }
  try {
    const header = findHeader(gpioFolder)
    if (header.kind === 'none') throw new Fault('gpio_unusable', header.reason)
    const { base, label } = header
    const Gpio = await loadGpio()
    const open =
      (onFault: (error: unknown) => void): OpenBoard =>
      (onClick) =>
        openPins({ Gpio, base, label, onClick, onFault })
    return { kind: 'some', open }
  } catch (error) {
    if (board === 'pins' || !(error instanceof Fault)) throw error
    return { kind: 'none', reason: error.message }
  }
}
