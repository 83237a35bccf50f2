/** Tests the command as people meet it: its help, its exit codes, what it says when it cannot. */
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import test from 'ava'
import { Child } from '../support/process.ts'
import { entryPoint, Sallyport } from '../support/sallyport.ts'
import { repository } from '../support/sources.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** What one call has said and how it ended. */
interface Call {
  readonly status: number | null
  /** Standard output alone. */
  readonly output: string
  /** Everything, both outputs together. */
  readonly said: string
}

async function call(line: string, folder = repository): Promise<Call> {
  const args = line === '' ? [] : line.split(' ')
  await using child = new Child(process.execPath, [entryPoint, ...args], { folder })
  const { status } = await child.waitForExit(30_000)
  return { status, output: child.output, said: child.lines.join('\n') }
}

/** Calls that fail: with this status, saying this on standard error and nothing on the other. */
const refusals = [
  ['', 2, 'Say which command: relay, agent, certs, demo, explain.  See: sallyport --help (usage)'],
  ['relai', 2, "Unknown command 'relai'. Did you mean relay?  See: sallyport --help (usage)"],
  ['relay int', 2, 'Did you mean "init"?  See: sallyport relay --help (usage)'],
  ['relay --listn x', 2, "Unknown option '--listn'. Did you mean --listen?"],
  ['certs issu', 2, "Unknown command 'issu'. Did you mean issue?  See: sallyport certs --help"],
  ['agent init', 2, "'--relay <relay>' not specified.  See: sallyport agent init --help (usage)"],
  ['certs issue agent x --life 90', 2, '90 has no unit: write 90 and one of ms, s, m, h, d.'],
  ['explain portinuse', 2, '"portinuse" is no code. Did you mean "port_in_use"?'],
  ['toString', 2, "Unknown command 'toString'."],
  ['relay', 2, 'relay.yaml is not there.  next: sallyport relay init NAME (file_unreadable)'],
  ['agent --check', 2, 'agent.yaml is not there.  next: sallyport agent init --relay RELAY'],
  ['relay init 192.0.2.1', 2, '"192.0.2.1" is not the name of a host'],
  ['demo device', 2, "'--id <name>' not specified.  See: sallyport demo device --help (usage)"],
  ['demo device --id a/b', 2, '"a/b" is no name for a device: 1 to 64 of the letters'],
  ['demo device --id a --id a', 2, '--id a is given twice.'],
  ['demo device --id a --broker http://x', 2, '"http://x" is no address of a broker'],
  ['demo device --id a --authority x.pem', 2, 'x.pem cannot be read.'],
  ['demo server --transport smtp', 2, 'Allowed choices are socket.io, mqtt, amqp.'],
  ['demo server --broker amqp://x', 2, '"amqp://x" is no address of an mqtt broker, such as mqtt'],
  ['demo server --listen 3000', 2, '--listen: "3000" is not written as host:port'],
  ['certs list', 1, 'There is no certificate authority in pki.'],
] as const

for (const [line, status, says] of refusals) {
  test.serial(`sallyport ${line}: ${status}`, async (t) => {
    await using folder = await temporaryFolder()
    const refused = await call(line, folder.path)
    t.is(refused.status, status)
    t.true(refused.said.includes(says), refused.said)
    t.is(refused.output, '', 'standard output is for data')
    t.is(refused.said.match(/✗/g)?.length, 1, 'one fault, told once')
  })
}

for (const command of [
  '',
  'relay',
  'agent',
  'certs',
  'certs issue',
  'demo device',
  'demo example',
]) {
  const path = `sallyport ${command}`.trim()
  test.serial(`${path} --help begins with examples, each of a command that exists`, async (t) => {
    const { status, output } = await call(`${command} --help`.trim())
    t.is(status, 0)
    t.regex(output, /^Examples?:/)
    t.true(output.includes(`\nUsage: ${path} `))
    const examples = new Set(
      [...output.matchAll(/^(?: {2}|Example: )sallyport ((?:[a-z]+ ?)+)/gm)].map(([, words = '']) =>
        words.trim(),
      ),
    )
    t.true(examples.size > 0)
    for (const words of examples) {
      const [first = ''] = words.split(' ')
      const help = await call(`${words} --help`)
      t.regex(help.output, new RegExp(`^Usage: sallyport ${first}`, 'm'), words)
    }
  })
}

test.serial('the help says what the exit codes mean', async (t) => {
  const { output } = await call('--help')
  t.regex(output, /Exit codes: 0 done, 1 failed, 2 wrong command line or configuration/)
})

test.serial('--version is that of the package', async (t) => {
  const { version } = JSON.parse(await readFile(join(repository, 'package.json'), 'utf8'))
  t.like(await call('--version'), { status: 0, output: `${version}\n` })
})

test.serial('an unknown key is shown at its place, with the one that was meant', async (t) => {
  await using folder = await temporaryFolder()
  await writeFile(join(folder.path, 'relay.yaml'), 'name: relay.example.com\nlistn: 0.0.0.0:443\n')
  const { status, output, said } = await call('relay --check', folder.path)
  t.is(status, 2)
  t.is(output, '')
  const report = [
    '✗ relay.yaml:2:1  unknown key "listn"; did you mean "listen"? (config_invalid)',
    '  2 | listn: 0.0.0.0:443',
    '    | ^^^^^',
  ]
  t.is(said, report.join('\n'))
})

test.serial('init, check and run; a second init changes nothing', async (t) => {
  await using folder = await temporaryFolder()
  const { path } = folder
  t.is((await call('relay init localhost', path)).status, 0)
  t.like(await call('relay --check', path), {
    status: 0,
    said: 'relay.yaml ok: 0 services, 0 rules, 0 of 0 expectations hold',
  })
  const again = await call('relay init localhost', path)
  t.is(again.status, 1)
  t.regex(again.said, /relay\.yaml is there already, and nothing is overwritten\..*\(file_exists\)/)
  t.regex(again.said, /More: sallyport explain file_exists/)

  t.is((await call('agent init --relay localhost:8443 --name plant-1', path)).status, 0)
  t.is((await call('agent --check', path)).said, 'agent.yaml ok: 0 services, 0 forwards')
  t.regex((await call('agent', path)).said, /certs issue agent NAME.*\(file_unreadable\)/)

  const places = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']
  await using relay = new Sallyport(['relay', ...places], path)
  await relay.waitForMessage('relay ready')
  await relay.waitForMessage('nobody may reach anything yet: the policy has no rule')
  t.deepEqual(await relay.end(), { status: 0, signal: null })
})

test.serial('a port that is taken is named, with the command that names the taker', async (t) => {
  await using folder = await temporaryFolder()
  await call('relay init localhost', folder.path)
  await using taker = createServer()
  taker.listen(0, '127.0.0.1')
  await once(taker, 'listening')
  const { port } = taker.address() as AddressInfo
  const refused = await call(`relay --listen 127.0.0.1:${port} --admin 127.0.0.1:0`, folder.path)
  t.is(refused.status, 1)
  t.true(refused.said.includes(`Another process listens on 127.0.0.1:${port}.`), refused.said)
  t.true(refused.said.includes(`ss -ltnp 'sport = :${port}' (port_in_use)`), refused.said)
  t.regex(refused.said, /More: sallyport explain port_in_use$/)
})

test.serial('a Node.js that is too old hears a sentence', async (t) => {
  const versions = '{...process.versions,node:"24.11.1"}'
  const older = `data:text/javascript,Object.defineProperty(process,"versions",{value:${versions}})`
  await using child = new Child(process.execPath, ['--import', older, entryPoint, '--version'])
  t.like(await child.waitForExit(), { status: 1 })
  t.is(child.output, '')
  t.regex(
    child.lines[0] ?? '',
    /needs Node\.js 24\.12 or newer; this is 24\.11\.1 \(node_too_old\)/,
  )
})

test.serial('bin/sallyport runs from any folder', async (t) => {
  await using folder = await temporaryFolder()
  const options = { folder: folder.path }
  await using child = new Child(join(repository, 'bin', 'sallyport'), ['explain'], options)
  t.like(await child.waitForExit(), { status: 0 })
  t.regex(child.output, /^port_in_use +Another process listens on this address\.$/m)
})
