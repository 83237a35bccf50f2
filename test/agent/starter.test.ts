/** The agent's first file loads, offers nothing, and loads with its examples switched on. */
import test from 'ava'
import { loadAgentConfig } from '../../agent/config.ts'
import { starterAgentYaml } from '../../agent/starter.ts'
import { loaded } from '../support/config-files.ts'

const text = starterAgentYaml({ relay: 'relay.example.com:8443', name: 'plant-1' })

test('it loads as it is, and offers nothing', async (t) => {
  const config = await loaded(loadAgentConfig, text)
  t.deepEqual(config.relays, [{ host: 'relay.example.com', port: 8443 }])
  t.is(config.name, 'plant-1')
  t.deepEqual([config.expose, config.forward], [[], []])
})

test('it loads with every example switched on', async (t) => {
  const config = await loaded(loadAgentConfig, text.replaceAll(/^# (?=\s|\w+:$)/gm, ''))
  t.deepEqual(
    config.expose.map(({ name }) => name),
    ['mqtt', 'ldap'],
  )
  t.is(config.forward.length, 1)
})

test('it is short, and tells editors its schema first', (t) => {
  const lines = text.trimEnd().split('\n')
  t.is(lines[0], '# yaml-language-server: $schema=./agent.schema.json')
  t.true(lines.length <= 24, `${lines.length} lines`)
})
