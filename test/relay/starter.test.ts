/** The file that `relay init` writes loads, denies, and loads with its examples switched on. */
import test from 'ava'
import { loadRelayConfig } from '../../relay/config.ts'
import { starterRelayYaml } from '../../relay/starter.ts'
import { decide } from '../../shared/policy.ts'
import { loaded } from '../support/config-files.ts'

const text = starterRelayYaml('relay.example.com')

test('it loads as it is, and denies everybody', async (t) => {
  const config = await loaded(loadRelayConfig, text)
  t.is(config.name, 'relay.example.com')
  t.is(config.services.length, 0)
  const request = { from: { identity: 'client/crm', address: '10.0.0.1' }, to: 'plant-1/mqtt' }
  t.false(decide(config.policy, request).allowed)
})

test('it loads with every example switched on', async (t) => {
  const config = await loaded(loadRelayConfig, text.replaceAll(/^# (?=\s|\w+:$)/gm, ''))
  t.deepEqual(
    config.services.map(({ name }) => name),
    ['plant-1/mqtt', 'plant-1/ldap'],
  )
  t.is(config.policy.rules.length, 1)
  t.is(config.expectations.length, 2)
})

test('it is short, and tells editors its schema first', (t) => {
  const lines = text.trimEnd().split('\n')
  t.is(lines[0], '# yaml-language-server: $schema=./relay.schema.json')
  t.true(lines.length <= 30, `${lines.length} lines`)
  t.true(text.endsWith('\n'))
})
