/**
 * Walks the README's code blocks in their order, with real processes: what it says to type is
 * typed.
 *
 * Three folders stand for the three machines, loopback and free ports for the addresses; archives
 * are carried from one to the other as a person would. `npm ci` is not run again: it brought this
 * test here.
 */
import { copyFile, mkdir, readFile, rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { codeBlocks } from '../support/markdown.ts'
import { startMosquitto } from '../support/mosquitto.ts'
import { freePort } from '../support/ports.ts'
import { Child, run } from '../support/process.ts'
import { testWith } from '../support/program.ts'
import { replacing } from '../support/replacing.ts'
import { repository } from '../support/sources.ts'
import { temporaryFolder } from '../support/temporary.ts'

/** The first line of a block says where it is typed. */
const machines: Readonly<Record<string, string>> = {
  "on the relay's machine": 'relay',
  'inside the firewall': 'plant',
  "on the service's machine": 'service',
}

/** What is carried from the relay's machine, and to where. */
const carried: Readonly<Record<string, string>> = { 'plant-1.tar': 'plant', 'crm-1.tar': 'service' }

/** Commands that run until they are ended, and what they log when they serve. */
const lasting: Readonly<Record<string, string>> = {
  'sallyport relay': 'relay ready',
  'sallyport agent': 'link ready',
}

const testJourneys = testWith('mosquitto', 'mosquitto_pub', 'mosquitto_sub', 'curl')

testJourneys('what the README says to type works, from its first line to its last', async (t) => {
  t.timeout(600_000)
  await using scope = new AsyncDisposableStack()
  const { path: world } = scope.use(await temporaryFolder())
  for (const folder of Object.values(machines)) await mkdir(join(world, folder))
  const broker = scope.use(await startMosquitto())
  const [listen, admin, ingress, forward] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ]
  const local = replacing({
    '--relay relay.example.com': `--relay localhost:${listen}`,
    'wss://relay.example.com': `wss://localhost:${listen}`,
    '-h relay.example.com': '-h 127.0.0.1',
    'relay.example.com': 'localhost',
    '0.0.0.0:1883': `127.0.0.1:${ingress}`,
    '-p 1883': `-p ${ingress}`,
    '127.0.0.1:1883': `127.0.0.1:${broker.port}`,
    '127.0.0.1:9470': `127.0.0.1:${admin}`,
    '11883': `${forward}`,
    '10.0.0.0/16': '127.0.0.0/8',
    '10.0.3.7': '127.0.3.7',
  })
  const environment = {
    PATH: [join(repository, 'bin'), process.env.PATH].join(delimiter),
    NODE_EXTRA_CA_CERTS: join(world, 'relay', 'pki', 'ca', 'certificate.pem'),
  }
  const places = { SALLYPORT_LISTEN: `127.0.0.1:${listen}`, SALLYPORT_ADMIN: `127.0.0.1:${admin}` }
  const serving: Child[] = []
  const seen: string[] = []

  for (const { language, text } of codeBlocks(
    await readFile(join(repository, 'README.md'), 'utf8'),
  )) {
    if (language === 'text' || text.startsWith('npm ci')) continue
    if (language === 'js') {
      const script = `import mqtt from 'mqtt'\n${local(text)}${printOneMessage}`
      const args = ['--input-type=module', '--eval', script]
      seen.push(await run(process.execPath, args, { folder: repository, environment }))
      continue
    }
    const [comment = '', ...lines] = local(text).trimEnd().split('\n')
    const machine = machines[comment.slice(2)]
    const folder = machine === undefined ? repository : join(world, machine)
    const ready = lasting[lines.at(-1) ?? '']
    const last = ready === undefined ? undefined : lines.pop()
    seen.push(await run('sh', ['-e', '-c', lines.join('\n')], { folder, environment }))
    if (last !== undefined) {
      const own = machine === 'relay' ? { ...environment, ...places } : environment
      const child = scope.use(new Child('sh', ['-c', `exec ${last}`], { folder, environment: own }))
      await child.waitForLine(new RegExp(`"message":"${ready}"`), { deadlineMs: 60_000 })
      serving.push(child)
    }
    for (const [archive, to] of Object.entries(carried)) {
      if (machine === 'relay' && text.includes(archive)) {
        await copyFile(join(folder, archive), join(world, to, archive))
        await rm(join(folder, archive))
      }
    }
  }

  const [relay, plant, crm] = serving
  t.is(serving.length, 3, 'a relay, the agent inside and the one beside the service')
  t.is(seen.filter((output) => output.includes('milk')).length, 3, 'by port, by path, by forward')
  t.true(seen.some((output) => output.includes('"service":"plant-1/mqtt","state":"up"')))
  await relay?.waitForLine(/"peer":"agent\/plant-1","code":"revoked"/)
  await plant?.waitForLine(/"code":"revoked"/)
  t.true(crm?.isRunning)
})

const printOneMessage = `
client.on('error', (error) => { throw error })
client.once('message', (_, payload) => client.end(true, () => console.log(String(payload))))
client.subscribe('todos/1')
`
