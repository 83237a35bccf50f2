/**
 * Keeps the house: what a machine can judge about the sources, nobody has to argue about.
 *
 * Each test collects `place: what is wrong` and compares it with nothing, so that one run names
 * every fault.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { isPure, reasonAgainst, roomOf } from './support/rooms.ts'
import { codeOf, importsOf, linesMatching } from './support/scan.ts'
import { isCode, repository, type SourceFile, textFiles } from './support/sources.ts'

const files = textFiles()
const sources = files.filter((file) => isCode(file) && roomOf(file.path) !== undefined)
const pureSources = sources.filter(({ path }) => isPure(path))

const columnsMax = 100
const linesMax = 250
const testLinesMax = 400

test('every source lives in a room of the house', (t) => {
  const strays = files.filter((file) => isCode(file) && roomOf(file.path) === undefined)
  t.deepEqual(
    strays.map(({ path }) => path),
    ['ava.config.js'],
  )
})

test('imports follow the arrows of the house', (t) => {
  const faults = sources.flatMap(({ path, text }) =>
    importsOf(text).flatMap((specifier) => {
      const reason = reasonAgainst(path, specifier)
      return reason === undefined ? [] : [`${path}: ${specifier}: ${reason}`]
    }),
  )
  t.deepEqual(faults, [])
})

test('pure files hold no clock, no chance, no timer, no I/O and no Buffer', (t) => {
  const worldly = /\b(?:Date|performance|Buffer|globalThis|fetch|WebSocket)\b/
  const timers = /\bset(?:Timeout|Interval|Immediate)\b|\bAbortSignal\.timeout\b/
  const chance = /\bMath\.random\b|\b(?:process|crypto)\./
  for (const pattern of [worldly, timers, chance]) {
    t.deepEqual(faultsOf(pureSources, pattern, codeOf), [])
  }
})

test('every pure source has its test, in the same place under test/', (t) => {
  const untested = pureSources
    .map(({ path }) => `test/${path.replace(/\.ts$/, '.test.ts')}`)
    .filter((path) => !existsSync(join(repository, path)))
  t.deepEqual(untested, [])
})

test('a file opens with a block that says what it is', (t) => {
  const silent = sources.filter(({ text }) => !/^(?:#![^\n]*\n)?\/\*\*[\s\S]*?\*\//.test(text))
  t.deepEqual(
    silent.map(({ path }) => path),
    [],
  )
})

test(`a line has at most ${columnsMax} columns`, (t) => {
  const tooLong = new RegExp(`.{${columnsMax + 1}}`, 'u')
  // Mutants quote sources with the breaks between their lines: a quotation is as long as it is.
  const written = sources.filter(({ path }) => !path.startsWith('test/simulation/mutants/'))
  t.deepEqual(faultsOf(written, tooLong), [])
})

test(`a file has at most ${linesMax} lines, a test ${testLinesMax}`, (t) => {
  const faults = sources.flatMap(({ path, text }) => {
    const lines = text.trimEnd().split('\n').length
    return lines > (path.startsWith('test/') ? testLinesMax : linesMax) ? [`${path}: ${lines}`] : []
  })
  t.deepEqual(faults, [])
})

test('no type is any, and nothing is exported by default', (t) => {
  t.deepEqual(faultsOf(sources, /(?<![.\w])any\b(?!\s*[(:])/, codeOf), [])
  t.deepEqual(faultsOf(sources, /\bexport\s+default\b|\bas\s+default\b/, codeOf), [])
})

test('only bin, demo, bench and test write to the console', (t) => {
  const quiet = sources.filter(({ path }) => !/^(?:bin|demo|bench|test)\//.test(path))
  t.deepEqual(faultsOf(quiet, /\bconsole\./, codeOf), [])
})

// The brackets keep these patterns from matching themselves.
test('nothing is left open, and no test is left out', (t) => {
  t.deepEqual(faultsOf(files, /\b(?:TOD[O]|FIXM[E]|XX[X]|HAC[K])\b/), [])
  const tests = sources.filter(({ path }) => path.startsWith('test/'))
  t.deepEqual(faultsOf(tests, /\b(?:test|serial)\.(?:todo|skip|only|failing)\b/, codeOf), [])
})

test('no file names a place of one machine, or a registry', (t) => {
  const place = /(?<![\w.$}-])\/(?:work|farm|root|Users|home\/\w+)\/|\bregistry\.[a-z]+[j]s\.org\b/
  t.deepEqual(faultsOf(files, place), [])
})

test('package-lock.json holds digests and no download addresses', (t) => {
  const lock = textOf('package-lock.json')
  t.false(lock.includes('"resolved"'))
  const { packages } = JSON.parse(lock) as {
    readonly packages: Readonly<Record<string, Locked>>
  }
  // A binary for another platform that the registry did not have has no digest; npm wants its name.
  const isElsewhere = (path: string, { optional }: Locked): boolean =>
    optional === true && !existsSync(join(repository, path))
  const unproven = Object.entries(packages).filter(
    ([path, locked]) =>
      path !== '' && !locked.integrity?.startsWith('sha512-') && !isElsewhere(path, locked),
  )
  t.deepEqual(unproven, [])
})

test('dependencies are pinned exactly', (t) => {
  const loose = dependencies().filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
  t.deepEqual(loose, [])
})

test('docs/architecture.md gives the reason for each dependency', (t) => {
  const architecture = textOf('docs/architecture.md')
  const unexplained = dependencies().filter(([name]) => !architecture.includes(`\`${name}\``))
  t.deepEqual(
    unexplained.map(([name]) => name),
    [],
  )
})

interface Locked {
  readonly integrity?: string
  readonly optional?: boolean
}

/** The places, as `path:line`, of the lines that match the pattern in each file's (read) text. */
function faultsOf(
  among: readonly SourceFile[],
  pattern: RegExp,
  read: (text: string) => string = (text) => text,
): readonly string[] {
  return among.flatMap(({ path, text }) =>
    linesMatching(read(text), pattern).map((line) => `${path}:${line}`),
  )
}

function textOf(path: string): string {
  return files.find((file) => file.path === path)?.text ?? ''
}

function dependencies(): readonly (readonly [name: string, version: string])[] {
  const manifest = JSON.parse(textOf('package.json')) as Readonly<
    Record<string, Readonly<Record<string, string>> | undefined>
  >
  return ['dependencies', 'optionalDependencies', 'devDependencies'].flatMap((group) =>
    Object.entries(manifest[group] ?? {}),
  )
}
