/**
 * A crew of worker processes that share the seeds of a run.
 *
 * Invariant: every seed is run once, until one fails: then the others are let go. No worker
 * outlives the crew.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Report } from './report.ts'
import type { Batch, Failure, Outcome } from './worker.ts'

/** So many seeds a worker is told at once: half a second of work or less. */
const batchSeeds = 25

export interface CrewOptions {
  readonly firstSeed: number
  readonly seeds: number
  readonly workers: number
  /** Called whenever a batch has come back. */
  readonly progress: (report: Report) => void
}

/** The sum of all reports, and the failed seed that was found first, if any. */
export interface Result {
  readonly report: Report
  readonly failure: Failure | undefined
}

export async function runSeeds(options: CrewOptions): Promise<Result> {
  const { firstSeed, seeds, progress } = options
  const report = new Report()
  const end = firstSeed + seeds
  let next = firstSeed
  let failure: Failure | undefined

  const work = async (): Promise<void> => {
    using worker = new WorkerProcess()
    while (next < end && failure === undefined) {
      const batch = { first: next, count: Math.min(batchSeeds, end - next) }
      next += batch.count
      const outcome = await worker.run(batch)
      report.add(outcome.report)
      failure ??= outcome.failure
      progress(report)
    }
  }
  const count = Math.min(options.workers, Math.ceil(seeds / batchSeeds))
  await Promise.all(Array.from({ length: count }, work))
  return { report, failure }
}

/** One worker process; `folder` is that of the simulation which it runs. */
export class WorkerProcess implements Disposable {
  readonly #process: ChildProcess

  constructor(folder: string = import.meta.dirname) {
    this.#process = fork(join(folder, 'worker.ts'))
  }

  /** Runs a batch, until the first seed that fails. */
  async run(batch: Batch): Promise<Outcome> {
    using over = new Over()
    const { signal } = over
    this.#process.send(batch)
    const answer = once(this.#process, 'message', { signal })
    const ended = once(this.#process, 'exit', { signal }).then(([code]) => {
      throw new Error(`a worker process has ended by itself, with status ${String(code)}`)
    })
    ended.catch(() => {})
    const [outcome] = await Promise.race([answer, ended])
    return outcome as Outcome
  }

  [Symbol.dispose](): void {
    this.#process.kill()
  }
}

/** Ends what is still listened for. */
class Over extends AbortController implements Disposable {
  [Symbol.dispose](): void {
    this.abort()
  }
}
