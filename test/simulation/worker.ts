/**
 * One worker process: runs the seeds that it is told, and sends back what happened.
 *
 * Invariant: a seed that fails ends the batch; its failure is sent as words, for errors do not
 * travel.
 */
import { Report } from './report.ts'
import { runWorld, WorldFailure } from './run.ts'

/** A run of seeds, from `first` on. */
export interface Batch {
  readonly first: number
  readonly count: number
}

/** A seed that failed: what a person needs to see of it. */
export interface Failure {
  readonly seed: number
  readonly message: string
  readonly stack: string
}

export interface Outcome {
  readonly report: Report
  readonly failure: Failure | undefined
}

/** Runs the seeds of a batch until the first that fails. */
export function runBatch({ first, count }: Batch): Outcome {
  const report = new Report()
  for (let seed = first; seed < first + count; seed += 1) {
    try {
      report.add(runWorld(seed))
    } catch (error) {
      if (!(error instanceof WorldFailure)) throw error
      const { cause } = error
      const stack = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
      return { report, failure: { seed, message: error.message, stack } }
    }
  }
  return { report, failure: undefined }
}

if (process.send !== undefined) {
  process.on('message', (batch: Batch) => process.send?.(runBatch(batch)))
  process.on('disconnect', () => process.exit())
}
