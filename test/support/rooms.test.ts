/** Tests of the arrows: each allowed and each forbidden way is tried once. */
import test from 'ava'
import { isPure, reasonAgainst, roomOf } from './rooms.ts'

test('finds the room of a file', (t) => {
  t.is(roomOf('shared/protocol/frame.ts'), 'shared/protocol')
  t.is(roomOf('shared/io/tls.ts'), 'shared/io')
  t.is(roomOf('shared/policy.ts'), 'shared')
  t.is(roomOf('relay/switch.ts'), 'relay core')
  t.is(roomOf('relay/switch/route.ts'), 'relay core')
  t.is(roomOf('relay/admission.ts'), 'relay core')
  t.is(roomOf('relay/ingress/tcp.ts'), 'relay')
  t.is(roomOf('ava.config.js'), undefined)
  t.is(roomOf('shared/attic/old.ts'), undefined)
})

test('lets arrows lead inwards', (t) => {
  for (const [path, specifier] of [
    ['relay/main.ts', '../shared/io/log.ts'],
    ['relay/relay.ts', './switch.ts'],
    ['agent/connect.ts', '../shared/policy.ts'],
    ['shared/io/splice.ts', '../protocol/stream.ts'],
    ['shared/io/splice.ts', 'node:net'],
    ['shared/policy.ts', './identity.ts'],
    ['shared/protocol/send.ts', 'node:assert'],
    ['bin/main.ts', '../relay/main.ts'],
    ['demo/main.ts', '../agent/main.ts'],
    ['test/relay/gate.test.ts', '../../relay/gate.ts'],
  ] as const) {
    t.is(reasonAgainst(path, specifier), undefined, `${path} -> ${specifier}`)
  }
})

test('refuses every other arrow', (t) => {
  for (const [path, specifier] of [
    ['relay/main.ts', '../agent/main.ts'],
    ['agent/main.ts', '../certs/store.ts'],
    ['certs/main.ts', '../relay/config.ts'],
    ['relay/switch.ts', './relay.ts'],
    ['relay/admission.ts', '../shared/io/log.ts'],
    ['relay/switch.ts', 'node:net'],
    ['shared/io/tls.ts', '../../relay/gate.ts'],
    ['shared/policy.ts', './io/config.ts'],
    ['shared/policy.ts', 'zod'],
    ['shared/protocol/send.ts', '../policy.ts'],
    ['shared/protocol/send.ts', 'node:crypto'],
    ['bin/main.ts', '../test/support/ports.ts'],
    ['relay/main.ts', '../demo/main.ts'],
    ['relay/main.ts', './gate'],
  ] as const) {
    t.is(typeof reasonAgainst(path, specifier), 'string', `${path} -> ${specifier}`)
  }
})

test('calls exactly the inner rooms pure', (t) => {
  t.true(isPure('shared/address.ts'))
  t.true(isPure('relay/switch/index.ts'))
  t.false(isPure('shared/io/drive.ts'))
  t.false(isPure('relay/relay.ts'))
})
