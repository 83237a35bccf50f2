/**
 * The simulated twin of a board: a button that a program presses, a light that it sees.
 *
 * Invariant: it behaves as the pins do: off at its start and at its end, a click each press.
 */
import type { Light } from '../todo/maintenance.ts'
import type { OpenBoard } from './board.ts'

export class Twin {
  readonly #whenChanged: () => void
  #light: Light = 'off'
  #clicks = 0
  #press: () => void = () => {}

  /** `whenChanged` hears that the light or the number of clicks is another one. */
  constructor(whenChanged: () => void = () => {}) {
    this.#whenChanged = whenChanged
  }

  get light(): Light {
    return this.#light
  }

  /** How often the button was pressed. */
  get clicks(): number {
    return this.#clicks
  }

  /** Presses the button. Nobody hears it unless a device has opened this board. */
  click(): void {
    this.#clicks += 1
    this.#press()
    this.#whenChanged()
  }

  /** What a device opens instead of pins. */
  readonly open: OpenBoard = (onClick) => {
    this.#press = onClick
    this.#show('off')
    return {
      name: 'simulated',
      show: (light) => this.#show(light),
      [Symbol.dispose]: () => {
        this.#press = () => {}
        this.#show('off')
      },
    }
  }

  #show(light: Light): void {
    if (light === this.#light) return
    this.#light = light
    this.#whenChanged()
  }
}
