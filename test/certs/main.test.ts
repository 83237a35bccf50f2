/** Tests of `sallyport certs`: what goes where, what comes next, and how misuse is said. */
import { X509Certificate } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { CommanderError } from 'commander'
import { certsCommand } from '../../certs/main.ts'
import { loadRevocations } from '../../shared/io/revocation.ts'
import { Fault, type FaultCode } from '../../shared/protocol/fault.ts'
import { temporaryFolder } from '../support/temporary.ts'

const start = new Date('2026-11-22T12:00:00Z')

/** What a command wrote, and the fault that it ended with. */
interface Outcome {
  readonly output: string
  readonly talk: string
  readonly code: FaultCode | undefined
  readonly message: string
}

async function sallyport(line: string, directory?: string, at = start): Promise<Outcome> {
  const output: string[] = []
  const talk: string[] = []
  const command = certsCommand({
    now: () => at,
    output: { write: (text) => output.push(text) },
    talk: { write: (text) => talk.push(text) },
  })
  const args = line.split(' ').filter((word) => word !== '')
  if (directory !== undefined) args.push('--dir', directory)
  const ended = (code?: FaultCode, message = ''): Outcome => {
    return { output: output.join(''), talk: talk.join(''), code, message }
  }
  try {
    await command.parseAsync(args, { from: 'user' })
    return ended()
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return ended()
    if (error instanceof Fault) return ended(error.code, error.message)
    throw error
  }
}

test('init, issue, revoke, list: data on stdout, the next command last on stderr', async (t) => {
  await using folder = await temporaryFolder()
  const directory = join(folder.path, 'pki')

  const init = await sallyport('init example.com', directory)
  const authorityFile = join(directory, 'ca', 'certificate.pem')
  const authority = new X509Certificate(await readFile(authorityFile))
  t.is(init.output, `SHA256 ${authority.fingerprint256}\n`)
  t.regex(init.talk, /next: sallyport certs issue relay relay\.example\.com --dir \S+\n$/)

  const relay = await sallyport('issue relay r --dns r.test --dns localhost --ip ::1', directory)
  const [certificateFile = '', keyFile = ''] = relay.output.split('\n')
  t.is(keyFile, join(directory, 'relay', 'r', 'key.pem'))
  t.is(
    new X509Certificate(await readFile(certificateFile)).subjectAltName,
    'URI:spiffe://example.com/relay/r, DNS:r.test, DNS:localhost, IP Address:0:0:0:0:0:0:0:1',
  )
  const agent = await sallyport('issue agent plant-1 --life 12h', directory)
  t.regex(agent.talk, /agent\/plant-1 is good until 2026-11-23 00:00 UTC\n/)
  t.regex(agent.talk, /undo: sallyport certs revoke agent\/plant-1 --dir \S+\n$/)

  const revoke = await sallyport('revoke plant-1 --reason keyCompromise', directory)
  t.regex(revoke.output, /^agent\/plant-1 [0-9A-F]{32}\n$/)
  const file = join(directory, 'ca', 'crl.pem')
  const list = await loadRevocations({ file, authority, now: () => start })
  t.deepEqual([...list.serialNumbers], [revoke.output.trim().split(' ')[1]])
  const again = await sallyport('revoke agent/plant-1', directory)
  t.is(again.output, '')
  t.regex(again.talk, /was revoked before/)

  const table = await sallyport('list', directory)
  t.regex(table.output, /^IDENTITY .*\n(.*\n)*agent\/plant-1 +revoked/)
  t.regex(table.output, /relay\/r +valid +2027-02-20/)
  t.regex(table.talk, /^next: /)
})

test('--json prints JSON and nothing else', async (t) => {
  await using folder = await temporaryFolder()
  await sallyport('init example.com', folder.path)
  t.deepEqual(JSON.parse((await sallyport('list --json', folder.path)).output), [])
  await sallyport('issue client crm', folder.path)
  const [listed] = JSON.parse((await sallyport('list --json', folder.path)).output)
  const [shown] = JSON.parse((await sallyport('show crm --json', folder.path)).output)
  t.deepEqual(shown, listed)
  t.like(listed, {
    identity: 'client/crm',
    uri: 'spiffe://example.com/client/crm',
    state: 'valid',
    notAfter: '2026-11-29T12:00:00.000Z',
    revokedAt: null,
  })
  const authority = JSON.parse((await sallyport('show --json', folder.path)).output)
  t.is(authority.trustDomain, 'example.com')
})

test('show tells of the authority, or of every certificate of a name', async (t) => {
  await using folder = await temporaryFolder()
  await sallyport('init example.com', folder.path)
  await sallyport('issue client crm', folder.path)
  t.regex((await sallyport('show', folder.path)).output, /^trust domain +example\.com\n/)
  t.regex((await sallyport('show crm', folder.path)).output, /^identity +client\/crm\n/)
  t.is((await sallyport('show nobody', folder.path)).code, 'certificate_unknown')
})

test('list says what is wrong in the folder; publish makes the list again', async (t) => {
  await using folder = await temporaryFolder()
  await sallyport('init example.com', folder.path)
  const file = join(folder.path, 'ca', 'crl.pem')
  await writeFile(file, '')
  const { talk } = await sallyport('list', folder.path)
  t.regex(talk, /^nothing was issued yet\n! \S+crl\.pem cannot be trusted/)
  t.is((await sallyport('publish', folder.path)).output, `${file}\n`)
  t.false((await sallyport('list', folder.path)).talk.includes('!'))
})

test('K6: issuing renews a list whose time is half over', async (t) => {
  await using folder = await temporaryFolder()
  await sallyport('init example.com', folder.path)
  const file = join(folder.path, 'ca', 'crl.pem')
  const before = await readFile(file, 'utf8')
  await sallyport('issue agent plant-1', folder.path)
  t.is(await readFile(file, 'utf8'), before)
  await sallyport('issue agent plant-2', folder.path, new Date('2026-12-10T12:00:00Z'))
  t.not(await readFile(file, 'utf8'), before)
})

test('a wrong command line is the fault usage, said once', async (t) => {
  await using folder = await temporaryFolder()
  await sallyport('init example.com', folder.path)
  for (const [line, message] of [
    ['issue boss plant-1', /Allowed choices are relay, agent, client/],
    ['issue agent', /missing required argument 'name'/],
    ['issue agent a b', /too many arguments/],
    ['issue agent plant-1 --life 7', /7 has no unit/],
    ['issue agent plant-1 --life 0d', /at least a second/],
    ['issue agent plant-1 --dns a.test', /Only a relay has DNS names/],
    ['issue agent plant-1 --lief 7d', /Did you mean --life\?/],
    ['revoke plant-1 --reason because', /Allowed choices are unspecified, keyCompromise/],
    ['isue agent plant-1', /Did you mean issue\?/],
  ] as const) {
    const outcome = await sallyport(line, line.startsWith('isue') ? undefined : folder.path)
    t.is(outcome.code, 'usage', line)
    t.regex(outcome.message, message)
    t.is(outcome.output + outcome.talk, '', line)
  }
  t.is((await sallyport('')).code, 'usage')
})

test('what cannot be done is a fault with its own code and the next step', async (t) => {
  await using folder = await temporaryFolder()
  const missing = await sallyport('list', folder.path)
  t.is(missing.code, 'authority_missing')
  t.regex(missing.message, /sallyport certs init/)
  t.is((await sallyport('init Example.com', folder.path)).code, 'name_invalid')
  await sallyport('init example.com', folder.path)
  t.is((await sallyport('init example.com', folder.path)).code, 'file_exists')
  t.is((await sallyport('issue agent Plant', folder.path)).code, 'name_invalid')
  const hostile = 'issue relay r --dns a,URI:spiffe://example.com/agent/victim'
  t.is((await sallyport(hostile, folder.path)).code, 'name_invalid')
})

test('help leads with examples, for the command and for each part of it', async (t) => {
  t.regex((await sallyport('--help')).output, /^Examples:\n {2}sallyport certs init example\.com/)
  for (const name of ['init', 'issue', 'revoke', 'list', 'show', 'publish']) {
    const { output, code } = await sallyport(`${name} --help`)
    t.regex(output, new RegExp(`^Example: sallyport certs ${name}`))
    t.is(code, undefined)
  }
})
