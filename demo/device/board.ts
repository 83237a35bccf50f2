/**
 * What a device is made of: a button and a light.
 *
 * Invariant: the light is off before anything is known, and again when the board is let go.
 */
import type { Light } from '../todo/maintenance.ts'

/** A board in use; disposing puts the light off and gives the pins back. */
export interface Board extends Disposable {
  /** `pins 529 and 539 of pinctrl-bcm2835`: for the log. */
  readonly name: string
  show(light: Light): void
}

/** Takes a board into use. `onClick` is called once each time the button is pressed. */
export type OpenBoard = (onClick: () => void) => Board
