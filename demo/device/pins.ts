/**
 * The board of a Raspberry Pi: a button on BCM 17 and a light on BCM 27, by `onoff`.
 *
 * Invariant: one press is one click, however the contact bounces: both edges are heard, and only a
 * level that stayed and differs from the one before counts. The button pulls its pin up to 3.3 V;
 * sysfs cannot pull it down when it is open, so config.txt must: `gpio=17=pd`.
 */
import type { BinaryValue, Gpio } from 'onoff'
import { Fault } from '../../shared/protocol/fault.ts'
import type { Light } from '../todo/maintenance.ts'
import type { Board } from './board.ts'
import { buttonBcm, lightBcm } from './gpio.ts'

/** What is used of a pin of `onoff`; a test hands in another. */
export type Pin = Pick<Gpio, 'readSync' | 'writeSync' | 'watch' | 'unexport'>
export type PinConstructor = new (...args: ConstructorParameters<typeof Gpio>) => Pin

export interface PinsPlan {
  readonly Gpio: PinConstructor
  /** Where the kernel has BCM 0. */
  readonly base: number
  readonly label: string
  readonly onClick: () => void
  /** A pin that could not be read, once it was opened. */
  readonly onFault: (error: unknown) => void
}

/** How long a contact must have been quiet, in milliseconds. */
export const debounceMs = 20

/** Takes both pins. Throws `gpio_unusable` when one of them is not to be had. */
export function openPins({ Gpio, base, label, onClick, onFault }: PinsPlan): Board {
  using opening = new DisposableStack()
  const take = (number: number, ...how: PinUse): Pin => {
    try {
      return opening.adopt(new Gpio(number, ...how), (pin) => pin.unexport())
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Fault('gpio_unusable', `GPIO ${number} of ${label}: ${reason}.`, { cause })
    }
  }
  const [buttonNumber, lightNumber] = [base + buttonBcm, base + lightBcm]
  // `low` makes it an output that is off from its first moment.
  const light = take(lightNumber, 'low')
  opening.defer(() => light.writeSync(0))
  const button = take(buttonNumber, 'in', 'both', { debounceTimeout: debounceMs })
  let before = button.readSync()
  button.watch((error: Error | null | undefined, level: BinaryValue) => {
    if (error) return onFault(error)
    const isPress = level === 1 && before === 0
    before = level
    if (isPress) onClick()
  })
  const taken = opening.move()
  return {
    name: `GPIO ${buttonNumber} and ${lightNumber} of ${label}`,
    show: (wanted: Light) => light.writeSync(wanted === 'on' ? 1 : 0),
    [Symbol.dispose]: () => taken.dispose(),
  }
}

type PinUse = ConstructorParameters<typeof Gpio> extends [number, ...infer Rest] ? Rest : never
