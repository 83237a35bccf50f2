/**
 * Opens an address in the user's own browser.
 *
 * Invariant: the address is handed over as it is, to no shell. Where there is nothing to open it
 * with, nothing happens but the answer.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** True when a browser was asked to show it. */
export async function openInBrowser(url: string): Promise<boolean> {
  const program = process.platform === 'darwin' ? 'open' : 'xdg-open'
  const child = spawn(program, [url], { stdio: 'ignore', detached: true })
  child.unref()
  return await once(child, 'spawn').then(
    () => true,
    () => false,
  )
}
