/**
 * The devices: the maintenance light of each, how often its button was pressed, and a button for
 * the simulated one.
 *
 * Invariant: one card a device, and the same card as long as the device is known.
 */
import type { DeviceState } from '../contract.ts'
import { clicksMax } from '../maintenance.ts'
import { find, make, setText } from './element.ts'

/** One device, and whether it is here. */
export interface ShownDevice extends DeviceState {
  readonly isOnline: boolean
}

/** Presses a device's button; undefined where no device can be pressed from afar. */
export type Press = ((clientId: string) => void) | undefined

export class DevicesView {
  readonly #press: Press
  readonly #place = find('.devices', HTMLElement)
  readonly #cards = new Map<string, Card>()

  constructor(press: Press) {
    this.#press = press
  }

  show(devices: readonly ShownDevice[]): void {
    for (const device of devices) this.#cardOf(device).show(device)
  }

  #cardOf({ clientId }: ShownDevice): Card {
    const known = this.#cards.get(clientId)
    if (known !== undefined) return known
    const card = new Card(clientId, this.#press)
    this.#cards.set(clientId, card)
    this.#place.append(card.element)
    return card
  }
}

class Card {
  readonly element: HTMLElement
  readonly #light = make('span', { class: 'light' })
  readonly #text = make('p')
  readonly #meter = make('meter')

  constructor(clientId: string, press: Press) {
    const heading = make('h2', { text: clientId, attributes: { id: `device-${clientId}` } })
    this.#meter.max = clicksMax
    this.#meter.high = clicksMax - 1
    this.#meter.optimum = 0
    this.#meter.setAttribute('aria-label', `Uses of ${clientId} since its maintenance`)
    const attributes = { 'aria-labelledby': heading.id, 'data-client-id': clientId }
    const parts = [heading, this.#light, this.#text, this.#meter]
    this.element = make('section', { class: 'device', attributes }, ...parts)
    if (press === undefined) return
    const text = 'Press its button'
    const button = make('button', { class: 'press', text, attributes: { type: 'button' } })
    button.addEventListener('click', () => press(clientId))
    this.element.append(button)
  }

  show({ clicks, due, isOnline }: ShownDevice): void {
    const light = due ? 'on' : 'off'
    this.#light.dataset.light = light
    setText(this.#light, `light ${light}`)
    this.#meter.value = clicks
    const uses = due ? `${clicks} uses: maintenance is due` : `${clicks} of ${clicksMax} uses`
    setText(this.#text, isOnline ? uses : `${uses}; it is away`)
  }
}
