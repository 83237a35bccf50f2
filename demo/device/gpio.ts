/**
 * Where the kernel has the pins of a Raspberry Pi's header.
 *
 * Invariant: nothing is assumed. BCM 17 was GPIO 17 once; newer kernels number from 512, 571 or
 * whatever their chips left over, so the number is read from the chip that the header hangs on. A
 * machine without a chip known here is no Raspberry Pi, and none of its pins is touched.
 */
import { accessSync, constants, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Where Linux tells of pins. */
export const gpioFolder = '/sys/class/gpio'

/** The button and the light, by their BCM numbers: pins 11 and 13 of the header. */
export const buttonBcm = 17
export const lightBcm = 27

/** The header of this machine, or why there is none. */
export type Header =
  /** Pin BCM n is GPIO `base` + n. */
  | { readonly kind: 'found'; readonly base: number; readonly label: string }
  | { readonly kind: 'none'; readonly reason: string }

/** Looks for the header's chip; the folder is `/sys/class/gpio`, but for tests. */
export function findHeader(folder: string = gpioFolder): Header {
  const names = chipNames(folder)
  if (names === undefined) return none(`there is no ${folder}: no GPIO, or a kernel without sysfs`)
  const chips = names.map((name) => chipIn(join(folder, name)))
  const chip = chips.find((one) => headerLabels.has(one.label))
  if (chip === undefined) return none(`${chipsText(chips)} in ${folder}: no Raspberry Pi`)
  const { label, base, count } = chip
  if (!Number.isSafeInteger(base) || base < 0 || !(count > Math.max(buttonBcm, lightBcm))) {
    return none(`${label} in ${folder} does not say where its pins begin`)
  }
  if (!isWritable(join(folder, 'export'))) {
    return none(`${join(folder, 'export')} may not be written: sudo usermod -aG gpio "$USER"`)
  }
  return { kind: 'found', base, label }
}

/** Raspberry Pi 1 to 3 and Zero, 4, and 5. */
const headerLabels: ReadonlySet<string> = new Set([
  'pinctrl-bcm2835',
  'pinctrl-bcm2711',
  'pinctrl-rp1',
])

interface Chip {
  readonly label: string
  readonly base: number
  readonly count: number
}

function chipNames(folder: string): readonly string[] | undefined {
  try {
    return readdirSync(folder)
      .filter((name) => /^gpiochip\d+$/.test(name))
      .sort()
  } catch {
    return undefined
  }
}

function chipIn(folder: string): Chip {
  const [base, count] = [numberIn(join(folder, 'base')), numberIn(join(folder, 'ngpio'))]
  return { label: textIn(join(folder, 'label')), base, count }
}

function numberIn(file: string): number {
  const text = textIn(file)
  return /^\d+$/.test(text) ? Number(text) : Number.NaN
}

/** What the file says, nothing if it cannot be read: chips come and go with their drivers. */
function textIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return ''
  }
}

function chipsText(chips: readonly Chip[]): string {
  const labels = chips.map(({ label }) => label || 'a chip without a label')
  return labels.length === 0 ? 'no chip' : `only ${labels.join(', ')}`
}

function isWritable(file: string): boolean {
  try {
    accessSync(file, constants.W_OK)
    return true
  } catch {
    return false
  }
}

function none(reason: string): Header {
  return { kind: 'none', reason }
}
