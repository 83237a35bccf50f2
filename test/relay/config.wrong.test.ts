/** Wrong relay files: each is refused at its line and column, with what was probably meant. */
import test from 'ava'
import { loadRelayConfig } from '../../relay/config.ts'
import { wrongs } from '../support/config-files.ts'

const units = 'ms, s, m, h, d'
const sizes = 'B, kB, MB, GB, KiB, MiB, GiB'
const empty = 'an empty one is {}'

/** One rule that stands from line 4 on, behind a service on line 3. */
function rule(lines: string): string {
  return `name: r.example\nservices:\n  plant-1/mqtt: {}\npolicy:\n  - ${lines}`
}

/** One service that stands on line 3. */
function service(text: string): string {
  return `name: r.example\nservices:\n  ${text}`
}

/** One limit on line 2. */
function limit(text: string): string {
  return `name: r.example\nlimits: { ${text} }`
}

const files: readonly (readonly [text: string, ...wrong: string[]])[] = [
  // The root.
  ['', '1:1 missing "name"'],
  ['# nothing but a comment', '1:1 missing "name"'],
  ['listen: 0.0.0.0:443', '1:1 missing "name"'],
  ['- name', '1:1 a list stands where a mapping is expected'],
  ['relay', '1:1 the text "relay" stands where a mapping is expected'],
  ['nmae: r.example', '1:1 unknown key "nmae"; did you mean "name"?'],
  ['name: r.example\nlisten_: 0.0.0.0:1', '2:1 unknown key "listen_"; did you mean "listen"?'],
  ['name: r.example\nexpects: []', '2:1 unknown key "expects"; did you mean "expect"?'],
  ['name: r.example\nrules: []', unknownRoot(2, 'rules')],
  ['name: r.example\nproxy: x', unknownRoot(2, 'proxy')],
  [
    'name: R.example',
    '1:7 name: "R.example" is not the name of a host: lower case, at most 63 characters',
  ],
  [
    'name: r..example',
    '1:7 name: "r..example" is not the name of a host: lower case, at most 63 characters',
  ],
  [
    `name: ${'a'.repeat(60)}.example`,
    `1:7 name: "${'a'.repeat(60)}.example" is not the name of a host: ` +
      'lower case, at most 63 characters',
  ],
  ['name: 127.1', '1:7 name: "127.1" is not the name of a host: lower case, at most 63 characters'],
  ['name:', '1:6 name: nothing stands where text is expected'],

  // Addresses to listen on.
  ['name: r.example\nlisten: 443', '2:9 listen: "443" is not written as host:port'],
  ['name: r.example\nlisten: 0.0.0.0', '2:9 listen: "0.0.0.0" is not written as host:port'],
  ['name: r.example\nlisten: ":443"', '2:9 listen: ":443" is not written as host:port'],
  ['name: r.example\nlisten: 0.0.0.0:65536', '2:9 listen: port 65536 is not one of 0 to 65535'],
  ['name: r.example\nlisten: 0.0.0.0:0443', '2:9 listen: port 0443 is not one of 0 to 65535'],
  [
    'name: r.example\nlisten: "::1:443"',
    '2:9 listen: an IPv6 address before a port wants brackets: "[::1]:…"',
  ],
  [
    'name: r.example\nlisten: [::1]:443',
    '2:14 unexpected scalar at node end; brackets want quotes: "[::1]:443"',
  ],
  ['name: r.example\nlisten: "[1.2.3.4]:1"', '2:9 listen: "1.2.3.4" is not an IPv6 address'],
  [
    'name: r.example\nlisten: relay.example:443',
    '2:9 listen: listen on an address of this machine, such as 0.0.0.0, not on "relay.example"',
  ],
  [
    'name: r.example\nlisten: 127.1:443',
    '2:9 listen: "127.1" is neither an address nor the name of a host',
  ],
  [
    'name: r.example\nadmin: 0.0.0.0:9470',
    '2:8 admin: 0.0.0.0 is not a loopback address, and nobody proves who he is here',
  ],
  [
    'name: r.example\nadmin: "[::]:9470"',
    '2:8 admin: :: is not a loopback address, and nobody proves who he is here',
  ],
  ['name: r.example\nlisten: 0.0.0.0:9470', '2:9 listen: port 9470 is taken by admin'],

  // Certificates.
  ['name: r.example\ntls: pki', '2:6 tls: the text "pki" stands where a mapping is expected'],
  [
    'name: r.example\ntls: { cert: x }',
    '2:8 unknown key "cert" in tls; known here: certificate, key, authority, revocations',
  ],
  ['name: r.example\ntls: { keys: x }', '2:8 unknown key "keys" in tls; did you mean "key"?'],
  ['name: r.example\ntls: { key: "" }', '2:13 tls.key: a path is missing'],
  ['name: r.example\ntls:\n  key: [a]', '3:8 tls.key: a list stands where text is expected'],

  // Services.
  [service('plant-1: {}'), '3:3 "plant-1" is not written as agent/service, as in plant-1/mqtt'],
  [service('A/b: {}'), '3:3 "A/b" is not written as agent/service, as in plant-1/mqtt'],
  [service('plant-1/*: {}'), '3:3 "plant-1/*" is not written as agent/service, as in plant-1/mqtt'],
  [
    service('plant-1/mqtt:'),
    `3:16 service plant-1/mqtt: nothing stands where a mapping is expected; ${empty}`,
  ],
  [
    service('plant-1/mqtt: { tpc: 0.0.0.0:1 }'),
    '3:19 unknown key "tpc" in service plant-1/mqtt; did you mean "tcp"?',
  ],
  [
    service('plant-1/mqtt: { sealed: true }'),
    '3:19 unknown key "sealed" in service plant-1/mqtt; known here: tcp, websocket, origins',
  ],
  [
    service('plant-1/mqtt: { tcp: 1883 }'),
    '3:24 service plant-1/mqtt, tcp: "1883" is not written as host:port',
  ],
  [
    service('plant-1/mqtt: { websocket: mqtt }'),
    '3:30 service plant-1/mqtt, websocket: "mqtt" does not begin with "/"',
  ],
  ...['/mqtt/', '//mqtt', '/a/../b', '/.hidden', '/mqtt?x', '/m%71tt', '/a b', '/*'].map(
    (path) =>
      [
        service(`plant-1/mqtt: { websocket: "${path}" }`),
        `3:30 service plant-1/mqtt, websocket: "${path}" is not a plain path of a-z, A-Z, 0-9, ` +
          '".", "_", "~" and "-"',
      ] as const,
  ),
  ...['/sallyport', '/sallyport/x', '/healthz'].map(
    (path) =>
      [
        service(`plant-1/mqtt: { websocket: ${path} }`),
        `3:30 service plant-1/mqtt, websocket: /${path.split('/')[1]} is the relay's own`,
      ] as const,
  ),
  [
    service('plant-1/mqtt: { websocket: /m, origins: [https://a.example/] }'),
    '3:44 service plant-1/mqtt, origins: "https://a.example/" is not an exact origin; ' +
      'did you mean "https://a.example"?',
  ],
  [
    service('plant-1/mqtt: { websocket: /m, origins: [HTTPS://A.example:443] }'),
    '3:44 service plant-1/mqtt, origins: "HTTPS://A.example:443" is not an exact origin; ' +
      'did you mean "https://a.example"?',
  ],
  ...['*', 'null', 'a.example', 'file:///x'].map(
    (origin) =>
      [
        service(`plant-1/mqtt: { websocket: /m, origins: ["${origin}"] }`),
        `3:44 service plant-1/mqtt, origins: "${origin}" is not an origin: https://host[:port]`,
      ] as const,
  ),
  [
    service('plant-1/mqtt: { websocket: /m, origins: [] }'),
    '3:43 service plant-1/mqtt, origins: at least one entry is expected',
  ],
  [
    service('plant-1/mqtt: { origins: [https://a.example] }'),
    '3:19 service plant-1/mqtt, origins: without a websocket they mean nothing',
  ],
  [
    service('plant-1/a: { tcp: 0.0.0.0:1883 }\n  plant-1/b: { tcp: 127.0.0.1:1883 }'),
    '4:21 service plant-1/b, tcp: port 1883 is taken by plant-1/a (line 3)',
  ],
  [
    service('plant-1/a: { tcp: "[::]:1883" }\n  plant-1/b: { tcp: 10.0.0.1:1883 }'),
    '4:21 service plant-1/b, tcp: port 1883 is taken by plant-1/a (line 3)',
  ],
  [
    service('plant-1/a: { tcp: 127.0.0.1:1883 }\n  plant-1/b: { tcp: localhost:1883 }'),
    '4:21 service plant-1/b, tcp: port 1883 is taken by plant-1/a (line 3)',
  ],
  [
    service('plant-1/a: { tcp: 0.0.0.0:443 }'),
    '3:21 service plant-1/a, tcp: port 443 is taken by listen',
  ],
  [
    service('plant-1/a: { websocket: /m }\n  plant-1/b: { websocket: /m }'),
    '4:27 service plant-1/b, websocket: /m is taken by plant-1/a (line 3)',
  ],
  [service('plant-1/a: {}\n  plant-1/a: {}'), '4:3 key "plant-1/a" appears twice'],

  // Rules.
  [
    rule('rule: apps\n    form: [10.0.0.0/8]\n    to: [plant-1/mqtt]'),
    '6:5 unknown key "form" in rule 1; did you mean "from"?',
  ],
  [rule('rule: apps\n    to: [plant-1/mqtt]'), '5:5 missing "from" in rule 1'],
  [rule('rule: apps\n    from: [client/a]'), '5:5 missing "to" in rule 1'],
  [rule('from: [client/a]\n    to: [plant-1/mqtt]'), '5:5 missing "rule" in rule 1'],
  ...[
    ['10.0.0.1/8', 'has bits behind its prefix; did you mean "10.0.0.0/8"?'],
    ['10.0.0.0/33', 'is not a network such as 10.0.0.0/8 or fd00::/8'],
    ['127.1', 'is not a network such as 10.0.0.0/8 or fd00::/8'],
    ['*', 'is not a network such as 10.0.0.0/8 or fd00::/8'],
    ['fe80::1%eth0', 'is not a network such as 10.0.0.0/8 or fd00::/8'],
    ['agents/a', 'is not written as agent/name or client/name; did you mean "agent/a"?'],
    ['clint/crm', 'is not written as agent/name or client/name; did you mean "client/crm"?'],
    ['agent/A', 'is not written as agent/name or client/name'],
    ['agent/*', 'is not written as agent/name or client/name'],
    ['crm', 'is not written as agent/name or client/name'],
  ].map(
    ([from, wrong]) =>
      [
        rule(`rule: apps\n    from: [client/a, "${from}"]\n    to: [plant-1/mqtt]`),
        `6:22 rule 1, from: "${from}" ${wrong}`,
      ] as const,
  ),
  [
    rule('rule: apps\n    from: client/a\n    to: []'),
    '6:11 rule 1, from: the text "client/a" stands where a list is expected',
    '7:9 rule 1, to: at least one entry is expected',
  ],
  [
    rule('rule: apps\n    from: [client/a]\n    to: [plant-1/mqt]'),
    '7:10 rule 1, to: there is no service "plant-1/mqt"; did you mean "plant-1/mqtt"?',
  ],
  [
    rule('rule: apps\n    from: [client/a]\n    to: [plant-1/mqtt]\n    limits: { streams: 0 }'),
    '8:24 rule 1, limits.streams: 0 is less than 1',
  ],
  ...['opens: 20/s', 'rate: 10MB/s'].map(
    (text) =>
      [
        rule(`rule: apps\n    from: [client/a]\n    to: [plant-1/mqtt]\n    limits: { ${text} }`),
        `8:15 unknown key "${text.split(':')[0]}" in rule 1, limits; known here: streams`,
      ] as const,
  ),
  [
    rule('rule: apps\n    from: [client/a]\n    to: [plant-1/mqtt]\n    when: always'),
    '8:5 unknown key "when" in rule 1; known here: rule, from, to, limits',
  ],
  [
    rule(
      'rule: a\n    from: [client/a]\n    to: [plant-1/mqtt]\n' +
        '  - rule: a\n    from: [client/b]\n    to: [plant-1/mqtt]',
    ),
    '8:11 rule 2, rule: rule 1 has the same name',
  ],
  [
    rule('rule: "a\\r\\nb"\n    from: [client/a]\n    to: [plant-1/mqtt]'),
    '5:11 rule 1, rule: control characters have no place here',
  ],

  // Expectations.
  [
    rule(
      'rule: a\n    from: [10.0.0.0/16]\n    to: [plant-1/mqtt]\n' +
        'expect:\n  - deny 10.0.0.9 -> plant-1/mqtt\n  - allow 10.9.0.9 -> plant-1/mqtt',
    ),
    '9:5 expectation 1: expected deny, rule 1 (line 5) allows it',
    '10:5 expectation 2: expected allow, no rule allows 10.9.0.9 to reach plant-1/mqtt; ' +
      'nearest is rule 1 (line 5), from 10.0.0.0/16',
  ],
  [
    'name: r.example\nexpect:\n  - permit client/a -> a/b',
    '3:5 expectation 1: "permit client/a -> a/b" is not written as allow FROM -> SERVICE or ' +
      'deny FROM -> SERVICE; FROM is an address, an agent or a client',
  ],

  // Limits and log.
  [
    limit('resumeWindow: 90'),
    `2:25 limits.resumeWindow: 90 has no unit: write 90 and one of ${units}`,
  ],
  [
    limit('resumeWindow: 90 s'),
    '2:25 limits.resumeWindow: "90 s" is not a whole number with a unit, as in 90s',
  ],
  [
    limit('resumeWindow: 1.5m'),
    '2:25 limits.resumeWindow: "1.5m" is not a whole number with a unit, as in 90s',
  ],
  [
    limit('resumeWindow: 90sec'),
    `2:25 limits.resumeWindow: "sec" is not a unit; there are ${units}`,
  ],
  [limit('resumeWindow: 2h'), '2:25 limits.resumeWindow: 2h is not between 0s and 1h'],
  [limit('liveness: 500ms'), '2:21 limits.liveness: 500ms is not between 1s and 5m'],
  [
    limit('relayWindow: 65536'),
    `2:24 limits.relayWindow: 65536 has no unit: write 65536 and one of ${sizes}`,
  ],
  [limit('relayWindow: 64kib'), `2:24 limits.relayWindow: "kib" is not a unit; there are ${sizes}`],
  [limit('relayWindow: 1KiB'), '2:24 limits.relayWindow: 1KiB is not between 16KiB and 16MiB'],
  [limit('streamsMax: 0'), '2:23 limits.streamsMax: 0 is less than 1'],
  [limit('streamsMax: 1e9'), '2:23 limits.streamsMax: 1000000000 is more than 1000000'],
  [limit('streamsMax: 1.5'), '2:23 limits.streamsMax: 1.5 stands where a whole number is expected'],
  [
    limit('streamsMax: "9"'),
    '2:23 limits.streamsMax: the text "9" stands where a number is expected',
  ],
  [limit('streamMax: 9'), '2:11 unknown key "streamMax" in limits; did you mean "streamsMax"?'],
  [
    limit('pendingHandshakesMax: 10'),
    '2:9 limits.pendingPerSourceMax: more than pendingHandshakesMax',
  ],
  [
    limit('memoryBudget: 16MiB, relayWindow: 16MiB, park: 2m'),
    '2:58 limits.park: 2m is not between 0s and 1m',
  ],
  [
    'name: r.example\nlog: { level: inf }',
    '2:15 log.level: "inf" is not one of error, warn, info, debug; did you mean "info"?',
  ],
  [
    'name: r.example\nlog: { format: xml }',
    '2:16 log.format: "xml" is not one of auto, json, text',
  ],
  ['name: r.example\nlog: debug', '2:6 log: the text "debug" stands where a mapping is expected'],
]

for (const [text, ...expected] of files) {
  test(`refused: ${JSON.stringify(text)}`, async (t) => {
    t.deepEqual(await wrongs(loadRelayConfig, `${text}\n`), expected)
  })
}

test('the list of wrong files is as long as was promised', (t) => {
  t.true(files.length >= 80, `${files.length}`)
})

function unknownRoot(line: number, key: string): string {
  const known = 'name, listen, admin, tls, services, policy, expect, limits, log'
  return `${line}:1 unknown key "${key}"; known here: ${known}`
}
