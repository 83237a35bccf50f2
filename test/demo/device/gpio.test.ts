/** The header's numbers are read from the chips of kernels old and new, in a false /sys. */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { findHeader } from '../../../demo/device/gpio.ts'
import { type TemporaryFolder, temporaryFolder } from '../../support/temporary.ts'

type Chip = Readonly<Partial<Record<'label' | 'base' | 'ngpio', string>>>

/** A folder like /sys/class/gpio with these chips in it. */
async function falseTree(chips: Readonly<Record<string, Chip>>): Promise<TemporaryFolder> {
  const folder = await temporaryFolder()
  for (const [name, files] of Object.entries(chips)) {
    await mkdir(join(folder.path, name))
    for (const [file, text] of Object.entries(files)) {
      await writeFile(join(folder.path, name, file), `${text}\n`)
    }
  }
  await writeFile(join(folder.path, 'export'), '')
  return folder
}

const expander = { label: 'raspberrypi-exp-gpio', base: '504', ngpio: '8' }

const machines = [
  ['a Pi 2 with an old kernel', { label: 'pinctrl-bcm2835', base: '0', ngpio: '54' }],
  ['a Pi 3 with a new one', { label: 'pinctrl-bcm2835', base: '512', ngpio: '54' }],
  ['a Pi 4', { label: 'pinctrl-bcm2711', base: '522', ngpio: '58' }],
  ['a Pi 5 with Linux 6.1', { label: 'pinctrl-rp1', base: '399', ngpio: '54' }],
  ['a Pi 5', { label: 'pinctrl-rp1', base: '571', ngpio: '54' }],
] as const

for (const [machine, chip] of machines) {
  test(`${machine} has BCM 0 at ${chip.base}`, async (t) => {
    const others = { gpiochip504: expander, [`gpiochip${chip.base}`]: chip }
    await using tree = await falseTree(others)
    const { label, base } = chip
    t.deepEqual(findHeader(tree.path), { kind: 'found', base: Number(base), label })
  })
}

const strangers: readonly (readonly [string, Readonly<Record<string, Chip>>, RegExp])[] = [
  ['no chip', {}, /^no chip in .*: no Raspberry Pi$/],
  [
    'the chips of a PC',
    { gpiochip512: { label: 'INT34C5:00', base: '512', ngpio: '360' } },
    /^only INT34C5:00 in .*: no Raspberry Pi$/,
  ],
  ['a chip without files', { gpiochip0: {} }, /^only a chip without a label in/],
  [
    'no base',
    { gpiochip0: { label: 'pinctrl-rp1', ngpio: '54' } },
    /does not say where its pins begin$/,
  ],
  [
    'a base that is no number',
    { gpiochip0: { label: 'pinctrl-rp1', base: '-1', ngpio: '54' } },
    /does not say where its pins begin$/,
  ],
  [
    'too few pins',
    { gpiochip0: { label: 'pinctrl-rp1', base: '0', ngpio: '27' } },
    /does not say where its pins begin$/,
  ],
]

for (const [what, chips, reason] of strangers) {
  test(`${what}: no pin is touched, and it is said why`, async (t) => {
    await using tree = await falseTree(chips)
    const header = findHeader(tree.path)
    t.is(header.kind, 'none')
    t.regex(header.kind === 'none' ? header.reason : '', reason)
  })
}

test('a folder that is not there', (t) => {
  const header = findHeader('/sys/class/no-such-gpio')
  t.like(header, {
    kind: 'none',
    reason: 'there is no /sys/class/no-such-gpio: no GPIO, or a kernel without sysfs',
  })
})

test('pins that may not be exported', async (t) => {
  await using tree = await falseTree({ gpiochip571: machines[4][1] })
  await rm(join(tree.path, 'export'))
  const header = findHeader(tree.path)
  t.regex(header.kind === 'none' ? header.reason : '', /may not be written: sudo usermod -aG gpio/)
})
