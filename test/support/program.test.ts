/** Tests of the search for programs, and of what a missing one does to its test. */
import test from 'ava'
import { outcomeOf, programPath, testWith } from './program.ts'

test('a test that lacks nothing runs', (t) => {
  t.deepEqual(outcomeOf([], undefined), { kind: 'run' })
  t.deepEqual(outcomeOf([], 'all'), { kind: 'run' })
})

test('a test that lacks programs is skipped, and names their Debian packages once each', (t) => {
  t.deepEqual(outcomeOf(['mosquitto_pub', 'mosquitto_sub', 'psql'], undefined), {
    kind: 'skip',
    reason:
      'no mosquitto_pub, mosquitto_sub, psql here: apt-get install mosquitto-clients postgresql',
  })
})

test('where everything is required, a test that lacks a program fails', (t) => {
  t.is(outcomeOf(['slapd'], 'all').kind, 'fail')
})

testWith('openssl')('finds a program by its name', (t) => {
  t.regex(programPath('openssl'), /^\/.*\/openssl$/)
})

testWith('nft')('takes no command of an npm package for a system program', (t) => {
  t.notRegex(programPath('nft'), /node_modules/)
})
