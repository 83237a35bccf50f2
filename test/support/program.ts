/**
 * System programs that a test speaks to, and what happens to the test where one is not installed.
 *
 * Invariant: a test that lacks a program is never silently green. It is skipped, its title naming
 * the Debian package; or, where SALLYPORT_TEST_REQUIRE=all says that everything must run, it fails.
 */
import test, { type ExecutionContext } from 'ava'
import { findProgram, lackOf, type ProgramName } from './installed.ts'

export { type ProgramName, programPath } from './installed.ts'

type DeclareTest = (title: string, body: (t: ExecutionContext) => Promise<void> | void) => void

type Outcome =
  | { readonly kind: 'run' }
  | { readonly kind: 'skip' | 'fail'; readonly reason: string }

/** Declares tests that run only where all these programs are installed. */
export function testWith(...programs: readonly ProgramName[]): DeclareTest {
  return declaredBy(test, programs)
}

/** The same, for tests of a file that run one after the other. */
export function serialTestWith(...programs: readonly ProgramName[]): DeclareTest {
  return declaredBy(test.serial, programs)
}

function declaredBy(declare: DeclareTest, programs: readonly ProgramName[]): DeclareTest {
  const missing = programs.filter((name) => findProgram(name) === undefined)
  const outcome = outcomeOf(missing, process.env.SALLYPORT_TEST_REQUIRE)
  switch (outcome.kind) {
    case 'run':
      return declare
    case 'fail':
      return (title) => declare(title, (t) => t.fail(outcome.reason))
    case 'skip': {
      const { skip } = test
      return (title, body) => skip(`${title} (${outcome.reason})`, body)
    }
    default:
      return outcome satisfies never
  }
}

/** What becomes of a test that lacks these programs, under this value of SALLYPORT_TEST_REQUIRE. */
export function outcomeOf(missing: readonly ProgramName[], required: string | undefined): Outcome {
  if (missing.length === 0) return { kind: 'run' }
  return { kind: required === 'all' ? 'fail' : 'skip', reason: lackOf(missing) }
}
