/**
 * A disk that fails or dies at a chosen call, over the real one.
 *
 * Invariant: every call that could change the disk, or make a change last, is counted, so that a
 * test which walks over all counts has tried every place where a full disk or a kill can strike.
 */
import type { FileHandle } from 'node:fs/promises'
import { disk, type FileSystem } from '../../certs/files.ts'

/** What happens from call number `at` on (counted from 0). */
export interface Failure {
  readonly at: number
  /** An error of the system, such as `ENOSPC`; a write gets half of its bytes down first. */
  readonly code: string
  /** True: this call and all after it fail, as if the process were killed here. */
  readonly dead: boolean
}

/** A disk, and the calls that were made on it, in order. */
export interface FailingDisk {
  readonly files: FileSystem
  readonly calls: readonly string[]
}

/** The real disk behind a counter; without a failure it only counts. */
export function failingDisk(failure?: Failure): FailingDisk {
  const calls: string[] = []
  const strike = (call: string, path: string): void => {
    calls.push(`${call} ${path}`)
    const number = calls.length - 1
    if (failure === undefined || number < failure.at) return
    if (failure.dead || number === failure.at) {
      throw Object.assign(new Error(`${failure.code}: ${call} ${path}`), { code: failure.code })
    }
  }

  const handleOf = (handle: FileHandle, path: string): FileHandle =>
    new Proxy(handle, {
      get: (target, property) => {
        if (property === 'writeFile') {
          return async (text: string) => {
            try {
              strike('write', path)
            } catch (error) {
              await target.writeFile(text.slice(0, text.length / 2))
              throw error
            }
            await target.writeFile(text)
          }
        }
        if (property === 'sync') {
          return async () => {
            strike('sync', path)
            await target.sync()
          }
        }
        const value: unknown = Reflect.get(target, property, target)
        if (typeof value !== 'function') return value
        // Not `bind`: V8 does not take a bound function for a disposer.
        return (...rest: unknown[]): unknown => Reflect.apply(value, target, rest)
      },
    })

  const files = new Proxy(disk, {
    get: (target, property: keyof FileSystem) => {
      if (property === 'open') {
        return async (path: string, flags: string, mode?: number) => {
          if (flags !== 'r') strike('open', path)
          return handleOf(await target.open(path, flags, mode), path)
        }
      }
      if (property === 'readdir' || property === 'readFile') return target[property]
      const call = target[property] as (...rest: unknown[]) => Promise<unknown>
      return async (...rest: unknown[]) => {
        strike(property, String(rest[property === 'rename' || property === 'link' ? 1 : 0]))
        return await call(...rest)
      }
    },
  })
  return { files, calls }
}
