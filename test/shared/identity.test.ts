/** Tests of identities: one spelling each, and everything else is nobody. */
import test from 'ava'
import fc from 'fast-check'
import {
  type Identity,
  identityName,
  identityUri,
  identityUriCharactersMax,
  isName,
  isRole,
  isTrustDomain,
  parseIdentityName,
  parseIdentityUri,
  parseServiceName,
  roles,
} from '../../shared/identity.ts'

const plant: Identity = { trustDomain: 'example.com', role: 'agent', name: 'plant-1' }
const uri = 'spiffe://example.com/agent/plant-1'

const tail = fc.string({ unit: fc.constantFrom(...'abz019._-'), maxLength: 62 })
const names = fc
  .tuple(fc.constantFrom(...'az09'), tail)
  .map(([first, rest]) => `${first}${rest}`)
  .filter((name) => !name.endsWith('.'))
const label = fc.string({ unit: fc.constantFrom(...'az09_-'), minLength: 1, maxLength: 20 })
const trustDomains = fc
  .array(label, { minLength: 1, maxLength: 12 })
  .map((parts) => parts.join('.'))
const identities = fc.record({
  trustDomain: trustDomains,
  role: fc.constantFrom(...roles),
  name: names,
})

test('prints an identity as a URI, as a name, and reads both again', (t) => {
  t.is(identityUri(plant), uri)
  t.deepEqual(parseIdentityUri(uri), plant)
  t.is(identityName(plant), 'agent/plant-1')
  t.deepEqual(parseIdentityName('agent/plant-1'), { role: 'agent', name: 'plant-1' })
})

test('every identity survives printing and parsing', (t) => {
  fc.assert(
    fc.property(identities, (identity) => {
      const printed = identityUri(identity)
      t.true(printed.length <= identityUriCharactersMax)
      t.deepEqual(parseIdentityUri(printed), identity)
      t.deepEqual(parseIdentityName(identityName(identity)), {
        role: identity.role,
        name: identity.name,
      })
    }),
  )
  t.pass()
})

test('T6: there is one spelling; an edit of a URI is nobody or somebody else', (t) => {
  const edit = fc.tuple(fc.nat(identityUriCharactersMax), fc.nat(1), fc.string({ maxLength: 2 }))
  fc.assert(
    fc.property(identities, edit, (identity, [at, cut, inserted]) => {
      const before = identityUri(identity)
      const after = before.slice(0, at) + inserted + before.slice(at + cut)
      const read = parseIdentityUri(after)
      if (read !== undefined) t.is(identityUri(read), after)
    }),
  )
  t.pass()
})

const wrongUris: Readonly<Record<string, string>> = {
  empty: '',
  'no path': 'spiffe://example.com',
  'an empty path': 'spiffe://example.com/',
  'one segment': 'spiffe://example.com/agent',
  'an empty name': 'spiffe://example.com/agent/',
  'three segments': 'spiffe://example.com/agent/plant-1/x',
  'a slash at the end': `${uri}/`,
  'two slashes': 'spiffe://example.com//agent/plant-1',
  'two slashes inside': 'spiffe://example.com/agent//plant-1',
  'a dot segment': 'spiffe://example.com/agent/./plant-1',
  'a parent segment': 'spiffe://example.com/client/../agent/plant-1',
  'a parent as name': 'spiffe://example.com/agent/..',
  'a backslash': 'spiffe://example.com/agent\\plant-1',
  'no trust domain': 'spiffe:///agent/plant-1',
  'another scheme': 'https://example.com/agent/plant-1',
  'an upper-case scheme': 'SPIFFE://example.com/agent/plant-1',
  'an upper-case trust domain': 'spiffe://Example.com/agent/plant-1',
  'an upper-case role': 'spiffe://example.com/Agent/plant-1',
  'an upper-case name': 'spiffe://example.com/agent/Plant-1',
  'an unknown role': 'spiffe://example.com/admin/plant-1',
  'a role of the prototype': 'spiffe://example.com/constructor/plant-1',
  'a percent sign': 'spiffe://example.com/agent/plant%2d1',
  'an encoded slash': 'spiffe://example.com/agent%2fplant-1',
  'an encoded NUL': `${uri}%00`,
  'a port': 'spiffe://example.com:443/agent/plant-1',
  'user information': 'spiffe://me@example.com/agent/plant-1',
  'a query': `${uri}?x`,
  'an empty query': `${uri}?`,
  'a fragment': `${uri}#x`,
  'an empty fragment': `${uri}#`,
  'a dot behind the trust domain': 'spiffe://example.com./agent/plant-1',
  'a dot before the trust domain': 'spiffe://.example.com/agent/plant-1',
  'an empty label': 'spiffe://example..com/agent/plant-1',
  'a dot behind the name': `${uri}.`,
  'a dot before the name': 'spiffe://example.com/agent/.plant-1',
  'a hyphen before the name': 'spiffe://example.com/agent/-plant-1',
  'a star': 'spiffe://example.com/agent/*',
  'a space before': ` ${uri}`,
  'a space behind': `${uri} `,
  'a space in it': 'spiffe://example.com/agent/plant 1',
  'a second URI': `${uri}, URI:${uri}`,
  'a full-width letter': 'spiffe://example.com/agent/plant-１',
  'a Unicode dot': 'spiffe://example。com/agent/plant-1',
  'a soft hyphen': 'spiffe://example.com/agent/plant\u00AD-1',
  'a name of 64': `spiffe://example.com/agent/${'a'.repeat(64)}`,
  'a trust domain of 256': `spiffe://${'a'.repeat(256)}/agent/plant-1`,
  'a megabyte': `spiffe://example.com/agent/${'a'.repeat(1 << 20)}`,
}

for (const [what, text] of Object.entries(wrongUris)) {
  test(`T6: ${what} is no identity`, (t) => t.is(parseIdentityUri(text), undefined))
}

test('T7: a NUL, CR or LF never cuts a name, a role or a trust domain', (t) => {
  for (const character of ['\0', '\r', '\n', '\t', '\u2028']) {
    for (let at = 0; at <= uri.length; at += 1) {
      t.is(parseIdentityUri(uri.slice(0, at) + character + uri.slice(at)), undefined)
    }
    for (const text of [`plant-1${character}`, `${character}plant-1`, `plant-1${character}x`]) {
      t.false(isName(text))
      t.is(parseIdentityName(`agent/${text}`), undefined)
      t.is(parseServiceName(`plant-1/${text}`), undefined)
    }
    t.false(isTrustDomain(`example.com${character}`))
  }
})

test('an ill-formed identity cannot be printed', (t) => {
  t.throws(() => identityUri({ ...plant, name: 'plant-1/../plant-2' }))
  t.throws(() => identityUri({ ...plant, trustDomain: 'Example.com' }))
  t.throws(() => identityUri({ ...plant, role: 'admin' as 'agent' }))
})

test('a role or name is of the closed list and of the narrow alphabet', (t) => {
  for (const role of roles) t.true(isRole(role))
  for (const word of ['', 'Agent', 'agents', '__proto__', 'constructor']) t.false(isRole(word))
  for (const name of ['a', '0', 'a'.repeat(63), 'relay.example.com', '127.0.0.1', 'a_-']) {
    t.true(isName(name), name)
  }
  for (const name of ['', '.', '..', '-a', '_a', 'a.', 'A', 'é', 'a/b', 'a'.repeat(64)]) {
    t.false(isName(name), name)
  }
})

test('a service name is two names', (t) => {
  t.deepEqual(parseServiceName('plant-1/mqtt'), { agent: 'plant-1', service: 'mqtt' })
  for (const text of ['', '/', 'plant-1', 'plant-1/', '/mqtt', 'plant-1/mqtt/', 'a/b/c', 'a//b']) {
    t.is(parseServiceName(text), undefined, text)
  }
})

test('a name of a role is two words', (t) => {
  for (const text of ['', 'plant-1', 'agent/', '/plant-1', 'agent/plant-1/', 'agent/a/b', 'x/y']) {
    t.is(parseIdentityName(text), undefined, text)
  }
})
