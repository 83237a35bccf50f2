/** relay.yaml as it is loaded: every documented option has a test that fails when it is ignored. */
import { dirname, join } from 'node:path'
import test from 'ava'
import {
  describeEffective,
  loadRelayConfig,
  type RelayConfig,
  relayOptions,
  relaySchema,
} from '../../relay/config.ts'
import { checkExpectations } from '../../shared/expectation.ts'
import type { JsonSchema } from '../../shared/io/config/schema.ts'
import { decide } from '../../shared/policy.ts'
import { loaded, withFile, wrongs } from '../support/config-files.ts'

const smallest = 'name: relay.example.com\n'

const example = `# yaml-language-server: $schema=./relay.schema.json
name: relay.example.com
listen: 0.0.0.0:443
admin: 127.0.0.1:9470
services:
  plant-1/mqtt:
    tcp: 0.0.0.0:1883
    websocket: /mqtt
    origins: [https://todo.example.com, 'http://localhost:3000']
  plant-1/ldap: {}
policy:
  - rule: apps use the broker
    from: [10.0.0.0/16, client/crm, '::1', fd00::/8]
    to: [plant-1/mqtt]
    limits: { streams: 200 }
  - rule: the CRM asks the directory
    from: [agent/crm-1]
    to: [plant-1/ldap]
expect:
  - allow client/crm -> plant-1/mqtt
  - deny client/crm -> plant-2/mqtt
`

/** For each option: two values as written, what they come to, and where that stands. */
const options: Readonly<
  Record<
    string,
    readonly [one: unknown, two: string, parsed: unknown, read: (c: RelayConfig) => unknown]
  >
> = {
  name: ['one.example', 'two.example', 'two.example', ({ name }) => name],
  listen: ['127.0.0.1:1', '[::1]:2', { host: '::1', port: 2 }, ({ listen }) => listen],
  admin: ['127.0.0.1:1', 'localhost:0', { host: 'localhost', port: 0 }, ({ admin }) => admin],
  'tls.certificate': ['/a', '/b/{name}', '/b/relay.example.com', ({ tls }) => tls.certificate],
  'tls.key': ['/a', '/b', '/b', ({ tls }) => tls.key],
  'tls.authority': ['/a', '/b', '/b', ({ tls }) => tls.authority],
  'tls.revocations': ['/a', '/b', '/b', ({ tls }) => tls.revocations],
  'limits.streamsMax': [7, '8', 8, ({ limits }) => limits.streamsMax],
  'limits.agentsMax': [7, '8', 8, ({ limits }) => limits.agentsMax],
  'limits.carriersMax': [7, '8', 8, ({ limits }) => limits.carriersMax],
  'limits.connectionsMax': [7, '8', 8, ({ limits }) => limits.connectionsMax],
  'limits.pendingHandshakesMax': [77, '88', 88, ({ limits }) => limits.pendingHandshakesMax],
  'limits.pendingPerSourceMax': [7, '8', 8, ({ limits }) => limits.pendingPerSourceMax],
  'limits.handshakeTimeout': ['7s', '8s', 8000, ({ limits }) => limits.handshakeTimeoutMs],
  'limits.liveness': ['7s', '8000ms', 8000, ({ limits }) => limits.livenessMs],
  'limits.resumeWindow': ['7s', '8m', 480_000, ({ limits }) => limits.resumeWindowMs],
  'limits.openTimeout': ['7s', '8s', 8000, ({ limits }) => limits.openTimeoutMs],
  'limits.park': ['7s', '0s', 0, ({ limits }) => limits.parkMs],
  'limits.drain': ['7s', '0s', 0, ({ limits }) => limits.drainMs],
  'limits.relayWindow': ['32KiB', '100kB', 100_000, ({ limits }) => limits.relayWindowBytes],
  'limits.memoryBudget': ['64MiB', '1GiB', 2 ** 30, ({ limits }) => limits.memoryBudgetBytes],
  'log.level': ['warn', 'debug', 'debug', ({ log }) => log.level],
  'log.format': ['text', 'json', 'json', ({ log }) => log.format],
}

test('T18: there is a test for each option that is documented', (t) => {
  t.deepEqual(
    relayOptions().map(({ name }) => name),
    Object.keys(options),
  )
})

for (const option of relayOptions()) {
  test(`T18: ${option.name} is read from the file, ${option.variable} and a flag`, async (t) => {
    const [one, two, parsed, read] = options[option.name] ?? [undefined, '', undefined, () => 0]
    const [key = '', inner] = option.path
    const text = JSON.stringify(one)
    const head = key === 'name' ? '' : smallest
    const file =
      inner === undefined ? `${head}${key}: ${text}` : `${head}${key}: { ${inner}: ${text} }`

    const env = { [option.variable]: two }
    const flags = { [option.name]: two }
    const inFile = read(await loaded(loadRelayConfig, file))
    const byDefault = read(await loaded(loadRelayConfig, smallest))
    t.notDeepEqual(inFile, byDefault)
    t.notDeepEqual(inFile, parsed)
    t.deepEqual(read(await loaded(loadRelayConfig, file, { env })), parsed)
    t.deepEqual(read(await loaded(loadRelayConfig, file, { flags })), parsed)
    const both = { env: { [option.variable]: 'nonsense' }, flags }
    t.deepEqual(read(await loaded(loadRelayConfig, file, both)), parsed)
    t.true(option.description.length > 10)
  })
}

test('the smallest file has the documented defaults, and denies everything', async (t) => {
  await withFile(smallest, (file) => {
    const config = loadRelayConfig({ file })
    const pki = join(dirname(file), 'pki')
    t.like(config, {
      name: 'relay.example.com',
      listen: { host: '0.0.0.0', port: 443 },
      admin: { host: '127.0.0.1', port: 9470 },
      tls: {
        certificate: join(pki, 'relay/relay.example.com/certificate.pem'),
        key: join(pki, 'relay/relay.example.com/key.pem'),
        authority: join(pki, 'ca/certificate.pem'),
        revocations: join(pki, 'ca/crl.pem'),
      },
      services: [],
      expectations: [],
      log: { level: 'info', format: 'auto' },
    })
    t.deepEqual(config.limits, {
      streamsMax: 1000,
      agentsMax: 10_000,
      carriersMax: 16,
      connectionsMax: 10_000,
      pendingHandshakesMax: 256,
      pendingPerSourceMax: 20,
      handshakeTimeoutMs: 5000,
      livenessMs: 10_000,
      resumeWindowMs: 90_000,
      openTimeoutMs: 15_000,
      parkMs: 5000,
      drainMs: 10_000,
      relayWindowBytes: 1024 * 1024,
      memoryBudgetBytes: 512 * 1024 * 1024,
    })
    t.deepEqual(config.policy.rules, [])
    const request = { from: { address: '127.0.0.1', identity: 'agent/a' }, to: 'a/b' }
    t.false(decide(config.policy, request).allowed)
  })
})

test('services come with their doors', async (t) => {
  const { services } = await loaded(loadRelayConfig, example)
  t.deepEqual(services, [
    {
      name: 'plant-1/mqtt',
      tcp: { host: '0.0.0.0', port: 1883 },
      websocket: { path: '/mqtt', origins: ['https://todo.example.com', 'http://localhost:3000'] },
    },
    { name: 'plant-1/ldap' },
  ])
  const noBrowsers = await loaded(
    loadRelayConfig,
    `${smallest}services: { a/b: { websocket: /deep/er.path_~- } }`,
  )
  t.deepEqual(noBrowsers.services, [
    { name: 'a/b', websocket: { path: '/deep/er.path_~-', origins: [] } },
  ])
})

test('the policy is parsed, and its rules know their lines and limits', async (t) => {
  const { policy, expectations } = await loaded(loadRelayConfig, example)
  t.like(decide(policy, { from: { address: '10.0.9.9' }, to: 'plant-1/mqtt' }), {
    allowed: true,
    rule: { rule: 'apps use the broker', number: 1, line: 12 },
    limits: { streams: 200 },
  })
  t.like(decide(policy, { from: { identity: 'agent/crm-1' }, to: 'plant-1/ldap' }), {
    allowed: true,
    rule: { number: 2, line: 16 },
  })
  t.false(decide(policy, { from: { identity: 'agent/crm-1' }, to: 'plant-1/mqtt' }).allowed)
  t.is(expectations.length, 2)
  t.deepEqual(
    checkExpectations(policy, expectations).unneeded.map(({ rule }) => rule),
    ['the CRM asks the directory'],
  )
})

test('a path in the file is relative to it, elsewhere to the working directory', async (t) => {
  await withFile(`${smallest}tls: { key: ../keys/relay.pem }`, (file) => {
    t.is(loadRelayConfig({ file }).tls.key, join(dirname(file), '../keys/relay.pem'))
    const flags = { 'tls.key': 'here.pem' }
    t.is(loadRelayConfig({ file, flags }).tls.key, join(process.cwd(), 'here.pem'))
    const env = { SALLYPORT_TLS_KEY: 'there.pem' }
    t.is(loadRelayConfig({ file, env }).tls.key, join(process.cwd(), 'there.pem'))
  })
})

test('doors do not collide where they can be told apart', async (t) => {
  const apart = `${smallest}listen: 10.0.0.1:443
services:
  a/b: { tcp: 10.0.0.2:443 }
  a/c: { tcp: '[fd00::1]:443' }
  a/d: { tcp: 127.0.0.1:0 }
  a/e: { tcp: 127.0.0.1:0 }
`
  t.deepEqual(await wrongs(loadRelayConfig, apart), [])
  const families = `${smallest}services: { a/b: { tcp: '[fd00::1]:443' } }`
  t.deepEqual(await wrongs(loadRelayConfig, families), [])
})

test('what is in force can be printed, with its sources, and loads to the same', async (t) => {
  await withFile(example, async (file) => {
    const flags = { 'limits.park': '3s' }
    const env = { SALLYPORT_LOG_LEVEL: 'debug' }
    const config = loadRelayConfig({ file, flags, env })
    const printed = describeEffective(config)
    for (const line of [
      'listen: 0.0.0.0:443 # file.yaml:3',
      '  park: 3s # --limits-park',
      '  level: debug # SALLYPORT_LOG_LEVEL',
      '  resumeWindow: 90s # default',
      '# file.yaml:11\npolicy:',
    ]) {
      t.true(printed.includes(`${line}\n`), line)
    }
    const again = await loaded(loadRelayConfig, printed)
    t.deepEqual(inForce(again), inForce(config))
  })
})

test('the JSON Schema is draft-07, explains every key, and takes no other', (t) => {
  const schema = relaySchema() as JsonSchema & {
    readonly $schema: string
    readonly required: unknown
  }
  t.is(schema.$schema, 'http://json-schema.org/draft-07/schema#')
  t.deepEqual(schema.required, ['name'])
  const walk = (inner: JsonSchema, path: string): void => {
    if (inner.properties !== undefined) t.is(inner.additionalProperties, false, path)
    for (const [key, value] of Object.entries(inner.properties ?? {})) {
      const isTold = path.endsWith('[]') && key === 'limits'
      t.true(isTold || (value.description ?? '').length > 10, `${path}.${key}`)
      walk(value, `${path}.${key}`)
    }
    if (inner.items !== undefined) walk(inner.items, `${path}[]`)
    if (inner.additionalProperties) walk(inner.additionalProperties, `${path}.*`)
  }
  walk(schema, '')
})

test('A4: a file with ten times the rules is good or refused, and never slow', async (t) => {
  const rules = (count: number): string =>
    Array.from(
      { length: count },
      (_, index) => `  - { rule: r${index}, from: [client/c${index}], to: [a/b] }`,
    ).join('\n')
  const config = await loaded(
    loadRelayConfig,
    `${smallest}services: { a/b: {} }\npolicy:\n${rules(4000)}\n`,
  )
  t.is(config.policy.rules.length, 4000)
  t.deepEqual(await wrongs(loadRelayConfig, `${smallest}policy:\n${rules(40_000)}\n`), [
    'longer than 262144 bytes',
  ])
  const half = `${smallest}services: { a/b: {} }\npolicy:\n${rules(100)}`
  t.not((await wrongs(loadRelayConfig, half.slice(0, -20))).length, 0)
})

/** All that a config means, without the places and paths that depend on its file. */
function inForce({ limits, log, services, listen, admin, name, policy }: RelayConfig): unknown {
  const rules = policy.rules.map(({ rule, from, to, limits: most }) => ({ rule, from, to, most }))
  return { limits, log, services, listen, admin, name, rules }
}
