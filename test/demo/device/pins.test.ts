/** The driver of the pins, on a false `onoff` that notes what is done to it. */
import test from 'ava'
import type { BinaryValue, ValueCallback } from 'onoff'
import { debounceMs, openPins, type PinConstructor } from '../../../demo/device/pins.ts'
import { Fault } from '../../../shared/protocol/fault.ts'

/** A header whose button a test presses, and everything that was done to its pins. */
class Header {
  readonly done: string[] = []
  readonly Gpio: PinConstructor
  #level: BinaryValue = 0
  #hear: ValueCallback = () => {}

  /** Pins in `missing` cannot be had. */
  constructor(missing: readonly number[] = []) {
    const header = this
    this.Gpio = class {
      readonly #number: number
      constructor(number: number, ...how: readonly unknown[]) {
        if (missing.includes(number)) throw new Error('EINVAL: invalid argument, write')
        this.#number = number
        header.done.push(`${number} opened ${JSON.stringify(how)}`)
      }
      readSync(): BinaryValue {
        return header.#level
      }
      writeSync(level: BinaryValue): void {
        header.done.push(`${this.#number} = ${level}`)
      }
      watch(hear: ValueCallback): void {
        header.#hear = hear
      }
      unexport(): void {
        header.done.push(`${this.#number} given back`)
      }
    }
  }

  /** The contact is quiet at this level. */
  settles(level: BinaryValue): void {
    this.#level = level
    this.#hear(undefined, level)
  }

  fails(error: Error): void {
    this.#hear(error, this.#level)
  }
}

function opened(header: Header) {
  const clicks: string[] = []
  const faults: unknown[] = []
  const board = openPins({
    Gpio: header.Gpio,
    base: 512,
    label: 'pinctrl-bcm2835',
    onClick: () => clicks.push('click'),
    onFault: (error) => faults.push(error),
  })
  return { board, clicks, faults }
}

test('button on BCM 17, light on BCM 27, from the base; the light is off from the first', (t) => {
  const header = new Header()
  const { board } = opened(header)
  t.deepEqual(header.done, [
    '539 opened ["low"]',
    `529 opened ["in","both",{"debounceTimeout":${debounceMs}}]`,
  ])
  t.is(board.name, 'GPIO 529 and 539 of pinctrl-bcm2835')
})

test('a press is one click, at the press and not at the release', (t) => {
  const header = new Header()
  const { clicks } = opened(header)
  header.settles(1)
  t.is(clicks.length, 1)
  header.settles(0)
  t.is(clicks.length, 1)
  header.settles(1)
  t.is(clicks.length, 2)
})

test('bounces that settle where they began are no clicks', (t) => {
  const header = new Header()
  const { clicks } = opened(header)
  for (const level of [0, 0, 1, 1, 1, 0, 0] as const) header.settles(level)
  t.is(clicks.length, 1)
})

test('a button that is held while the device starts has not been clicked', (t) => {
  const header = new Header()
  header.settles(1)
  const { clicks } = opened(header)
  header.settles(1)
  t.is(clicks.length, 0)
  header.settles(0)
  header.settles(1)
  t.is(clicks.length, 1)
})

test('the light follows, and is off at the end; both pins are given back', (t) => {
  const header = new Header()
  const { board } = opened(header)
  header.done.length = 0
  board.show('on')
  board.show('off')
  board.show('on')
  board[Symbol.dispose]()
  const shown = ['539 = 1', '539 = 0', '539 = 1']
  t.deepEqual(header.done, [...shown, '529 given back', '539 = 0', '539 given back'])
})

test('a pin that is not to be had is named, and the other one is given back dark', (t) => {
  const header = new Header([529])
  const error = t.throws(() => opened(header), { instanceOf: Fault })
  t.is(error.code, 'gpio_unusable')
  t.is(error.message, 'GPIO 529 of pinctrl-bcm2835: EINVAL: invalid argument, write.')
  t.deepEqual(header.done.slice(1), ['539 = 0', '539 given back'])
})

test('a level that cannot be read is told, and is no click', (t) => {
  const header = new Header()
  const { clicks, faults } = opened(header)
  const error = new Error('EIO')
  header.fails(error)
  t.deepEqual([clicks, faults], [[], [error]])
})
