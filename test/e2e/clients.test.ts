/**
 * Unmodified clients reach unmodified servers through the TCP ingress: they are given another host
 * and port, and nothing else.
 */
import { randomBytes } from 'node:crypto'
import { startWebServer } from '../support/http.ts'
import { startMosquitto } from '../support/mosquitto.ts'
import { startPostgres } from '../support/postgres.ts'
import { Child, run } from '../support/process.ts'
import { programPath, serialTestWith } from '../support/program.ts'
import { startRedis } from '../support/redis.ts'
import { startSecureShell } from '../support/sshd.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { openTunnel } from '../support/tunnel.ts'

const patienceMs = 180_000

serialTestWith(
  'mosquitto',
  'mosquitto_pub',
  'mosquitto_sub',
)('mosquitto_sub hears what mosquitto_pub says, from QoS 0 to 2', async (t) => {
  t.timeout(patienceMs)
  await using broker = await startMosquitto()
  await using tunnel = await openTunnel({ services: { 'plant-1/mqtt': { target: broker.port } } })
  const address = ['-h', '127.0.0.1', '-p', `${tunnel.port('plant-1/mqtt')}`, '-t', 'todo']
  const count = ['-C', '3', '-q', '2']
  await using subscriber = new Child(programPath('mosquitto_sub'), [...address, ...count])
  await broker.log.waitForLine(/Sending SUBACK/)
  for (const quality of [0, 1, 2]) {
    const message = ['-q', `${quality}`, '-m', `todo ${quality}`]
    await run(programPath('mosquitto_pub'), [...address, ...message])
  }
  t.is((await subscriber.waitForExit()).status, 0)
  t.is(subscriber.output, 'todo 0\ntodo 1\ntodo 2\n')
})

serialTestWith(
  'initdb',
  'postgres',
  'psql',
)('psql fills a table and reads it back', async (t) => {
  t.timeout(patienceMs)
  await using server = await startPostgres()
  await using tunnel = await openTunnel({ services: { 'plant-1/sql': { target: server.port } } })
  const address = ['-h', '127.0.0.1', '-p', `${tunnel.port('plant-1/sql')}`]
  const psql = async (statement: string): Promise<string> =>
    await run(programPath('psql'), [...address, '-U', 'postgres', '-At', '-c', statement])
  await psql("create table todo as select n, repeat('x', 1000) from generate_series(1, 5000) n")
  const rows = (await psql('select n from todo order by n')).trimEnd().split('\n')
  t.is(rows.length, 5000)
  t.is(rows.at(-1), '5000')
  const dump = await psql('select * from todo')
  t.is(dump.length, rows.join('').length + 5000 * '|\n'.length + 5_000_000)
})

serialTestWith('redis-server', 'redis-cli')('redis-cli keeps a megabyte', async (t) => {
  t.timeout(patienceMs)
  await using server = await startRedis()
  await using tunnel = await openTunnel({ services: { 'plant-1/redis': { target: server.port } } })
  const address = ['-h', '127.0.0.1', '-p', `${tunnel.port('plant-1/redis')}`]
  const value = randomBytes(500_000).toString('hex')
  const set = [...address, '-x', 'set', 'todo']
  t.is(await run(programPath('redis-cli'), set, { input: value }), 'OK\n')
  t.is(await run(programPath('redis-cli'), [...address, 'get', 'todo']), `${value}\n`)
})

serialTestWith(
  'sshd',
  'ssh',
  'ssh-keygen',
)('ssh runs a command and passes its streams', async (t) => {
  t.timeout(patienceMs)
  await using server = await startSecureShell()
  await using tunnel = await openTunnel({ services: { 'plant-1/ssh': { target: server.port } } })
  const input = `${randomBytes(500_000).toString('hex')}\n`
  const client = server.clientArguments(tunnel.port('plant-1/ssh'))
  t.is(await run(programPath('ssh'), [...client, 'cat; echo there'], { input }), `${input}there\n`)
  const failing = run(programPath('ssh'), [...client, 'exit 7'])
  await t.throwsAsync(failing, { message: /status 7/ })
})

serialTestWith('curl')('curl uploads and downloads the same bytes', async (t) => {
  t.timeout(patienceMs)
  await using server = await startWebServer()
  await using folder = await temporaryFolder()
  await using tunnel = await openTunnel({ services: { 'plant-1/web': { target: server.port } } })
  const url = `http://127.0.0.1:${tunnel.port('plant-1/web')}/`
  const body = randomBytes(2_500_000).toString('hex')
  const upload = ['-sS', '--data-binary', '@-', url]
  t.is(await run(programPath('curl'), upload, { folder: folder.path, input: body }), `${body}\n`)
  const head = ['-sS', '-o', 'body', '-D', '-', '-X', 'DELETE', url]
  const answer = await run(programPath('curl'), head, { folder: folder.path })
  t.regex(answer, /^x-method: DELETE\r?$/m)
})
