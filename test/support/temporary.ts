/** Folders that live as long as one test: `await using folder = await temporaryFolder()`. */
import { mkdtempDisposable } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of its own, readable by its owner only; it goes with everything in it. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string
}

/** A new, empty folder below the system's temporary folder. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  return await mkdtempDisposable(join(tmpdir(), 'sallyport-test-'))
}
