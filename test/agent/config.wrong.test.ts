/** Wrong agent files: each is refused at its line and column, with what was probably meant. */
import test from 'ava'
import { loadAgentConfig } from '../../agent/config.ts'
import { wrongs } from '../support/config-files.ts'

/** Text that stands from line 3 on. */
function agent(text: string): string {
  return `relay: r.example\nname: plant-1\n${text}`
}

const files: readonly (readonly [text: string, ...wrong: string[]])[] = [
  ['', '1:1 missing "relay"', '1:1 missing "name"'],
  ['relay: r.example', '1:1 missing "name"'],
  ['realy: r.example\nname: a', '1:1 unknown key "realy"; did you mean "relay"?'],
  ['relay: {}\nname: a', '1:8 relay: a mapping stands where a list is expected'],
  ['relay: []\nname: a', '1:8 relay: at least one entry is expected'],
  [
    'relay: [a.example, b/c]\nname: a',
    '1:20 relay: "b/c" is neither an address nor the name of a host',
  ],
  ['relay: [a.example, [b]]\nname: a', '1:20 relay: a list stands where text is expected'],
  ['relay: [a, b, A:443]\nname: a', '1:15 relay: the same relay as entry 1'],
  [`relay: [a, b, c, d, e, f, g, h, i]\nname: a`, '1:8 relay: at most 8 entries are expected'],
  ['relay: r.example\nname: Plant', `2:7 name: ${notName('Plant')}`],
  ['relay: r.example\nname: a/b', `2:7 name: ${notName('a/b')}`],
  [
    'relay: http://r.example\nname: a',
    '1:8 relay: "http://r.example" is not written as wss://host:port',
  ],
  [
    'relay: WS://r.example\nname: a',
    '1:8 relay: "WS://r.example" is not written as wss://host:port',
  ],
  ['relay: r.example:0\nname: a', '1:8 relay: port 0 is not one of 1 to 65535'],
  ['relay: r.example:99999\nname: a', '1:8 relay: port 99999 is not one of 1 to 65535'],
  ...[
    'r.example/x',
    'u@r.example',
    'r%2eexample',
    'r.example#',
    'a b',
    '-r',
    'r。example',
    '127.1',
  ].map(
    (host) =>
      [
        `relay: "${host}"\nname: a`,
        `1:8 relay: "${host}" is neither an address nor the name of a host`,
      ] as const,
  ),
  [agent('proxy: { url: http://p }'), `3:1 unknown key "proxy"; ${knownRoot()}`],
  [agent('exposes: {}'), '3:1 unknown key "exposes"; did you mean "expose"?'],
  [
    agent('tls: { revocations: x }'),
    '3:8 unknown key "revocations" in tls; known here: certificate, key, authority',
  ],

  // Services.
  [agent('expose: [mqtt]'), '3:9 expose: a list stands where a mapping is expected'],
  [agent('expose:\n  Mqtt: 127.0.0.1:1883'), `4:3 ${notName('Mqtt')}`],
  [agent('expose:\n  a/mqtt: 127.0.0.1:1883'), `4:3 ${notName('a/mqtt')}`],
  [agent('expose:\n  mqtt: 1883'), '4:9 service mqtt: "1883" is not written as host:port'],
  [
    agent('expose:\n  mqtt: localhost'),
    '4:9 service mqtt: "localhost" is not written as host:port',
  ],
  [agent('expose:\n  mqtt: 127.0.0.1:0'), '4:9 service mqtt: port 0 is not one of 1 to 65535'],
  [
    agent('expose:\n  mqtt: [127.0.0.1:1]'),
    '4:9 service mqtt: a list stands where text is expected',
  ],
  [agent('expose:\n  mqtt:'), '4:8 service mqtt: nothing stands where text is expected'],
  ...[
    '127.1',
    '0x7f.1',
    '017700000001',
    '2130706433',
    'a.0x7f',
    'http://a',
    'a\0b',
    'a\r\nb',
    'a@b',
  ].map(
    (host) =>
      [
        agent(`expose:\n  mqtt: ${JSON.stringify(`${host}:1`)}`),
        `4:9 service mqtt: "${host}" is neither an address nor the name of a host`,
      ] as const,
  ),
  [
    agent('expose:\n  a: { tarket: "b:1" }'),
    '4:8 unknown key "tarket" in service a; did you mean "target"?',
  ],
  [
    agent('expose:\n  a: { target: "b:1", check: tcp }'),
    '4:23 unknown key "check" in service a; known here: target, within',
  ],
  [agent('expose:\n  a: { within: [10.0.0.0/8] }'), '4:3 missing "target" in service a'],
  [
    agent('expose:\n  a: { target: "b:1", within: [] }'),
    '4:31 service a, within: at least one entry is expected',
  ],
  [
    agent('expose:\n  a: { target: "b:1", within: 10.0.0.0/8 }'),
    '4:31 service a, within: the text "10.0.0.0/8" stands where a list is expected',
  ],
  [
    agent('expose:\n  a: { target: "b:1", within: [10.1.0.0/8] }'),
    '4:32 service a, within: "10.1.0.0/8" has bits behind its prefix; did you mean "10.0.0.0/8"?',
  ],
  [
    agent('expose:\n  a: { target: "10.1.0.5:1", within: [10.2.0.0/16] }'),
    '4:38 service a, within: 10.1.0.5 lies outside, so it could never be dialled',
  ],

  // Forwards.
  [agent('forward: { 5432: a/b }'), '3:12 "5432" is not written as host:port'],
  [
    agent('forward: { db.plant:5432: a/b }'),
    '3:12 listen on an address of this machine, such as 0.0.0.0, not on "db.plant"',
  ],
  [
    agent('forward: { 127.0.0.1:5432: postgres }'),
    '3:28 forward 127.0.0.1:5432: "postgres" is not written as agent/service, as in plant-1/mqtt',
  ],
  [
    agent('forward:\n  "[::1]:1": a/b\n  "[0::1]:1": a/c'),
    '5:3 forward [0::1]:1: the same address as [::1]:1 (line 4)',
  ],
  [
    agent('forward:\n  127.0.0.1:1: a/b\n  127.0.0.1:1: a/c'),
    '5:3 key "127.0.0.1:1" appears twice',
  ],

  // Limits.
  [
    agent('limits: { dialTimeout: 10 }'),
    '3:24 limits.dialTimeout: 10 has no unit: write 10 and one of ms, s, m, h, d',
  ],
  [
    agent('limits: { dialTimeout: 1ms }'),
    '3:24 limits.dialTimeout: 1ms is not between 100ms and 5m',
  ],
  [
    agent('limits: { window: 16MiB, memoryBudget: 1MiB }'),
    '3:19 limits.window: more than memoryBudget',
  ],
  [agent('limits: { park: 10s }'), `3:11 unknown key "park" in limits; ${knownLimits()}`],
]

for (const [text, ...expected] of files) {
  test(`refused: ${JSON.stringify(text)}`, async (t) => {
    t.deepEqual(await wrongs(loadAgentConfig, `${text}\n`), expected)
  })
}

function notName(text: string): string {
  return `"${text}" is not a name: 1 to 63 of a-z, 0-9, ".", "_" and "-", a letter or digit first`
}

function knownRoot(): string {
  return 'known here: relay, name, tls, expose, forward, limits, log'
}

function knownLimits(): string {
  return (
    'known here: streamsMax, carriers, dialTimeout, openTimeout, handshakeTimeout, liveness, ' +
    'resumeWindow, window, memoryBudget'
  )
}
