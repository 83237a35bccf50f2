/** Tests of the log: its two forms, its levels, and what never gets into it. */
import { generateKeyPairSync } from 'node:crypto'
import { Writable } from 'node:stream'
import test from 'ava'
import { createLog, type LogOptions, logFault } from '../../../shared/io/log.ts'
import { Fault } from '../../../shared/protocol/fault.ts'

/** A log and the lines that it wrote. */
function listen(options: Omit<LogOptions, 'stream'> = {}) {
  let written = ''
  const stream = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      written += text
      done()
    },
  })
  return {
    log: createLog({ ...options, stream }),
    stream,
    text: () => written,
    lines: () => written.split('\n').slice(0, -1),
    events: () =>
      written
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>),
  }
}

test('outside a terminal each event is one line of JSON', (t) => {
  const { log, events } = listen()
  log.info('carrier up', { 'client.address': '203.0.113.7', 'client.port': 4711 })
  log.child({ agent: 'plant-1' }).warn('carrier down', { code: 'carrier_silent' })
  const [up, down] = events()
  t.like(up, { level: 'info', message: 'carrier up', 'client.address': '203.0.113.7' })
  t.is(up?.['client.port'], 4711)
  t.regex(String(up?.time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  t.like(down, { level: 'warn', agent: 'plant-1', code: 'carrier_silent' })
})

test('text is time, level, sentence and fields, quoted where they are not plain', (t) => {
  const { log, lines } = listen({ format: 'text' })
  log.warn('carrier refused', { code: 'revoked', reason: 'two words', streams: 3, none: undefined })
  t.regex(
    lines()[0] ?? '',
    /^\d\d:\d\d:\d\d warn {2}carrier refused code=revoked reason="two words" streams=3$/,
  )
})

test('a level that is off writes nothing, and debug can be asked for', (t) => {
  const quiet = listen({ level: 'warn' })
  t.false(quiet.log.isDebugEnabled)
  quiet.log.info('no')
  quiet.log.debug('no')
  quiet.log.child({}).info('no')
  quiet.log.error('yes')
  t.deepEqual(
    quiet.events().map(({ message }) => message),
    ['yes'],
  )
  const loud = listen({ level: 'debug' })
  t.true(loud.log.isDebugEnabled)
  t.true(loud.log.child({ agent: 'x' }).isDebugEnabled)
  loud.log.debug('yes')
  t.is(loud.lines().length, 1)
})

test('no field takes the place of time, level or message', (t) => {
  const { log, events } = listen()
  log.info('true', { message: 'false', level: 'error', time: 'never', splat: [1], agent: 'x' })
  t.like(events()[0], { message: 'true', level: 'info', agent: 'x' })
  t.not(events()[0]?.time, 'never')
})

const hostile = [
  'x\n{"level":"error","message":"forged"}',
  'x\r\nforged',
  '\x1b[2Jcleared',
  '\x9b31m',
  'a\u2028b\u2029c',
  '\u202etxet\u202c',
  '\u{e0001}tag',
  '\x7f\0',
  '" agent=forged "',
  '\ud800',
]

for (const format of ['json', 'text'] as const) {
  test(`what others chose begins no line and steers no terminal: ${format}`, (t) => {
    const { log, lines, text } = listen({ format })
    for (const value of hostile) log.info(value, { value, [value]: value, list: [value] })
    t.is(lines().length, hostile.length)
    t.notRegex(text().replaceAll('\n', ''), /[\p{Cc}\p{Cf}\u2028\u2029]/u)
    if (format === 'json') {
      t.deepEqual(
        lines().map((line) => (JSON.parse(line) as { value: unknown }).value),
        hostile,
        'and nothing is lost',
      )
    } else {
      t.true(lines().every((line) => !/ agent=forged/.test(line.replace(/"(?:[^"\\]|\\.)*"/g, ''))))
    }
  })
}

test('a fault is one line with its code and what really happened', (t) => {
  const { log, events } = listen()
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  const between = new Fault('carrier_lost', 'The carrier broke.', { cause: refused })
  logFault(log, new Fault('no_agent', 'plant-1 is away.', { cause: between }), { agent: 'plant-1' })
  logFault(log, new Fault('drain'), {}, 'info')
  logFault(log, new TypeError('x is not a function'))
  const [first, second, third] = events()
  t.like(first, {
    level: 'warn',
    message: 'plant-1 is away.',
    code: 'no_agent',
    agent: 'plant-1',
    'error.type': 'ECONNREFUSED',
    'error.message': 'connect ECONNREFUSED',
  })
  t.is(first?.['exception.stacktrace'], undefined)
  t.like(second, { level: 'info', code: 'drain' })
  t.like(third, { level: 'error', code: 'internal', 'error.type': 'TypeError' })
  t.regex(String(third?.['exception.stacktrace']), /x is not a function[\s\S]*log\.test\.ts/)
})

test('planted secrets never appear, however they are logged (L1, L2)', (t) => {
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const pem = String(key.export({ type: 'pkcs8', format: 'pem' }))
  const keyLine = pem.split('\n')[1] ?? ''
  const canaries = [keyLine, 'CANARY-BASIC', 'CANARY-BEARER', 'CANARY-COOKIE', 'CANARY-PASS']
  const basic = 'Basic CANARY-BASIC'
  const bearer = 'Bearer CANARY-BEARER'
  const invite = 'spi1_relay.example.com_CANARY-BEARER'
  const url = 'http://svc:CANARY-PASS@proxy.plant:3128/'
  const leaks: readonly unknown[] = [
    pem,
    { key: pem },
    { tls: { credentials: [pem] } },
    JSON.stringify({ key: pem }),
    Buffer.from(pem),
    key,
    new Error(`cannot read ${pem}`, { cause: new Error(pem) }),
    Object.assign(new Error('handshake'), { options: { key: pem } }),
    { headers: { authorization: basic, Cookie: 'a=CANARY-COOKIE', 'proxy-authorization': basic } },
    `GET / HTTP/1.1\r\nAuthorization: ${basic}\r\nCookie: a=CANARY-COOKIE\r\n\r\n`,
    JSON.stringify({ authorization: bearer }),
    bearer,
    { accessToken: 'CANARY-BEARER', password: 'CANARY-PASS' },
    invite,
    url,
    `${'x'.repeat(1_990)}${pem}`,
  ]
  for (const format of ['json', 'text'] as const) {
    const { log, lines, text } = listen({ format, level: 'debug' })
    for (const leak of leaks) {
      log.debug('leak', { leak })
      log.info(String(leak))
      if (typeof leak === 'object') log.child({ ...leak }).error('leak')
      logFault(log, leak)
      logFault(log, new Fault('carrier_lost', String(leak), { cause: leak }))
    }
    t.true(lines().length > 4 * leaks.length - 1)
    for (const canary of canaries) t.false(text().includes(canary), `${format}: ${canary}`)
  }
})

test('a line is bounded, however much is logged', (t) => {
  const { log, text } = listen()
  const wide = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`f${index}`, index]))
  const deep: unknown[] = []
  deep.push(deep)
  log.info('x'.repeat(1_000_000), { text: 'y'.repeat(1_000_000), wide, deep, list: Array(1_000) })
  t.true(text().length < 10_000)
})

test('a reader that has gone ends nothing', (t) => {
  const { log, stream } = listen()
  stream.destroy(new Error('EPIPE'))
  t.notThrows(() => log.info('nobody hears this'))
})
