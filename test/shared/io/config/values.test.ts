/** The written values: one spelling each, and a sentence for every other. */
import test from 'ava'
import fc from 'fast-check'
import {
  formatDuration,
  formatSize,
  isHostName,
  type Reading,
  readDuration,
  readHostPort,
  readListenAddress,
  readNetwork,
  readSize,
} from '../../../../shared/io/config/values.ts'

test('a duration is a whole number with its unit', (t) => {
  const right = {
    '500ms': 500,
    '90s': 90_000,
    '2m': 120_000,
    '1h': 3_600_000,
    '7d': 604_800_000,
    '0s': 0,
  }
  for (const [text, value] of Object.entries(right)) t.deepEqual(readDuration(text), { value })
  for (const text of [
    '',
    's',
    '90',
    '1.5s',
    '-1s',
    '+1s',
    '1 s',
    '1S',
    '1min',
    '1e3s',
    '1h30m',
    '90s ',
    '9'.repeat(16),
  ]) {
    t.true('wrong' in readDuration(text), text)
  }
  t.is(wrongOf(readDuration('999999999999999d')), '999999999999999d is too much to count')
})

test('a size says whether it counts in thousands or in 1024s', (t) => {
  const right = {
    '1B': 1,
    '1kB': 1000,
    '10MB': 10_000_000,
    '64KiB': 65_536,
    '1MiB': 1_048_576,
    '2GiB': 2 ** 31,
    '3GB': 3e9,
  }
  for (const [text, value] of Object.entries(right)) t.deepEqual(readSize(text), { value })
  for (const text of [
    '64',
    '64K',
    '64k',
    '64kb',
    '64KB',
    '64kib',
    '64 KiB',
    '0x40B',
    '64constructor',
  ]) {
    t.true('wrong' in readSize(text), text)
  }
})

test('a number alone is told that it has no unit', (t) => {
  t.is(wrongOf(readDuration('90')), '90 has no unit: write 90 and one of ms, s, m, h, d')
  t.is(wrongOf(readSize('64')), '64 has no unit: write 64 and one of B, kB, MB, GB, KiB, MiB, GiB')
})

test('what is formatted reads back', (t) => {
  fc.assert(
    fc.property(fc.nat(), (value) => {
      t.deepEqual(readDuration(formatDuration(value)), { value })
      t.deepEqual(readSize(formatSize(value)), { value })
    }),
  )
  t.deepEqual(
    [formatDuration(90_000), formatDuration(0), formatSize(65_536)],
    ['90s', '0ms', '64KiB'],
  )
})

test('host and port are told apart, IPv6 by its brackets', (t) => {
  const right = [
    ['127.0.0.1:1883', '127.0.0.1', 1883],
    ['[::1]:443', '::1', 443],
    ['[::ffff:10.0.0.1]:1', '::ffff:10.0.0.1', 1],
    ['ldap.plant.internal:389', 'ldap.plant.internal', 389],
    ['a_b:65535', 'a_b', 65_535],
  ] as const
  for (const [text, host, port] of right) t.deepEqual(readHostPort(text), { value: { host, port } })
  const wrong = [
    '',
    ':',
    'a',
    'a:',
    ':1',
    'a:0',
    'a:65536',
    'a:01',
    'a:1x',
    'a:-1',
    'a:1:2',
    '::1:1',
  ]
  wrong.push(
    '[::1]',
    '[]:1',
    '[a]:1',
    '[127.0.0.1]:1',
    '[::1:1',
    '::1]:1',
    'a:1\n',
    ' a:1',
    'a b:1',
  )
  for (const text of wrong) t.true('wrong' in readHostPort(text), JSON.stringify(text))
  t.is(
    wrongOf(readHostPort('fd00::1:443')),
    'an IPv6 address before a port wants brackets: "[fd00::1]:…"',
  )
})

test('a process listens on its own addresses; port 0 is any free one', (t) => {
  for (const text of ['0.0.0.0:0', '[::]:443', 'localhost:1', '10.0.0.1:65535']) {
    t.true('value' in readListenAddress(text), text)
  }
  for (const text of ['relay.example:443', '*:443', '443', 'eth0:443']) {
    t.true('wrong' in readListenAddress(text), text)
  }
})

test('S4, T9: a host name holds nothing that another parser reads differently', (t) => {
  for (const text of ['a', 'localhost', 'xn--bcher-kva.example', 'a-b.c-d', '_x.y', 'a.1b', '1a']) {
    t.true(isHostName(text), text)
  }
  const strange = '\0\r\n\t @#%/\\?:[]*"\'`<>$&;,。．｡'.split('').map((mark) => `a${mark}b`)
  const wrong = [
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    '-a',
    'a-',
    'bücher',
    `${'a'.repeat(64)}.b`,
    'a.'.repeat(127),
  ]
  const numbers = ['1', '127.1', 'a.1', '0x7f', '0x7f.1', 'a.0x', '017700000001', '1.2.3.4']
  for (const text of [...strange, ...wrong, ...numbers])
    t.false(isHostName(text), JSON.stringify(text))
})

test('a network whose address is not its first is told which was meant', (t) => {
  t.is(
    wrongOf(readNetwork('10.1.2.3/8')),
    '"10.1.2.3/8" has bits behind its prefix; did you mean "10.0.0.0/8"?',
  )
  t.true('value' in readNetwork('::/0'))
  t.true('wrong' in readNetwork('0/0'))
})

function wrongOf(reading: Reading<unknown>): string | undefined {
  return 'wrong' in reading ? reading.wrong : undefined
}
