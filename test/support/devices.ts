/** Devices of the demo on simulated boards, in the test's own process. */
import { type BrokerPlace, Device } from '../../demo/device/device.ts'
import { Twin } from '../../demo/device/twin.ts'
import { createLog } from '../../shared/io/log.ts'
import { within } from './within.ts'

const quiet = createLog({ level: 'error' })

/** A device on a simulated board; the light can be waited for. */
export class Simulated implements AsyncDisposable {
  readonly twin: Twin
  readonly device: Device
  #changed = (): void => {}

  constructor(broker: BrokerPlace, clientId = 'pi1') {
    this.twin = new Twin(() => this.#changed())
    this.device = new Device({ clientId, broker, openBoard: this.twin.open, log: quiet })
  }

  /** Presses its button so often. */
  clicks(count: number): void {
    for (let pressed = 0; pressed < count; pressed += 1) this.twin.click()
  }

  async light(wanted: 'on' | 'off'): Promise<void> {
    const shown = new Promise<void>((resolve) => {
      this.#changed = () => {
        if (this.twin.light === wanted) resolve()
      }
      this.#changed()
    })
    await within(`light ${wanted}`, shown, 30_000)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device[Symbol.asyncDispose]()
  }
}
