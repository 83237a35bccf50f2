/** Holds the address parser against the URL parser, and against spellings that fooled others. */
import test from 'ava'
import fc from 'fast-check'
import {
  contains,
  formatAddress,
  formatNetwork,
  parseAddress,
  parseLooseNetwork,
  parseNetwork,
  sharedBits,
} from '../../shared/address.ts'
import { decide, denyAll, parsePolicy } from '../../shared/policy.ts'
import { rightSpellings, wrongSpellings } from '../support/spellings.ts'

test('S3: 120 spellings are each one address, or none', (t) => {
  t.is(rightSpellings.length + wrongSpellings.length, 120)
  t.is(new Set([...rightSpellings.map(([text]) => text), ...wrongSpellings]).size, 120)
  for (const [text, canonical] of rightSpellings) {
    const address = parseAddress(text)
    t.is(address && formatAddress(address), canonical, text)
  }
  for (const text of wrongSpellings) t.is(parseAddress(text), undefined, JSON.stringify(text))
})

test('S3: under a rule for everybody, what is not an address is still nobody', (t) => {
  const everybody = parsePolicy([
    { rule: 'everybody', from: ['0.0.0.0/0', '::/0'], to: ['plant-1/mqtt'] },
  ])
  for (const address of wrongSpellings) {
    t.false(decide(everybody, { from: { address }, to: 'plant-1/mqtt' }).allowed, address)
  }
  for (const [address] of rightSpellings) {
    t.true(decide(everybody, { from: { address }, to: 'plant-1/mqtt' }).allowed, address)
    t.false(decide(denyAll, { from: { address }, to: 'plant-1/mqtt' }).allowed, address)
  }
})

test('S3: every spelling of an address is in the networks of that address and no others', (t) => {
  for (const [text, canonical] of rightSpellings) {
    const [address, same] = [parseAddress(text), parseAddress(canonical)]
    t.deepEqual(address, same)
    for (const network of [
      '127.0.0.0/8',
      '10.0.0.0/8',
      '::1',
      '::/96',
      '64:ff9b::/96',
      'fe80::/10',
    ]) {
      const parsed = parseNetwork(network)
      if (!parsed || !address || !same) throw new Error(network)
      t.is(contains(parsed, address), contains(parsed, same), `${text} in ${network}`)
    }
  }
})

test('an IPv4-mapped address is the IPv4 address, and in no IPv6 network', (t) => {
  t.deepEqual(parseAddress('::ffff:10.0.0.1'), parseAddress('10.0.0.1'))
  t.deepEqual(parseNetwork('::ffff:10.0.0.0/104'), parseNetwork('10.0.0.0/8'))
  t.true(isIn('::ffff:10.0.0.1', '10.0.0.0/8'))
  t.true(isIn('10.0.0.1', '::ffff:0:0/96'))
  t.false(isIn('::ffff:10.0.0.1', '::/0'))
  t.false(isIn('10.0.0.1', '::/0'))
  t.is(parseNetwork('::ffff:0:0/95'), undefined)
  t.false(isIn('::10.0.0.1', '0.0.0.0/0'))
})

test('a network holds its first and last address and not their neighbours', (t) => {
  const edges = [
    ['10.0.0.0/8', '10.0.0.0', '10.255.255.255', '9.255.255.255', '11.0.0.0'],
    ['10.0.0.0/31', '10.0.0.0', '10.0.0.1', '9.255.255.255', '10.0.0.2'],
    ['10.0.0.7', '10.0.0.7', '10.0.0.7', '10.0.0.6', '10.0.0.8'],
    ['128.0.0.0/1', '128.0.0.0', '255.255.255.255', '127.255.255.255', '0.0.0.0'],
    ['fd00::/8', 'fd00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'fcff::', 'fe00::'],
    ['2001:db8::/127', '2001:db8::', '2001:db8::1', '2001:db7::', '2001:db8::2'],
  ] as const
  for (const [network, first, last, before, behind] of edges) {
    t.true(isIn(first, network) && isIn(last, network), network)
    t.false(isIn(before, network) || isIn(behind, network), network)
  }
})

test('a network is written one way', (t) => {
  for (const text of ['10.0.0.0/8', '0.0.0.0/0', '10.0.0.1', 'fd00::/8', '::/0', '::1']) {
    const network = parseNetwork(text)
    t.is(network && formatNetwork(network), text)
  }
  const wrong = [
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '10.0.0.0/+8',
    '/8',
    '8',
  ]
  wrong.push('10.0.0.0/8/8', '10.0.0.0/', '10.0.0.0/8 ', '10.0.0.0/1e1', 'fd00::1/8', '::/129', '')
  for (const text of wrong) t.is(parseNetwork(text), undefined, text)
  t.is(parseLooseNetwork('10.0.0.1/8')?.prefixBits, 8)
})

test('formatting and parsing are inverse, and agree with the URL parser', (t) => {
  const address = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })
  const sparse = fc
    .array(fc.constantFrom('0', '0', '1', 'a0', 'ffff'), { minLength: 8, maxLength: 8 })
    .map((groups) => BigInt(`0x${groups.map((group) => group.padStart(4, '0')).join('')}`))
  fc.assert(
    fc.property(fc.oneof(address, sparse), (bits) => {
      fc.pre(bits >> 32n !== 0xffffn)
      const text = formatAddress({ family: 6, bits })
      t.deepEqual(parseAddress(text), { family: 6, bits })
      t.is(`[${text}]`, new URL(`http://[${text}]`).hostname)
    }),
    { numRuns: 2000 },
  )
  fc.assert(
    fc.property(fc.ipV4(), (text) => {
      const parsed = parseAddress(text)
      t.is(parsed && formatAddress(parsed), text)
    }),
  )
})

test('the text of any IPv6 address is read as the URL parser reads it', (t) => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const parsed = parseAddress(text)
      if (parsed === undefined) return t.fail(text)
      const bits = parsed.family === 4 ? (0xffffn << 32n) | parsed.bits : parsed.bits
      t.is(`[${formatAddress({ family: 6, bits })}]`, new URL(`http://[${text}]`).hostname)
    }),
    { numRuns: 2000 },
  )
})

test('any other text is no address, and nothing throws', (t) => {
  const near = fc.stringMatching(/^[0-9a-fx:.%/\]]{0,45}$/)
  fc.assert(
    fc.property(fc.oneof(near, fc.string()), (text) => {
      const parsed = parseAddress(text)
      if (parsed !== undefined) t.deepEqual(parseAddress(formatAddress(parsed)), parsed)
      parseNetwork(text)
    }),
    { numRuns: 5000 },
  )
  t.pass()
})

test('shared bits count from the front, and families share none', (t) => {
  const [one, other, six] = ['10.0.0.9', '10.4.0.9', '::1'].map(parseAddress)
  if (!one || !other || !six) throw new Error('not addresses')
  t.is(sharedBits(one, other), 13)
  t.is(sharedBits(one, one), 32)
  t.is(sharedBits(one, six), 0)
})

function isIn(address: string, network: string): boolean {
  const [parsed, around] = [parseAddress(address), parseNetwork(network)]
  if (parsed === undefined || around === undefined) throw new Error(`${address} ${network}`)
  return contains(around, parsed)
}
