/**
 * Hot keys on a terminal.
 *
 * Invariant: without a terminal there are none. The terminal is given back as it was; until then
 * Ctrl-C comes as a key, and not as a signal to every process of the terminal.
 */

/** What a key does; Ctrl-C does what `q` does. */
export type Keys = Readonly<Record<string, () => void>>

/** What may be a terminal: `process.stdin`. */
export type Terminal = NodeJS.ReadableStream & {
  readonly isTTY?: boolean
  setRawMode(mode: boolean): unknown
}

/** Listens until it is disposed of; undefined when this is no terminal. */
export function listenForKeys(input: Terminal, keys: Keys): Disposable | undefined {
  if (!input.isTTY) return undefined
  const hear = (bytes: Buffer): void => {
    for (const key of bytes.toString()) keys[key === ctrlC ? 'q' : key.toLowerCase()]?.()
  }
  input.setRawMode(true)
  input.on('data', hear).resume()
  return {
    [Symbol.dispose]() {
      input.off('data', hear).pause()
      input.setRawMode(false)
    },
  }
}

const ctrlC = '\u0003'
