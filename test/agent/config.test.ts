/** agent.yaml as it is loaded: every documented option has a test that fails when it is ignored. */
import { dirname, join } from 'node:path'
import test from 'ava'
import {
  type AgentConfig,
  agentOptions,
  agentSchema,
  describeEffective,
  loadAgentConfig,
} from '../../agent/config.ts'
import { formatNetwork } from '../../shared/address.ts'
import { decideTarget } from '../../shared/allowlist.ts'
import { loaded, withFile } from '../support/config-files.ts'

const smallest = 'relay: relay.example.com\nname: plant-1\n'

/** For each option: two values as written, what the second comes to, and where that stands. */
const options: Readonly<
  Record<
    string,
    readonly [one: unknown, two: string, parsed: unknown, read: (c: AgentConfig) => unknown]
  >
> = {
  relay: ['one.example', 'two.example:2', [{ host: 'two.example', port: 2 }], (c) => c.relays],
  name: ['one', 'two', 'two', ({ name }) => name],
  'tls.certificate': ['/a', '/b/{name}', '/b/plant-1', ({ tls }) => tls.certificate],
  'tls.key': ['/a', '/b', '/b', ({ tls }) => tls.key],
  'tls.authority': ['/a', '/b', '/b', ({ tls }) => tls.authority],
  'limits.streamsMax': [7, '8', 8, ({ limits }) => limits.streamsMax],
  'limits.carriers': [3, '4', 4, ({ limits }) => limits.carriers],
  'limits.dialTimeout': ['7s', '800ms', 800, ({ limits }) => limits.dialTimeoutMs],
  'limits.openTimeout': ['7s', '8s', 8000, ({ limits }) => limits.openTimeoutMs],
  'limits.handshakeTimeout': ['7s', '8s', 8000, ({ limits }) => limits.handshakeTimeoutMs],
  'limits.liveness': ['7s', '8s', 8000, ({ limits }) => limits.livenessMs],
  'limits.resumeWindow': ['7s', '8s', 8000, ({ limits }) => limits.resumeWindowMs],
  'limits.window': ['32KiB', '64KiB', 65_536, ({ limits }) => limits.windowBytes],
  'limits.memoryBudget': ['4MiB', '8MiB', 2 ** 23, ({ limits }) => limits.memoryBudgetBytes],
  'log.level': ['warn', 'debug', 'debug', ({ log }) => log.level],
  'log.format': ['text', 'json', 'json', ({ log }) => log.format],
}

test('T18: there is a test for each option that is documented', (t) => {
  t.deepEqual(
    agentOptions().map(({ name }) => name),
    Object.keys(options),
  )
})

for (const option of agentOptions()) {
  test(`T18: ${option.name} is read from the file, ${option.variable} and a flag`, async (t) => {
    const [one, two, parsed, read] = options[option.name] ?? [undefined, '', undefined, () => 0]
    const [key = '', inner] = option.path
    const head = smallest.replace(new RegExp(`^${key}:.*\n`, 'm'), '')
    const text = JSON.stringify(one)
    const file =
      inner === undefined ? `${head}${key}: ${text}` : `${head}${key}: { ${inner}: ${text} }`
    const env = { [option.variable]: two }
    const flags = { [option.name]: two }
    const inFile = read(await loaded(loadAgentConfig, file))
    t.notDeepEqual(inFile, read(await loaded(loadAgentConfig, smallest)))
    t.notDeepEqual(inFile, parsed)
    t.deepEqual(read(await loaded(loadAgentConfig, file, { env })), parsed)
    t.deepEqual(read(await loaded(loadAgentConfig, file, { flags })), parsed)
    const both = { env: { [option.variable]: 'nonsense' }, flags }
    t.deepEqual(read(await loaded(loadAgentConfig, file, both)), parsed)
    t.true(option.description.length > 10)
  })
}

test('the smallest file has the documented defaults, and offers nothing', async (t) => {
  await withFile(smallest, (file) => {
    const { origin: _, ...config } = loadAgentConfig({ file })
    const pki = join(dirname(file), 'pki')
    t.deepEqual(config, {
      relays: [{ host: 'relay.example.com', port: 443 }],
      name: 'plant-1',
      tls: {
        certificate: join(pki, 'agent/plant-1/certificate.pem'),
        key: join(pki, 'agent/plant-1/key.pem'),
        authority: join(pki, 'ca/certificate.pem'),
      },
      expose: [],
      forward: [],
      limits: {
        streamsMax: 1000,
        carriers: 2,
        dialTimeoutMs: 10_000,
        openTimeoutMs: 15_000,
        handshakeTimeoutMs: 10_000,
        livenessMs: 10_000,
        resumeWindowMs: 90_000,
        windowBytes: 1024 * 1024,
        memoryBudgetBytes: 256 * 1024 * 1024,
      },
      log: { level: 'info', format: 'auto' },
    })
  })
})

test('T12: a relay is a name, an IPv4 or an IPv6 address, or a URL', async (t) => {
  const spellings = [
    ['relay.example.com', 'relay.example.com', 443],
    ['relay.example.com:8443', 'relay.example.com', 8443],
    ['wss://relay.example.com', 'relay.example.com', 443],
    ['wss://relay.example.com:8443/', 'relay.example.com', 8443],
    ['198.51.100.4', '198.51.100.4', 443],
    ['"[::1]"', '::1', 443],
    ['"[::1]:8443"', '::1', 8443],
    ['wss://[fd00::1]:8443', 'fd00::1', 8443],
    ['localhost:1', 'localhost', 1],
  ] as const
  for (const [text, host, port] of spellings) {
    const { relays } = await loaded(loadAgentConfig, `relay: ${text}\nname: plant-1\n`)
    t.deepEqual(relays, [{ host, port }], text)
  }
})

test('several relays are a list, in the order in which they are preferred', async (t) => {
  const text = 'relay: [b.example, wss://a.example:8443]\nname: plant-1\n'
  const { relays, origin } = await loaded(loadAgentConfig, text)
  t.deepEqual(relays, [
    { host: 'b.example', port: 443 },
    { host: 'a.example', port: 8443 },
  ])
  const again = await loaded(loadAgentConfig, describeEffective({ origin }))
  t.deepEqual(again.relays, relays)
})

test('services are exposed in short or in full, and decide as written', async (t) => {
  const { expose } = await loaded(
    loadAgentConfig,
    `${smallest}expose:
  mqtt: 127.0.0.1:1883
  ldap: { target: ldap.plant.internal:389, within: [10.1.0.0/16, fd00::/8] }
  web: { target: '[fd00::1]:80' }
`,
  )
  const [mqtt, ldap, web] = expose
  if (!mqtt || !ldap || !web) throw new Error('three services')
  t.deepEqual(mqtt, { name: 'mqtt', host: '127.0.0.1', port: 1883 })
  t.deepEqual(web, { name: 'web', host: 'fd00::1', port: 80 })
  t.like(ldap, { name: 'ldap', host: 'ldap.plant.internal', port: 389 })
  t.deepEqual(ldap.within?.map(formatNetwork), ['10.1.0.0/16', 'fd00::/8'])
  t.true(decideTarget(ldap, '10.1.2.3').allowed)
  t.false(decideTarget(ldap, '10.2.2.3').allowed)
  t.true(decideTarget(mqtt, '127.0.0.1').allowed)
})

test('forwards lead from local addresses to services elsewhere', async (t) => {
  const { forward } = await loaded(
    loadAgentConfig,
    `${smallest}forward: { 127.0.0.1:5432: plant-2/postgres, '[::1]:5432': plant-2/postgres }`,
  )
  t.deepEqual(forward, [
    { listen: { host: '127.0.0.1', port: 5432 }, service: 'plant-2/postgres' },
    { listen: { host: '::1', port: 5432 }, service: 'plant-2/postgres' },
  ])
})

test('what is in force can be printed, and loads to the same', async (t) => {
  const text = `${smallest}expose: { mqtt: 127.0.0.1:1883 }\n`
  const { origin, ...config } = await loaded(loadAgentConfig, text, {
    env: { SALLYPORT_LIMITS_WINDOW: '64KiB' },
  })
  const printed = describeEffective({ origin })
  t.true(printed.includes('  window: 64KiB # SALLYPORT_LIMITS_WINDOW\n'), printed)
  t.true(printed.includes('name: plant-1 # file.yaml:2\n'), printed)
  const { origin: _, ...again } = await loaded(loadAgentConfig, printed)
  t.deepEqual({ ...again, tls: undefined }, { ...config, tls: undefined })
})

test('the JSON Schema demands relay and name, and takes both forms of a service', (t) => {
  const schema = agentSchema() as ReturnType<typeof agentSchema> & { readonly required: unknown }
  t.deepEqual(schema.required, ['relay', 'name'])
  const forms = schema.properties?.expose?.additionalProperties
  const types = forms ? forms.anyOf?.map(({ type }) => type) : undefined
  t.deepEqual(types, ['string', 'object'])
})
