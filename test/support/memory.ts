/** How much memory a process has, as the system counts it. */
import { readFileSync } from 'node:fs'

/** A mebibyte. */
export const mebibyte = 1_048_576

/** The resident memory of a process in bytes: heap, buffers and everything else off the heap. */
export function residentBytes(pid: number): number {
  const [, kibibytes] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  if (kibibytes === undefined) throw new Error(`no memory of process ${pid} is known`)
  return Number(kibibytes) * 1_024
}
