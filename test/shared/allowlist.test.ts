/** The agent's own decision, on addresses as a hostile resolver would give them (S1 to S3). */
import test from 'ava'
import fc from 'fast-check'
import { parseAddress, parseNetwork } from '../../shared/address.ts'
import { type DialAllowed, decideTarget, type Target } from '../../shared/allowlist.ts'
import { rightSpellings, wrongSpellings } from '../support/spellings.ts'

const named: Target = { host: 'ldap.plant.internal', port: 389 }

test('a literal host means exactly itself, in any spelling of its address', (t) => {
  const target = { host: '10.1.0.5', port: 389 }
  t.deepEqual(dialled(target, '10.1.0.5'), ['10.1.0.5', 4, 389])
  t.deepEqual(dialled(target, '::ffff:10.1.0.5'), ['10.1.0.5', 4, 389])
  t.deepEqual(dialled({ host: '::ffff:a01:5', port: 1 }, '10.1.0.5'), ['10.1.0.5', 4, 1])
  t.deepEqual(dialled({ host: 'fd00:0::1', port: 1 }, 'fd00::1'), ['fd00::1', 6, 1])
  for (const other of ['10.1.0.6', '127.0.0.1', '::10.1.0.5', '64:ff9b::10.1.0.5']) {
    t.is(reason(target, other)?.includes('not the address in the file'), true, other)
  }
})

test('a literal may be loopback: the operator has written it', (t) => {
  t.deepEqual(dialled({ host: '127.0.0.1', port: 1883 }, '127.0.0.1'), ['127.0.0.1', 4, 1883])
  t.deepEqual(dialled({ host: '::1', port: 1883 }, '::1'), ['::1', 6, 1883])
  t.false(decideTarget({ host: '127.0.0.1', port: 1 }, '127.0.0.2').allowed)
})

test('localhost means loopback and nothing else', (t) => {
  const target = { host: 'localhost', port: 1883 }
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) {
    t.true(decideTarget(target, address).allowed, address)
  }
  for (const address of ['10.0.0.1', '0.0.0.0', '::', '::127.0.0.1', '169.254.1.1', '8.8.8.8']) {
    t.false(decideTarget(target, address).allowed, address)
  }
  t.true(decideTarget({ host: 'LOCALHOST', port: 1 }, '127.0.0.1').allowed)
  t.false(decideTarget({ host: 'localhost.plant', port: 1 }, '127.0.0.1').allowed)
})

test('a name may lead to private and public addresses', (t) => {
  const addresses = ['10.1.2.3', '192.168.0.1', '172.16.0.1', '100.64.0.1', '8.8.8.8', 'fd00::1']
  for (const address of [...addresses, '2600::1', '::ffff:10.1.2.3']) {
    t.true(decideTarget(named, address).allowed, address)
  }
})

test('S1, S2, S3: a name never leads to this machine, its link, a group or a disguise', (t) => {
  const forbidden: Readonly<Record<string, readonly string[]>> = {
    loopback: ['127.0.0.1', '127.255.255.255', '::1', '::ffff:127.0.0.1', '::ffff:7f00:1'],
    unspecified: ['0.0.0.0', '0.1.2.3', '::', '::ffff:0.0.0.0'],
    'link-local': ['169.254.169.254', '169.254.0.1', 'fe80::1', 'febf::1', '::ffff:a9fe:a9fe'],
    multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', '255.255.255.255'],
    'IPv4-compatible': ['::127.0.0.1', '::10.0.0.1', '::a9fe:a9fe'],
    translated: ['64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe', '64:ff9b:1::a00:1', '::ffff:0:7f00:1'],
    tunnelled: ['2002:7f00:1::', '2002:a9fe:a9fe::1', '2001:0:1::1'],
  }
  for (const [says, addresses] of Object.entries(forbidden)) {
    for (const address of addresses) t.true(reason(named, address)?.includes(says), address)
  }
})

test('S3: 120 spellings: what is not an address is never dialled, whatever is allowed', (t) => {
  const everywhere = within('0.0.0.0/0', '::/0')
  for (const address of wrongSpellings) {
    t.is(reason(everywhere, address), 'what the lookup gave is not an address')
    t.is(reason(named, address), 'what the lookup gave is not an address')
  }
  for (const [address, canonical] of rightSpellings) {
    t.is(dialled(everywhere, address)?.[0], canonical)
    t.deepEqual(decideTarget(named, address).allowed, decideTarget(named, canonical).allowed)
  }
})

test('within is the only say there is: it narrows, and it widens', (t) => {
  const target = within('10.1.0.0/16', 'fd00::/8')
  t.true(decideTarget(target, '10.1.255.255').allowed)
  t.true(decideTarget(target, '::ffff:10.1.0.1').allowed)
  t.true(decideTarget(target, 'fdff::1').allowed)
  t.is(
    reason(target, '10.2.0.1'),
    'ldap.plant.internal is 10.2.0.1: outside the networks of "within"',
  )
  t.false(decideTarget(target, '::10.1.0.1').allowed)
  t.false(decideTarget(target, '127.0.0.1').allowed)
  t.true(decideTarget(within('127.0.0.0/8'), '127.0.0.1').allowed)
  t.true(decideTarget(within('169.254.169.254'), '169.254.169.254').allowed)
  t.false(decideTarget({ ...named, within: [] }, '10.0.0.1').allowed)
})

test('P2: what is dialled is what was judged', (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const decision = decideTarget(named, text)
      if (!decision.allowed) return
      t.deepEqual(parseAddress(decision.address), parseAddress(text))
      t.deepEqual(decideTarget(named, decision.address), decision)
      t.is(decision.port, named.port)
    }),
    { numRuns: 1000 },
  )
  t.pass()
})

test('only this decision makes a DialAllowed: a look-alike does not type-check', (t) => {
  // @ts-expect-error the mark of a decision is missing
  const forged: DialAllowed = { allowed: true, address: '127.0.0.1', family: 4, port: 1 }
  t.is(Object.getOwnPropertySymbols(forged).length, 0)
})

function within(...texts: readonly string[]): Target {
  return { ...named, within: texts.map(parseNetwork).filter((network) => network !== undefined) }
}

function dialled(target: Target, address: string): readonly unknown[] | undefined {
  const decision = decideTarget(target, address)
  return decision.allowed ? [decision.address, decision.family, decision.port] : undefined
}

function reason(target: Target, address: string): string | undefined {
  const decision = decideTarget(target, address)
  return decision.allowed ? undefined : decision.reason
}
