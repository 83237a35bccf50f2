/**
 * Loads `onoff` when a board wants it, and not before: it is optional, and has a native part.
 *
 * Invariant: whatever is wrong with it, absent, not built, built for another Node.js, is told as
 * `gpio_unusable` with the command that repairs it.
 */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Fault } from '../../shared/protocol/fault.ts'
import type { PinConstructor } from './pins.ts'

/** The constructor of pins. Throws `gpio_unusable`. */
export async function loadGpio(
  load: () => Promise<{ readonly Gpio: PinConstructor }> = async () => await import('onoff'),
): Promise<PinConstructor> {
  try {
    return (await load()).Gpio
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause)
    throw new Fault('gpio_unusable', remedyFor(text), { cause })
  }
}

/** Where package.json is. */
const packageFolder = join(import.meta.dirname, '..', '..')

/** What is wrong, and what to do, by the message of the failed import. */
export function remedyFor(message: string): string {
  const rebuild = rebuildCommand(process.execPath, packageFolder)
  if (/Cannot find (?:package|module) '(?:onoff|epoll)'/.test(message)) {
    return `The package onoff is not installed: npm --prefix ${quoted(packageFolder)} ci`
  }
  if (message.includes('NODE_MODULE_VERSION')) {
    return `epoll, under onoff, was built for another Node.js than ${process.version}: ${rebuild}`
  }
  if (message.includes('bindings file')) {
    return `epoll, under onoff, was not built (it needs python3, make and g++): ${rebuild}`
  }
  const [what = ''] = message.split('\n')
  return `onoff cannot be loaded (${what}): ${rebuild}`
}

/**
 * npm builds for the Node.js that it runs on; this names the one that runs here, if it brought its
 * headers along. Paths are absolute, for npm builds in a folder of its own.
 */
export function rebuildCommand(node: string, packageFolder: string): string {
  const home = dirname(dirname(node))
  const rebuild = `npm --prefix ${quoted(packageFolder)} rebuild epoll`
  const hasHeaders = existsSync(join(home, 'include', 'node', 'node.h'))
  return hasHeaders ? `${rebuild} --nodedir=${quoted(home)}` : rebuild
}

/** As a shell takes it. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`
}
